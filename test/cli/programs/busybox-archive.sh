#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox tar, gzip, bzip2 -d, cpio, unzip of own archives
# Needs: busybox
b=/bin/busybox
$b mkdir d
for i in 1 2 3; do $b seq 1 $((i * 100)) >d/f$i; done
$b tar -cf d.tar d
$b tar -tf d.tar | $b sort
$b gzip -k d.tar
$b rm -r d
$b gunzip -c d.tar.gz | $b tar -xf -
$b wc -l d/f1 d/f2 d/f3
$b bzip2 -c d/f3 | $b bunzip2 -c | $b md5sum
$b ls d | $b sed 's,^,d/,' | $b cpio -o -H newc 2>/dev/null | $b cpio -t 2>/dev/null
$b xz -d --help >/dev/null 2>&1; echo done

#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox mktemp, truncate, fallocate, split, sync, du, df
# Needs: busybox
b=/bin/busybox
f=$($b mktemp -p .)
$b test -f "$f" && $b echo made
d=$($b mktemp -d /tmp/bb.XXXXXX)
$b test -d "$d" && $b echo made
$b rmdir "$d"
$b truncate -s 10000 big
$b wc -c <big
$b split -b 3000 big part.
$b ls part.*
$b cat part.* | $b cmp - big && $b echo same
$b sync; echo $?
$b du -s . >/dev/null; echo $?

#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox md5sum, sha1sum, sha256sum, sha512sum, cksum, base64, hexdump, od
# Needs: busybox
b=/bin/busybox
$b seq 1 1000 >in
$b md5sum in
$b sha1sum in
$b sha256sum in
$b sha512sum in
$b sha256sum in >sums
$b sha256sum -c sums
$b echo hello | $b base64
$b echo aGVsbG8K | $b base64 -d
$b printf 'abc\001\377' | $b hexdump -C
$b printf 'abc\001\377' | $b od -An -tx1
$b dd if=in of=part bs=100 skip=2 count=3 2>/dev/null
$b md5sum part

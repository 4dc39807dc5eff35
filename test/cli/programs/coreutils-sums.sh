#!/bin/sh
# SPDX-License-Identifier: MIT
# What: coreutils: checksums, encodings, dd
seq 1 100000 >in
md5sum in; sha1sum in; sha224sum in; sha256sum in; sha384sum in
sha512sum in; b2sum in; cksum in; sum in
sha256sum in | sha256sum -c
base64 in | base64 -d | cmp - in && echo same
dd if=in bs=1000 skip=1 count=2 status=none | md5sum
dd if=in of=out bs=4k conv=swab status=none; md5sum out
split -b 100k in part.; cat part.* | md5sum; tail -c +500000 in | head -c 20

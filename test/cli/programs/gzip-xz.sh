#!/bin/sh
# SPDX-License-Identifier: MIT
# What: gzip, zcat, xz, bzip2-less round trips of 4 MiB
seq 1 600000 >in; gzip -k in; zcat in.gz | md5sum; gzip -t in.gz; echo $?
gzip -l in.gz | tail -n 1 | awk '{ print $2 }'
gzip -1 -c in | gunzip -c | cmp - in && echo same; xz -k -1 in
xz -dc in.xz | cmp - in && echo same; xz -t in.xz; echo $?
xz -T2 -1 -c in | xz -d | md5sum
head -c 1000 in.gz | gunzip >/dev/null 2>&1; echo $?
xz --robot -l in.xz | wc -l; zgrep -c 99 in.gz; xzcat in.xz | tail -n 1
echo text | xz --format=lzma | xz -d

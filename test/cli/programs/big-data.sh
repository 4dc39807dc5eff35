#!/bin/bash
# SPDX-License-Identifier: MIT
# What: 64 MiB through files, pipes and sorts
head -c 64M /dev/zero | md5sum; head -c 16M /dev/zero >z; cp z y
cmp z y && echo same; cat z y | wc -c
seq 1 500000 | shuf --random-source=/dev/zero 2>/dev/null | sort -n | md5sum
seq 1 300000 | sort -S 1M -r | tail -n 1
dd if=z of=w bs=1M seek=100 status=none; stat -c %s w
sort --parallel=2 -n <(seq 200000 -1 1) | head -n 1

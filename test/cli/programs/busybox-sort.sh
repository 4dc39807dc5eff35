#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox sort, uniq, comm, diff, cmp, join-like pipelines
# Needs: busybox
b=/bin/busybox
$b printf '3\n1\n2\n2\n10\n' >in
$b sort in
$b sort -n in
$b sort -rn in | $b uniq -c
$b sort -u in >set
$b printf '1\n2\n4\n' >other
$b comm -12 set other
$b diff set other; echo "diff: $?"
$b cmp set other; echo "cmp: $?"
$b cmp set set; echo "cmp: $?"

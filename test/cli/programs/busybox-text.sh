#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox cat, head, tail, tac, rev, nl, fold, wc, cut, paste, tr
# Needs: busybox
b=/bin/busybox
$b seq 1 20 >numbers
$b head -n 3 numbers
$b tail -n 2 numbers
$b tac numbers | $b head -n 2
$b echo "hello world" | $b rev
$b printf 'a\nb\n' | $b nl
$b printf 'abcdefghijklmnop\n' | $b fold -w 5
$b wc -l <numbers
$b printf 'a:b:c\nd:e:f\n' | $b cut -d: -f2
$b paste -s -d, numbers
$b echo "mixed Case" | $b tr a-z A-Z
$b cat -n numbers | $b tail -n 1
$b printf 'x\ty\n' | $b expand

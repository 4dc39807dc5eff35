#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox expr, factor-like loops, date, cal, env, id, basename, dirname, which, seq, bc
# Needs: busybox
b=/bin/busybox
$b expr 6 \* 7
$b expr abcdef : 'abc\(.*\)'
$b date -u -d @86400 '+%Y-%m-%d %H:%M:%S'
$b cal 2 2024
$b env -i A=1 B=2 $b env
$b id -u
$b id -g
$b basename /a/b/c.txt .txt
$b dirname /a/b/c.txt
$b seq -s, 1 3 10
$b echo '2^64 / 3' | $b bc
$b printf '%05d|%-6s|%x|%c\n' 42 ab 255 z
$b test 3 -gt 2 && $b echo yes
$b pwd | $b grep -c .
$b tty; echo "tty: $?"
$b nproc | $b grep -c '^[0-9]'
$b seq 3 | $b sort -R | $b wc -l

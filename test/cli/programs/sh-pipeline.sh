#!/bin/sh
# SPDX-License-Identifier: MIT
# What: dash: long pipelines, exit status of a pipeline, SIGPIPE
seq 1 100000 | sort -rn | head -n 3
yes | head -n 5 | wc -l
true | false; echo $?
false | true; echo $?
(seq 1 10 | while read n; do echo $((n * 2)); done) | tail -n 1
seq 1 1000 | cat | cat | cat | cat | cat | tail -n 1
(echo a; sleep 0.1; echo b) | cat
dd if=/dev/zero bs=64k count=100 2>/dev/null | wc -c
dd if=/dev/zero bs=1M count=8 2>/dev/null | md5sum
(trap '' PIPE; yes 2>/dev/null; echo "status $?" >&2) | head -n 1

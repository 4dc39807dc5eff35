#!/bin/bash
# SPDX-License-Identifier: MIT
# What: GNU grep: expressions, recursion, context, binary files
mkdir d; for i in 1 2 3; do seq $i 7 200 >d/$i; done
printf 'bin\0ary text\n' >d/bin
grep -c 1 d/1; grep -rl 99 d | sort; grep -n '^5' d/2
grep -E '(12|34)$' d/*; grep -P '^\d(?=5)' d/1; grep -F . d/1; echo $?
grep -A1 -B1 50 d/1; grep -v '[0-8]' d/3
grep -o '[0-9]9' d/1 | sort | uniq -c | tr -s ' '; grep -w 8 d/1
grep -x 15 d/1; grep -i BIN d/bin
grep -q 8 d/1; echo $?; grep -q nothing d/1; echo $?
grep x nofile 2>/dev/null; echo $?; grep -a text d/bin | wc -c
grep -m2 1 d/1
printf 'grün\ngrau\n' | grep 'gr.n'; seq 1 300000 | grep -c 77
grep -f <(seq 10 12) -x d/*; grep --include='[12]' -rc 8 d | sort

#!/bin/bash
# SPDX-License-Identifier: MIT
# What: GNU sed: addresses, hold space, in-place, branching
seq 1 10 >n
sed -n '2,4p;$p' n; sed '3!d' n; sed 's/1/X/2' <<< 111
sed -E 's/([0-9])([0-9])/\2\1/' n | tail -n 1
sed 'N;s/\n/ /' n; sed -n '1!G;h;$p' n | head -n 2; sed '/5/q' n | wc -l
sed '2i before
2a after' n | head -n 4; sed '/3/,/6/c changed' n | head -n 4
sed ':a;N;$!ba;s/\n/,/g' n; sed 'y/123/abc/' n | head -n 3
sed -i.bak 's/^/> /' n; head -n 1 n n.bak; sed -n '/> 2/=' n
sed 's/> //w written' n >/dev/null; wc -l <written
sed '0~3d' n.bak | tr '\n' ' '; sed --posix 's/a*/x/g' <<< baac
sed 's/.*/\U&/;s/B/\n/' <<< abc; sed -s -n '$=' n n.bak
sed 'e echo command' <<< x; sed -z 's/\n/;/g' n.bak; sed 1q5 n >/dev/null
echo $?

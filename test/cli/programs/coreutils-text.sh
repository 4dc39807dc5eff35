#!/bin/bash
# SPDX-License-Identifier: MIT
# What: coreutils: text filters
seq 1 30 >n
head -c 10 n; echo; tail -c 5 n
tac n | head -n 2; nl n | tail -n 1
sort -k1,1r n | head -n 3; sort -n -r n | sed -n 1p
shuf -e a b c | sort; uniq -d <<E
a
a
b
E
cut -c1 n | sort | uniq -c | tr -s ' '
paste -d: n n | tail -n 1
join <(echo) /dev/null 2>/dev/null; printf '1 a\n2 b\n' >j1
printf '1 x\n2 y\n' >j2; join j1 j2
comm -3 j1 j2
fmt -w 20 <<< "a long line of words that has to be broken"
fold -s -w 10 <<< "another long line of words"
expand <<< $'a\tb'; unexpand -a <<< '        x'
tr -d 1-5 <<< 123456789; tr -cs a-z '\n' <<< 'ab1cd2'
pr -l 12 -t -2 n | head -n 3
od -c <<< abc; wc n | tr -s ' '
csplit -s n 10 20; wc -l xx0*; split -n l/3 n s.; wc -l s.*
ptx <<< 'the quick fox' | head -n 1; tsort <<< 'a b
b c'
numfmt --to=iec 1048576; factor 1234567890; base32 <<< x
basenc --base16 <<< x

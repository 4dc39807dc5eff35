#!/bin/bash
# SPDX-License-Identifier: MIT
# What: bash: here-documents and here-strings, also large ones
cat <<A; cat <<'B'
first $((1 + 1))
A
second $((1 + 1))
B
cat <<< "here string"
tr a-z A-Z <<< "$(echo nested)"
big=$(printf 'x%.0s' {1..100000})
wc -c <<< "$big"
wc -c <<E
$big$big
E
read -r -d '' text <<E
several
lines
E
echo "$text"
f() { cat; }
f <<E
in a function
E
bash <<'E'
echo "script from standard input: $0"
E

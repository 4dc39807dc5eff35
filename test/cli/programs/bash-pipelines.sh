#!/bin/bash
# SPDX-License-Identifier: MIT
# What: bash: pipelines, PIPESTATUS, pipefail, process substitution
seq 1 10 | awk '{ s += $1 } END { print s }'
false | true | (exit 3); echo "${PIPESTATUS[@]}"
set -o pipefail; false | true; echo $?
diff <(seq 1 5) <(seq 1 6); echo $?
tee >(wc -l >count) < <(seq 1 42) >/dev/null; sleep 0.3; cat count
while read -r a b; do echo "$b $a"; done < <(printf '1 2\n3 4\n')
paste <(seq 3) <(seq 4 6) <(seq 7 9)
mapfile -t lines < <(seq 1 5); echo "${#lines[@]} ${lines[4]}"
echo "text" | tee copy | tr a-z A-Z; cat copy
coproc tr a-z A-Z
echo coprocess >&"${COPROC[1]}"; exec {COPROC[1]}>&-
cat <&"${COPROC[0]}"

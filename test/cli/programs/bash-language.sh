#!/bin/bash
# SPDX-License-Identifier: MIT
# What: bash: arrays, associative arrays, regex, printf, arithmetic, globbing
declare -A m=([one]=1 [two]=2); m[three]=3
for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
a=(x y z); a+=(w); echo "${a[@]:1:2} ${#a[@]}"
[[ 2024-05-06 =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[1]}/${BASH_REMATCH[2]}"
printf '%q %08.3f %s\n' "a b" 3.14159 end
for ((i = 0; i < 3; i++)); do echo -n "$i "; done; echo
touch f1.txt f2.txt g1.txt; echo f*.txt [!f]*.txt
shopt -s extglob nullglob
echo @(f1|g1).txt none*; echo {a,b}{1..3}
s="Hello World"; echo "${s,,} ${s^^} ${s/o/0} ${s//o/0} ${s:6}"
echo $((2 ** 40)) $((7 / 2)) $((-7 % 3)) $((1 ? 5 : 6))
local_test() { local v=inner; echo $v; }; v=outer; local_test; echo $v
select_out=$(case abc in a?c) echo match ;& x) echo fall ;; esac); echo $select_out
exec 5<>rw; echo written >&5; exec 5>&-; cat rw
time_fmt=$(TIMEFORMAT=x; { time true; } 2>&1); echo "$time_fmt"
type -t cd ls if
set -u; echo "${nothing:-unset}"

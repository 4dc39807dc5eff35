#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox ash: functions, loops, case, arithmetic, expansions
# Needs: busybox
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
fact 10
for w in apple bird cat; do
	case $w in
	a*) echo "starts with a: $w" ;;
	*t) echo "ends with t: $w" ;;
	*) echo "other: $w" ;;
	esac
done
v=path/to/file.tar.gz
echo ${v##*/} ${v%.gz} ${v%%.*} ${#v} ${unset-default}
i=0
while [ $i -lt 5 ]; do i=$((i + 1)); [ $i = 3 ] && continue; echo -n "$i "
done; echo
set -- a "b c" d
echo $# "$2"
shift
echo $# "$*"
echo $((0x10 + 010 + (3 << 2) % 5))
read a b <<E
first second third
E
echo "$a|$b"
(exit 7); echo $?
trap 'echo bye' EXIT
eval 'x=1; echo x=$x'

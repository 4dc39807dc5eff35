#!/bin/sh
# SPDX-License-Identifier: MIT
# What: dash: traps, kill, wait, default actions as exit status
trap 'echo got USR1' USR1
kill -USR1 $$
echo after
trap '' TERM
kill -TERM $$
echo survived
for sig in HUP INT TERM KILL SEGV ABRT PIPE ALRM; do
	sh -c "kill -$sig \$\$" 2>/dev/null
	echo "$sig $?"
done
sleep 100 & p=$!
kill -STOP $p; kill -CONT $p; kill -9 $p
wait $p; echo $?
(trap 'echo child exit' EXIT; exit 5); echo $?
kill -0 $$ && echo alive
kill -0 $p 2>/dev/null || echo dead

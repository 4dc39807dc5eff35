#!/bin/bash
# SPDX-License-Identifier: MIT
# What: bash: background jobs, wait, job status, jobs, fg, disown
sleep 0.2 & a=$!
(exit 4) & b=$!
wait $b; echo "b $?"
wait $a; echo "a $?"
for i in 1 2 3; do (sleep 0.0$i; exit $i) & pids[i]=$!; done
for i in 1 2 3; do wait ${pids[i]}; echo "$i: $?"; done
sleep 50 &
jobs | sed 's/  */ /g'
kill %1
wait $! 2>/dev/null; echo "killed $?"
set -m
sleep 50 &
kill -STOP %1
sleep 0.2
jobs | sed 's/  */ /g' | cut -d' ' -f2
kill -CONT %1; kill %1; wait $! 2>/dev/null; echo $?
set +m
(sleep 0.1; exit 9) & wait -n; echo "any $?"
wait; echo "all $?"
wait 99999 2>/dev/null; echo "unknown $?"

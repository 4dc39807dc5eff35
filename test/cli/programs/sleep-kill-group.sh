#!/bin/bash
# SPDX-License-Identifier: MIT
# What: process groups and sessions: setsid, kill of a group, orphans
setsid sh -c 'echo session $(($(ps -o sid= -p $$) == $$))'
sh -c '(sleep 100 & sleep 100 & wait) & p=$!; sleep 0.2; kill $p; wait $p 2>/dev/null; echo $?'
set -m; (sleep 50 | sleep 50) & kill -- -$!; wait $! ; echo $?
(sh -c 'sleep 0.2; echo orphan >o' &) ; sleep 0.8; cat o; ps -o comm= -p $$
pgrep -f no-such-process-name; echo $?

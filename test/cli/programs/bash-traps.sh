#!/bin/bash
# SPDX-License-Identifier: MIT
# What: bash: traps of signals, EXIT, ERR, DEBUG, RETURN; inherited ignores
trap 'echo exit $?' EXIT
trap 'echo err' ERR
false
trap - ERR
trap 'echo usr1' USR1
trap 'echo usr2' USR2
kill -USR1 $$; kill -USR2 $$
trap -p USR1
(trap 'echo sub exit' EXIT)
f() { trap 'echo return' RETURN; echo in f; }
f; trap - RETURN
sleep 10 & p=$!
trap 'echo alarm; kill $p' ALRM
(sleep 0.2; kill -ALRM $$) &
wait $p; echo "wait $?"
trap '' INT; bash -c 'kill -INT $$; echo ignored is inherited'
trap - INT; bash -c 'kill -INT $$'; echo "status $?"
i=0; trap 'i=$((i+1))' USR1; for n in 1 2 3 4 5; do kill -USR1 $$; done
echo "count $i"
true

#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox: pipes of many processes, xargs, background jobs, kill, wait
# Needs: busybox
b=/bin/busybox
$b seq 1 200 | $b xargs -n 10 $b echo | $b wc -l
$b seq 1 3 | $b xargs -I{} $b sh -c 'echo item {}'
$b sleep 30 &
pid=$!
$b kill $pid
wait $pid
echo "killed: $?"
(exit 3) &
wait $!
echo "status: $?"
$b yes | $b head -n 1000 | $b wc -l
$b timeout 1 $b sleep 20
echo "timeout: $?"
$b usleep 1000; echo slept
i=0
while [ $i -lt 50 ]; do $b true; i=$((i + 1)); done
echo "forked $i"

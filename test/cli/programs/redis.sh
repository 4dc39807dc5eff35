#!/bin/sh
# SPDX-License-Identifier: MIT
# What: redis-server over a unix socket: commands, BGSAVE, pub/sub, redis-benchmark
# Needs: redis-server redis-benchmark
# Timeout: 120
redis-server --port 0 --unixsocket "$PWD/s" --save '' --dir . --daemonize no >log 2>&1 &
pid=$!; for i in $(seq 1 100)
do redis-cli -s s ping >/dev/null 2>&1 && break; sleep 0.1; done
c="redis-cli -s s"; $c ping; $c set k v; $c get k; $c incr n
$c lpush l a b c; $c lrange l 0 -1; $c hset h f 1; $c type h; $c dbsize
$c expire k 100; $c eval 'return 6 * 7' 0
(echo 'multi'; echo 'incr n'; echo 'get n'; echo exec) | $c
$c debug sleep 0 >/dev/null; $c bgsave; for i in $(seq 1 100)
do [ -s dump.rdb ] && break; sleep 0.1; done; head -c 5 dump.rdb; echo
$c info persistence | tr -d '\r' | grep rdb_last_bgsave_status
redis-benchmark -s s -n 5000 -c 10 -t get,set -q | tr '\r' '\n' | grep -c 'requests per second, p50'
redis-benchmark -s s -n 20000 -c 5 -P 16 -t incr -q | tr '\r' '\n' | grep -c 'requests per second, p50'
$c get counter:__rand_int__; $c shutdown nosave; wait $pid; echo $?

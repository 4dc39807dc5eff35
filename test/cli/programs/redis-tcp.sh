#!/bin/sh
# SPDX-License-Identifier: MIT
# What: redis over TCP: commands, pipelining, a benchmark, blocking clients
# Needs: redis-server redis-cli redis-benchmark
# Timeout: 90
# a free port: what bind gave to a socket that is closed again
port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 ::1 --save '' --daemonize no \
	--logfile redis.log &
server=$!
for i in $(seq 100); do
	redis-cli -p "$port" ping >/dev/null 2>&1 && break
	sleep 0.1
done
cli() { redis-cli -h "$host" -p "$port" "$@"; }
for host in 127.0.0.1 ::1; do
	cli flushall
	cli set greeting hello
	cli get greeting
	cli rpush list a b c
	cli lrange list 0 -1
	cli incrby counter 41
	seq 1 500 | sed 's/.*/INCR counter/' | cli --pipe | tail -1
	cli get counter
	(cli blpop queue 10; echo popped) > out &
	waiter=$!
	while [ "$(cli client list | grep -c cmd=blpop)" != 1 ]; do
		sleep 0.05
	done
	cli lpush queue item
	wait $waiter
	cat out
	redis-benchmark -h "$host" -p "$port" -q -n 2000 -c 20 -t set,get \
		--csv | sed 's/","[0-9.,"]*$//' | grep -c '[SG]ET'
	redis-benchmark -h "$host" -p "$port" -q -n 5000 -c 10 -P 16 -t incr \
		--csv | grep -c INCR
	cli info clients | grep -c connected_clients
done
redis-cli -p "$port" shutdown nosave
wait $server
echo "status $?"
redis-cli -p "$port" ping 2>&1 | sed "s/$port/PORT/"

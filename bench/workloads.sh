#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The workloads of bench/workloads, which reads their names here:
#
#   WORK=DIR INPUTS=DIR bash bench/workloads.sh NAME
#
# Each is a function below "# its-name: what it is". It prepares, then says
# `start`, works, and says `stop`, which prints the seconds between; or it
# prints a figure of its own. Status 77: a program is missing.
set -u
py=/usr/bin/python3
servers=()

need() {
	for program in "$@"; do
		command -v "$program" > /dev/null || exit 77
	done
}
start() { started=${EPOCHREALTIME/./}; }
stop() {
	local us=$((${EPOCHREALTIME/./} - started))
	printf 'FIGURE %d.%06d\n' $((us / 1000000)) $((us % 1000000))
}
# The seconds that AMOUNT takes at so much each second.
at_speed() { awk -v n="$1" -v speed="$2" 'BEGIN { printf "FIGURE %.6f\n", n / speed }'; }
free_port() {
	$py -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# Until the command succeeds: 10 seconds at most.
wait_for() {
	for _ in $(seq 200); do
		"$@" > /dev/null 2>&1 && return
		sleep 0.05
	done
	exit 1
}
background() { "$@" > /dev/null 2>&1 & servers+=($!); }
end_servers() {
	[ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null
	wait
}
trap end_servers EXIT

# python-start: python3 starts, 20 times
python_start() {
	need $py
	$py -c pass
	start
	for _ in $(seq 20); do $py -c 'import json, re, subprocess'; done
	stop
}

# python-compute: python3 computes
python_compute() {
	need $py
	start
	$py -c 'n = 0
for i in range(5000000):
    n = (n * 31 + i) % 1000003
print(n)' > /dev/null
	stop
}

# sqlite-insert: sqlite, 100,000 inserts
sqlite_insert() {
	need $py
	start
	$py - <<'P'
import sqlite3
c = sqlite3.connect("db", isolation_level=None)
c.execute("create table t (id integer primary key, name text, n int)")
for k in range(100):
    c.execute("begin")
    for i in range(1000):
        c.execute("insert into t (name, n) values (?, ?)", (f"row {i}", i * 7 % 1000))
    c.execute("commit")
c.execute("create index x on t (n)")
P
	stop
}

# sqlite-select: sqlite, 100,000 selects
sqlite_select() {
	need $py
	sqlite_insert > /dev/null
	start
	$py - <<'P'
import sqlite3
c = sqlite3.connect("db")
c.execute("pragma cache_size = 50")
s = 0
for i in range(100000):
    s += c.execute("select n from t where id = ?", (i * 7919 % 100000 + 1,)).fetchone()[0]
P
	stop
}

start_redis() {
	need redis-server redis-benchmark redis-cli
	port=$(free_port)
	background redis-server --port "$port" --bind 127.0.0.1 --save ''
	wait_for redis-cli -p "$port" ping
}
redis() { redis-benchmark -p "$port" -q "$@" > /dev/null; }

# redis-set: redis, 40,000 SETs by 20 clients
redis_set() { start_redis; start; redis -n 40000 -c 20 -t set; stop; }

# redis-get: redis, 40,000 GETs by 20 clients
redis_get() { start_redis; start; redis -n 40000 -c 20 -t get; stop; }

# redis-pipeline: redis, 600,000 SETs and GETs, 16 at a time
redis_pipeline() { start_redis; start; redis -n 300000 -c 20 -P 16 -t set,get; stop; }

# find-first: find over /usr/share, the first time
find_first() { start; find /usr/share -size +0 | wc -l > /dev/null; stop; }

# find-again: find over /usr, the second time
find_again() {
	find /usr -size +0 > /dev/null
	start
	find /usr -size +0 | wc -l > /dev/null
	stop
}

# tar: tar of /usr/include, read before
tar_tree() {
	tar -cf - /usr/include 2>/dev/null | wc -c > /dev/null
	start
	tar -cf - /usr/include 2>/dev/null | cat > tree.tar
	mkdir out && tar -xf tree.tar -C out
	stop
}

# gcc-large: gcc -O1 of a file of 7,000 lines
gcc_large() {
	need gcc
	awk 'BEGIN {
		print "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>"
		for (i = 0; i < 600; i++) {
			printf "static int f%d(int *a, int n)\n{\n\tint s = %d;\n", i, i
			print "\tfor (int i = 0; i < n; i++) {\n\t\ts += a[i] * (s ^ i);"
			print "\t\tif (s % 17 == 3)\n\t\t\ta[i] = s;\n\t}\n\treturn s;\n}"
		}
		print "int main(int c, char **v)\n{\n\tint a[8] = { c }, s = 0;"
		for (i = 0; i < 600; i++)
			printf "\ts += f%d(a, 8);\n", i
		print "\treturn s & 127;\n}"
	}' > large.c
	start
	gcc -O1 -c large.c
	stop
}

# make: zlib: configure and make -j2
make_project() {
	need gcc make
	[ -r "$INPUTS/source.tar" ] || exit 77
	tar -xf "$INPUTS/source.tar" --strip-components=1
	start
	./configure > /dev/null && make -j2 > /dev/null 2>&1
	stop
}

# node-http: node, 4,000 http requests, server and client
node_http() {
	need node
	start
	node - <<'J'
const http = require("http");
const server = http.createServer((q, r) => r.end("hello " + q.url));
server.listen(0, "127.0.0.1", () => {
	const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
	let sent = 0, open = 0;
	function next() {
		if (sent === 4000) {
			if (!open) { agent.destroy(); server.close(); }
			return;
		}
		open++;
		http.get({ port: server.address().port, host: "127.0.0.1", path: "/" + sent++, agent }, (r) => {
			r.resume();
			r.on("end", () => { open--; next(); });
		});
	}
	for (let i = 0; i < 8; i++) next();
});
J
	stop
}

# nginx: nginx and wrk: 10,000 requests
nginx_wrk() {
	need nginx wrk curl
	port=$(free_port)
	echo hello > index.html
	cat > nginx.conf <<C
daemon off; worker_processes 1; pid $PWD/pid; error_log $PWD/error.log;
events { worker_connections 256; }
http { access_log off; client_body_temp_path $PWD/b; proxy_temp_path $PWD/p;
	fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/s;
	sendfile on; server { listen 127.0.0.1:$port; root $PWD; } }
C
	[ "$(id -u)" = 0 ] && echo "user $(id -un);" >> nginx.conf
	background nginx -c "$PWD/nginx.conf" -e "$PWD/error.log"
	wait_for curl -s "http://127.0.0.1:$port/"
	at_speed 10000 "$(wrk -t1 -c16 -d2 "http://127.0.0.1:$port/" |
		awk '/Requests\/sec/ { print $2 }')"
}

# iperf3: iperf3 over loopback: 4 GiB
loopback() {
	need iperf3
	port=$(free_port)
	background iperf3 -s -1 -p "$port"
	wait_for sh -c "grep -q ':$(printf %04X "$port") ' /proc/net/tcp /proc/net/tcp6"
	at_speed 34.36 "$(iperf3 -c 127.0.0.1 -p "$port" -t 2 -f g |
		awk '/receiver/ { print $(NF - 2) }')"
}

mkdir -p "$WORK" && cd "$WORK" || exit 1
case ${1-} in
tar) tar_tree ;;
make) make_project ;;
nginx) nginx_wrk ;;
iperf3) loopback ;;
*) "${1//-/_}" ;;
esac

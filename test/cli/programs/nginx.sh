#!/bin/bash
# SPDX-License-Identifier: MIT
# What: nginx: files, ranges, compression, a proxy, load by wrk, reload, quit
# Needs: nginx curl wrk python3
# Timeout: 90
port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
d=$PWD
mkdir www tmp
head -c 300000 /dev/zero | tr '\0' x > www/big.txt
echo hello > www/index.html
cat > nginx.conf <<C
worker_processes 2; pid $d/pid; error_log $d/error.log info;
events { worker_connections 256; }
http {
	access_log $d/access.log;
	client_body_temp_path $d/tmp/b; proxy_temp_path $d/tmp/p;
	fastcgi_temp_path $d/tmp/f; uwsgi_temp_path $d/tmp/u;
	scgi_temp_path $d/tmp/s;
	sendfile on; gzip on; gzip_types text/plain;
	server {
		listen 127.0.0.1:$port; listen [::1]:$port;
		root $d/www;
		location /p/ { proxy_pass http://127.0.0.1:$port/; }
	}
}
C
[ "$(id -u)" = 0 ] && echo "user $(id -un);" >> nginx.conf
control() { nginx -c "$d/nginx.conf" -e "$d/error.log" "$@"; }
get() { curl -s -m 20 "$@"; }
control
for host in 127.0.0.1 '[::1]'; do
	url=http://$host:$port
	get "$url/"
	get "$url/big.txt" | sha256sum
	get -r 5-9 "$url/big.txt"; echo
	get -o /dev/null -w '%{http_code}\n' "$url/none"
	get "$url/p/big.txt" | wc -c
	get -H 'Accept-Encoding: gzip' "$url/big.txt" | gzip -dc | wc -c
	get -I "$url/big.txt" | grep -i '^content-'
	get -d data -o /dev/null -w '%{http_code}\n' "$url/"
done
url=http://127.0.0.1:$port
for path in / /big.txt /p/; do
	wrk -t2 -c20 -d1 "$url$path" > out
	grep -c 'Requests/sec: *[1-9]' out
	grep -c 'Non-2xx\|Socket errors' out
done
old=$(cat pid)
control -s reload
for i in $(seq 200); do
	grep -q 'gracefully shutting down' error.log && break
	sleep 0.05
done
get "$url/"
[ "$(cat pid)" = "$old" ] && echo same master
control -s quit
for i in $(seq 200); do
	[ -e pid ] || break
	sleep 0.05
done
get "$url/"; echo "curl $?"
echo "$(grep -c 'alert\|emerg\|crit' error.log) alerts"

#!/bin/bash
# SPDX-License-Identifier: MIT
# What: servers and their clients over 127.0.0.1, as far as they are installed: MariaDB, Apache, haproxy, etcd, dnsmasq, mosquitto, prometheus
# Needs: curl python3
# Timeout: 120
export HOME=$PWD
here=$PWD

has() { command -v "$1" >/dev/null; }

# ready COMMAND...: it has worked once
ready() {
	local i
	for i in $(seq 200); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	echo "not ready: $*"
}

# ended NAME PID: it is told to end, and its status
ended() {
	kill "$2"
	wait "$2"
	echo "$1 ended: $?"
}

free_port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

if has mariadbd; then
	mkdir db
	mariadb-install-db --no-defaults --datadir="$here/db" --user=root \
		--auth-root-authentication-method=normal >log 2>&1
	echo "mariadb made: $?"
	port=$(free_port)
	mariadbd --no-defaults --datadir="$here/db" --user=root --port="$port" \
		--socket="$here/sock" --bind-address=127.0.0.1 >log 2>&1 &
	ready mariadb-admin --no-defaults -S sock ping
	mariadb --no-defaults -S sock -N -e 'create database d; use d;
		create table t(i int primary key, s varchar(100)) engine=innodb;
		insert into t select seq, repeat("x", 50) from seq_1_to_20000;
		update t set s = "y" where i % 3 = 0; alter table t add index(s);
		select count(*), sum(i), count(distinct s) from t'
	mariadb --no-defaults -h127.0.0.1 -P"$port" -uroot -N -e 'select 1 + 1'
	ended mariadb $!
fi
mkdir www
echo page >www/page
if has apache2; then
	port=$(free_port)
	cat >apache.conf <<-END
		ServerRoot /usr/lib/apache2
		ServerName localhost
		Listen 127.0.0.1:$port
		PidFile $here/apache.pid
		ErrorLog $here/apache.log
		DocumentRoot $here/www
		User www-data
		Group www-data
		LoadModule mpm_event_module modules/mod_mpm_event.so
		LoadModule authz_core_module modules/mod_authz_core.so
		<Directory />
		Require all granted
		</Directory>
	END
	chmod 755 . www
	apache2 -f "$here/apache.conf" -D FOREGROUND &
	ready curl -s "http://127.0.0.1:$port/"
	curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/none"
	ended apache $!
fi
if has haproxy; then
	port=$(free_port)
	python3 -m http.server -b 127.0.0.1 -d www "$port" >/dev/null 2>&1 &
	server=$!
	front=$(free_port)
	cat >haproxy.conf <<-END
		defaults
		 mode http
		 timeout client 9s
		 timeout server 9s
		 timeout connect 9s
		frontend front
		 bind 127.0.0.1:$front
		 default_backend back
		backend back
		 server one 127.0.0.1:$port
	END
	haproxy -f haproxy.conf >log 2>&1 &
	ready curl -sf "http://127.0.0.1:$front/page"
	curl -s "http://127.0.0.1:$front/page"
	ended haproxy $!
	kill $server
fi
if has etcd; then
	port=$(free_port)
	peer=$(free_port)
	etcd --data-dir etcd --listen-client-urls "http://127.0.0.1:$port" \
		--advertise-client-urls "http://127.0.0.1:$port" \
		--listen-peer-urls "http://127.0.0.1:$peer" >log 2>&1 &
	export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=127.0.0.1:$port
	ready etcdctl endpoint health
	etcdctl put key value
	etcdctl get key
	ended etcd $!
fi
if has dnsmasq && has dig; then
	port=$(free_port)
	dnsmasq -k -p "$port" --listen-address=127.0.0.1 --bind-interfaces \
		--no-resolv --address=/x.test/10.1.2.3 --pid-file= -u root >log 2>&1 &
	ready dig +time=1 +tries=1 -p "$port" @127.0.0.1 x.test
	dig +short -p "$port" @127.0.0.1 x.test
	dig +short +tcp -p "$port" @127.0.0.1 x.test
	ended dnsmasq $!
fi
if has mosquitto && has mosquitto_sub; then
	port=$(free_port)
	mosquitto -p "$port" >log 2>&1 &
	server=$!
	ready mosquitto_pub -p "$port" -t topic -r -m message
	mosquitto_sub -p "$port" -t topic -C 1 -W 30
	ended mosquitto $server
fi
if has prometheus; then
	port=$(free_port)
	echo 'scrape_configs: []' >prometheus.yml
	prometheus --config.file=prometheus.yml --storage.tsdb.path="$here/tsdb" \
		--web.listen-address="127.0.0.1:$port" >log 2>&1 &
	ready curl -sf "http://127.0.0.1:$port/-/ready"
	curl -s "http://127.0.0.1:$port/api/v1/query?query=1%2B1" | grep -o '"2"'
	ended prometheus $!
fi

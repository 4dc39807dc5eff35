#!/bin/bash
# SPDX-License-Identifier: MIT
# What: postgresql: initdb, pgbench, queries, TCP, dump, crash and recovery
# Needs: psql setpriv
# User: 65534
# Timeout: 180
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
PATH=$bin:$PATH
d=$PWD/data
export PGHOST=$PWD PGUSER=me PGDATABASE=b
tell() { "$@" > out 2>&1; echo "$1 $?"; }
tell initdb -D "$d" -A trust -U me --no-sync -E UTF8 --locale=C
port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PGPORT=$port
start() {
	tell pg_ctl -D "$d" -w -t 90 -l log -o \
		"-k $PWD -c listen_addresses=127.0.0.1 -c max_connections=40" start
}
start
tell createdb
tell pgbench -q -i -s 1
pgbench -n -c 4 -j 2 -t 100 2>&1 | grep -E 'processed|failed'
pgbench -n -c 2 -t 50 -M prepared -h 127.0.0.1 2>&1 | grep -E 'processed|failed'
pgbench -n -S -c 4 -j 2 -t 200 2>&1 | grep -E 'processed|failed'
sums='select (select sum(abalance) from pgbench_accounts) =
	(select sum(delta) from pgbench_history), (select count(*) from
	pgbench_history), (select sum(tbalance) from pgbench_tellers) =
	(select sum(bbalance) from pgbench_branches)'
psql -At -c "$sums"
psql -At <<'S'
create table t as select i, md5(i::text) m from generate_series(1, 20000) i;
create index on t (m);
analyze t;
set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0;
set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
select count(*), sum(i), max(m) from t;
select i from t where m = md5('777');
begin; delete from t where i % 2 = 0; select count(*) from t; rollback;
select count(*) from t;
select pg_sleep(0.01);
set statement_timeout = 50; select pg_sleep(60);
S
echo "psql $?"
pg_dump -t t | grep -v '^.\(un\)\?restrict ' | sha256sum
# two that wait for each other: the server ends one
psql -qAt -c 'create table l (k int, v int); insert into l values (1, 0), (2, 0)'
for order in '1 2' '2 1'; do
	set -- $order
	psql -qAt -c 'set deadlock_timeout = 100' -c 'begin' \
		-c "update l set v = v + 1 where k = $1" -c 'select pg_sleep(0.5)' \
		-c "update l set v = v + 1 where k = $2" -c commit > "dead$1" 2>&1 &
done
wait
psql -qAt -c 'select sum(v) > 0 from l'
# a crash: what was committed is there again
psql -qAt -c 'insert into l values (3, 3)'
pg_ctl -D "$d" -m immediate stop > out; echo "stop $?"
start
psql -At -c 'select v from l where k = 3' -c "$sums"
pg_ctl -D "$d" -m fast stop > out; echo "stop $?"
echo "$(grep -c PANIC log) panics"

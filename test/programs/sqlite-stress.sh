#!/bin/bash
# SPDX-License-Identifier: MIT
# What: sqlite3: many writers at one file, journal and WAL, kills, large tables
# Needs: sqlite3 python3
# Timeout: 120
for mode in delete wal; do
	rm -f db*
	sqlite3 db "pragma journal_mode=$mode; create table t (who int, n int,
		primary key (who, n)); create table c (v int); insert into c values (0)"
	for who in 1 2 3 4; do
		for n in $(seq 1 40); do
			echo 'begin immediate;'
			echo "insert into t values ($who, $n);"
			echo 'update c set v = v + 1; commit;'
		done | sqlite3 -cmd '.timeout 60000' db || echo "writer failed"
	done
	for who in 5 6 7 8; do
		(for n in $(seq 1 40); do
			echo 'begin immediate;'
			echo "insert into t values ($who, $n);"
			echo 'update c set v = v + 1; commit;'
		done | sqlite3 -cmd '.timeout 60000' db || echo "writer failed") &
	done
	(for n in $(seq 1 50); do
		sqlite3 -cmd '.timeout 60000' db \
			'select count(*) - (select v from c) from t'
	done | sort | uniq -c) &
	wait
	sqlite3 db 'select count(*), (select v from c) from t; pragma integrity_check'
done
# killed in the middle of a transaction: it never was
cat > killed.py <<'P'
import os, signal, sqlite3, subprocess, sys
if len(sys.argv) > 1:
    c = sqlite3.connect("k", isolation_level=None)
    c.execute("pragma cache_size=10")
    c.execute("begin immediate")
    for i in range(3000):
        c.execute("insert into t values (?, zeroblob(900))", (i,))
    print("ready", flush=True)
    signal.pause()
c = sqlite3.connect("k")
c.execute("create table t (i, b)")
c.execute("insert into t values (-1, 'kept')")
c.commit()
for _ in range(5):
    p = subprocess.Popen([sys.executable, "killed.py", "x"], stdout=subprocess.PIPE)
    p.stdout.readline()
    p.kill()
    p.wait()
    print(os.path.exists("k-journal"), c.execute("select count(*), max(b) from t").fetchall(),
          c.execute("pragma integrity_check").fetchone())
P
/usr/bin/python3 killed.py
sqlite3 big <<'S'
create table n (i integer primary key, t text);
with recursive r(i) as (select 1 union all select i + 1 from r where i < 100000)
insert into n select i, printf('%x', i * 2654435761 % 4294967296) from r;
create index x on n (t);
select count(*), min(t), max(t) from n;
select count(*) from n a join n b on a.t = b.t;
delete from n where i % 3 = 0; vacuum;
pragma integrity_check;
S
sqlite3 big .dump | sha256sum

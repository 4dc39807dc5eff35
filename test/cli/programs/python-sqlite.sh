#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3 sqlite3: in memory and in a file, two connections, WAL
# Needs: python3
/usr/bin/python3 - <<'E'
import sqlite3, os
c = sqlite3.connect("db"); print(c.execute("pragma journal_mode=wal").fetchone())
c.execute("create table t(id integer primary key, name text)")
c.executemany("insert into t(name) values (?)", [(f"row {i}",) for i in range(5000)]); c.commit()
d = sqlite3.connect("db"); print(d.execute("select count(*), max(id), min(name) from t").fetchone())
c.execute("begin immediate")
try: sqlite3.connect("db", timeout=0.1).execute("begin immediate")
except sqlite3.OperationalError as e: print(e)
c.rollback(); c.execute("delete from t where id % 2"); c.commit(); c.execute("vacuum")
print(d.execute("select count(*) from t").fetchone(), d.execute("pragma integrity_check").fetchone()); c.close(); d.close()
m = sqlite3.connect(":memory:"); m.execute("create table a(b)"); m.execute("insert into a values (1)"); print(m.execute("select * from a").fetchall())
print(sorted(os.listdir(".")))
E

#!/bin/bash
# SPDX-License-Identifier: MIT
# What: the sqlite3 command: tables, transactions, import, WAL, dump
# Needs: sqlite3
sqlite3 db <<'E'
create table t(id integer primary key, name text, v real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) insert into t select i, 'name ' || (i % 100), i * 1.5 from n;
create index tn on t(name); select count(*), sum(v) from t where name = 'name 7'; begin; delete from t where id > 100; rollback; select max(id) from t;
.mode csv
select * from t limit 3;
.tables
E
sqlite3 db 'pragma journal_mode=wal; update t set v = 0 where id < 50; pragma integrity_check;'
sqlite3 db .dump | md5sum
seq 1 5 | sqlite3 db '.import /dev/stdin n' 2>/dev/null
sqlite3 db 'select bad' 2>/dev/null; echo $?
sqlite3 :memory: 'select sqlite_version() is not null, upper("x"), date(0, "unixepoch")'
for i in 1 2 3
do sqlite3 -cmd ".timeout 20000" db "insert into t(name) values ('p$i')" & done
wait; sqlite3 db "select count(*) from t where name like 'p%'"

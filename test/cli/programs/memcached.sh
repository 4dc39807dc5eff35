#!/bin/bash
# SPDX-License-Identifier: MIT
# What: memcached: TCP and UNIX-domain clients, limits of memory, many clients
# Needs: memcached python3
# Timeout: 90
memcached -u "$(id -un)" -s "$PWD/sock" -m 8 -t 3 & server=$!
cat > client.py <<'P'
import socket, sys, threading, time
where = sys.argv[1:]
def connect():
    for _ in range(200):
        try:
            if len(where) == 1:
                s = socket.socket(socket.AF_UNIX); s.connect(where[0])
            else:
                s = socket.create_connection((where[0], int(where[1])))
            return s, s.makefile("rb")
        except OSError:
            time.sleep(0.05)
    sys.exit("no server")
def ask(s, f, line, data=None):
    s.sendall(line.encode() + b"\r\n" + (data + b"\r\n" if data is not None else b""))
    return f.readline().decode().strip()
s, f = connect()
print(ask(s, f, "set a 5 0 3", b"one"))
print(ask(s, f, "add a 0 0 3", b"two"))
print(ask(s, f, "append a 0 0 1", b"!"))
print(ask(s, f, "get a"), f.readline(), f.readline())
print(ask(s, f, "set n 0 0 2", b"41"), ask(s, f, "incr n 1"), ask(s, f, "decr n 50"))
print(ask(s, f, "delete a"), ask(s, f, "delete a"))
print(ask(s, f, "nonsense"))
print(ask(s, f, "set big 0 0 2000000", b"x" * 2000000))
def worker(k):
    c, g = connect()
    bad = 0
    for i in range(300):
        v = (b"%d-%d " % (k, i)) * 20
        if ask(c, g, "set k%d-%d 0 0 %d" % (k, i % 40, len(v)), v) != "STORED": bad += 1
        head = ask(c, g, "get k%d-%d" % (k, i % 40))
        if g.readline().strip() != v.strip() or g.readline() != b"END\r\n": bad += 1
    out[k] = bad
out = {}
ts = [threading.Thread(target=worker, args=(k,)) for k in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print(sorted(out.items()))
# more than the server's memory: old ones go
c, g = connect()
for i in range(300):
    ask(c, g, "set m%d 0 0 100000" % i, b"y" * 100000)
kept = 0
for i in range(300):
    if ask(c, g, "get m%d" % i).startswith("VALUE"):
        kept += 1; g.readline(); g.readline()
print(0 < kept < 200)
P
python3 client.py "$PWD/sock"
kill $server; wait $server; echo "status $?"
port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
memcached -u "$(id -un)" -l 127.0.0.1,::1 -p $port -U 0 -m 8 -t 3 & server=$!
python3 client.py 127.0.0.1 $port
python3 client.py ::1 $port
kill -INT $server; wait $server; echo "status $?"

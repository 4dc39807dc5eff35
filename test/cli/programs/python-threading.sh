#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3 threading: locks, conditions, queues, many threads
# Needs: python3
/usr/bin/python3 - <<'E'
import threading, queue, time, concurrent.futures
lock = threading.Lock(); total = 0
def add():
    global total
    for _ in range(2000):
        with lock:
            total += 1
ts = [threading.Thread(target=add) for _ in range(16)]
[t.start() for t in ts]; [t.join() for t in ts]; print(total)
q = queue.Queue(5); out = []
def consume():
    while (x := q.get()) is not None:
        out.append(x)
t = threading.Thread(target=consume); t.start()
for i in range(1000): q.put(i)
q.put(None); t.join(); print(sum(out), len(out))
with concurrent.futures.ThreadPoolExecutor(8) as e:
    print(list(e.map(lambda n: n ** 2, range(20))))
ev = threading.Event(); threading.Timer(0.1, ev.set).start(); print(ev.wait(10))
print(ev.is_set(), threading.Event().wait(0.05))
b = threading.Barrier(4); r = []
def meet():
    b.wait(10); r.append(1)
ts = [threading.Thread(target=meet) for _ in range(4)]; [t.start() for t in ts]; [t.join() for t in ts]; print(len(r))
c = threading.Condition(); ready = []
def waiter():
    with c:
        print("ready", c.wait_for(lambda: ready, 10))
t = threading.Thread(target=waiter); t.start()
with c: ready.append([1]); c.notify_all()
t.join()
for _ in range(200):
    t = threading.Thread(target=lambda: None); t.start(); t.join()
print(threading.active_count())
E

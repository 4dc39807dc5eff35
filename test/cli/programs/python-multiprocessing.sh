#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3 multiprocessing: pool, queue, lock, shared memory, fork and spawn
# Needs: python3
/usr/bin/python3 - <<'E'
import multiprocessing as mp, os
def square(n): return n * n
def put(q, l, v, i):
    with l: v.value += i
    q.put(i)
if __name__ == "__main__":
    with mp.Pool(4) as p:
        print(p.map(square, range(50)))
    q, l, v = mp.Queue(), mp.Lock(), mp.Value("i", 0)
    ps = [mp.Process(target=put, args=(q, l, v, i)) for i in range(8)]
    [p.start() for p in ps]; got = sorted(q.get(timeout=20) for _ in ps); [p.join() for p in ps]
    print(got, v.value, [p.exitcode for p in ps])
    a, b = mp.Pipe()
    p = mp.Process(target=lambda: (b.send({"x": [1, 2]}), b.close())); p.start(); print(a.recv()); p.join()
    from multiprocessing import shared_memory
    s = shared_memory.SharedMemory(create=True, size=100000)
    def write(): s.buf[99999] = 42
    p = mp.Process(target=write); p.start(); p.join(); print(s.buf[99999]); s.close(); s.unlink()
    e = mp.Event(); p = mp.Process(target=e.set); p.start(); print(e.wait(20)); p.join()
    with mp.Manager() as m:
        d = m.dict(); p = mp.Process(target=lambda: d.update(a=1)); p.start(); p.join(); print(dict(d))
E

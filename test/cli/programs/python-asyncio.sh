#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3 asyncio: tasks, streams over a unix socket, subprocesses, signals, executors
# Needs: python3
/usr/bin/python3 - <<'E'
import asyncio, os, signal
async def handle(r, w):
    while line := await r.readline():
        w.write(line.upper()); await w.drain()
    w.close()
async def client(n):
    r, w = await asyncio.open_unix_connection("sock")
    out = []
    for i in range(10):
        w.write(f"client {n} {i}\n".encode()); await w.drain(); out.append(await r.readline())
    w.close(); await w.wait_closed(); return out[-1]
async def main():
    s = await asyncio.start_unix_server(handle, "sock")
    print(await asyncio.gather(*(client(n) for n in range(10))))
    s.close()
    p = await asyncio.create_subprocess_exec("sort", stdin=-1, stdout=-1)
    print(await p.communicate(b"c\na\nb\n"), p.returncode)
    try: await asyncio.wait_for(asyncio.sleep(10), 0.1)
    except asyncio.TimeoutError: print("timeout")
    loop = asyncio.get_running_loop(); got = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, got.set); os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 10); print("signal")
    print(await loop.run_in_executor(None, lambda: sum(range(1000))))
    q = asyncio.Queue()
    async def produce():
        for i in range(100): await q.put(i); await asyncio.sleep(0)
    t = asyncio.create_task(produce()); print(sum([await q.get() for _ in range(100)])); await t
asyncio.run(main())
E

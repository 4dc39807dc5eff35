#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3 signal, select, socketpair, fork, wait: EINTR and itimers
# Needs: python3
/usr/bin/python3 - <<'E'
import signal, os, time, select, socket, errno
hits = []
signal.signal(signal.SIGALRM, lambda s, f: hits.append(s)); signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
end = time.monotonic() + 10
while len(hits) < 5 and time.monotonic() < end: time.sleep(0.2)
signal.setitimer(signal.ITIMER_REAL, 0); print(len(hits) >= 5)
a, b = socket.socketpair(); print(select.select([a], [b], [], 0)[1] == [b]); b.send(b"x"); print(a.recv(5))
pid = os.fork()
if pid == 0: os._exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1); print(signal.sigpending()); print(signal.sigwait([signal.SIGUSR1]))
e = select.epoll(); e.register(a, select.EPOLLIN); print(e.poll(0.01)); b.send(b"y"); print(len(e.poll(1)))
socket.send_fds(a, [b"fd"], [1]); m, fds, _, _ = socket.recv_fds(b, 10, 2); os.write(fds[0], b"passed descriptor\n")
pid, fd = os.forkpty() if hasattr(os, "forkpty") else (0, 0)
if pid == 0: print("in a terminal", os.isatty(0)); os._exit(0)
out = b""
try:
    while d := os.read(fd, 100): out += d
except OSError as err: print(err.errno == errno.EIO)
print(out); print(os.waitpid(pid, 0)[1])
E

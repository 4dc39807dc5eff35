#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run a command on a new terminal and hold a dialogue with it.

    terminal.py [STEP...] -- COMMAND [ARG...]

A STEP is `expect=TEXT` (wait until TEXT appears behind what was matched
before), `send=TEXT` (backslash escapes as in Python), `resize=ROWSxCOLS`, or
`hangup` (close the terminal). At the end everything printed is written to
standard output; the exit status is the command's (128+N for a signal), 99 when
something expected did not come within 10 seconds.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

TIMEOUT = 10


class Dialogue:
    def __init__(self, fd):
        self.fd, self.seen, self.at, self.open = fd, b"", 0, True

    def read(self, timeout):
        """False at the end, or when nothing came in time."""
        if not self.open or not select.select([self.fd], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.open = bool(data)
        self.seen += data
        return self.open

    def expect(self, text):
        end = time.monotonic() + TIMEOUT
        while True:
            found = self.seen.find(text, self.at)
            if found >= 0:
                self.at = found + len(text)
                return True
            if time.monotonic() > end:
                return False
            if not self.read(0.2) and not self.open:
                return self.seen.find(text, self.at) >= 0

    def resize(self, size):
        rows, cols = (int(n) for n in size.split("x"))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))


def run_step(d, step):
    kind, _, text = step.partition("=")
    raw = text.encode().decode("unicode_escape").encode("latin1")
    if kind == "expect":
        return d.expect(raw)
    if kind == "send":
        os.write(d.fd, raw)
    elif kind == "resize":
        d.resize(text)
    elif kind == "hangup":
        os.close(d.fd)
        d.open = False
    else:
        sys.exit(f"unknown step {step}")
    return True


def wait_for(pid, d):
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        d.read(0.05) or time.sleep(0.02)
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            while d.read(0.05):
                pass
            return os.waitstatus_to_exitcode(status)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    print("[the command did not end]")
    return 99


def main():
    cut = sys.argv.index("--")
    steps, command = sys.argv[1:cut], sys.argv[cut + 1:]
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    d = Dialogue(fd)
    d.resize("24x80")
    failed = next((s for s in steps if not run_step(d, s)), None)
    if failed:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    code = 99 if failed else wait_for(pid, d)
    sys.stdout.write(d.seen.decode("utf-8", "replace").replace("\r\n", "\n"))
    if failed:
        print(f"\n[did not come: {failed}]")
    sys.exit(code if code >= 0 else 128 - code)


main()

#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3 subprocess: pipes, timeouts, exit status, errors of exec
# Needs: python3
/usr/bin/python3 - <<'E'
import subprocess, sys, os, signal
print(subprocess.run(["echo", "hello"], capture_output=True, text=True))
print(subprocess.run(["cat"], input="through cat", capture_output=True, text=True).stdout)
print(subprocess.run("exit 7", shell=True).returncode)
print(subprocess.run(["sh", "-c", "kill -9 $$"]).returncode)
try:
    subprocess.run(["sleep", "20"], timeout=0.3)
except subprocess.TimeoutExpired as e:
    print("timeout", e.cmd)
for bad in (["/nonexistent"], ["/etc/passwd"], ["/"]):
    try:
        subprocess.run(bad)
    except OSError as e:
        print(type(e).__name__, e.errno)
a = subprocess.Popen(["seq", "1", "100000"], stdout=subprocess.PIPE)
b = subprocess.Popen(["tail", "-n", "1"], stdin=a.stdout, stdout=subprocess.PIPE)
a.stdout.close(); print(b.communicate()[0], a.wait(), b.returncode)
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
out, _ = p.communicate(b"x" * 1000000); print(len(out))
print(subprocess.check_output([sys.executable, "-c", "import os; print(os.getcwd() != '')"]))
print(subprocess.run(["env"], env={"A": "1"}, capture_output=True).stdout)
print(subprocess.run(["pwd"], cwd="/usr", capture_output=True).stdout)
p = subprocess.Popen(["sleep", "50"], preexec_fn=os.setsid); os.killpg(p.pid, signal.SIGTERM); print(p.wait())
r, w = os.pipe(); subprocess.run(["sh", "-c", f"echo pass >&{w}"], pass_fds=[w]); print(os.read(r, 10))
print([subprocess.call(["true"]) for _ in range(20)])
E

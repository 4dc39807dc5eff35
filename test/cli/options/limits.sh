# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Memory, process and processor limits.

test_memory_limit() {
	need python3
	mica run -m 128m -- /usr/bin/python3 -c '
try:
    x = bytearray(1 << 30)
    print("got it")
except MemoryError:
    print("MemoryError")'
	expect_out_lacks "got it"
	expect [ "$status" = 137 -o "$(cat "$out_file")" = MemoryError ]
}
test_memory_limit_is_visible() {
	ok -m 256m -- sh -c 'awk "/MemTotal/ { print \$2 }" /proc/meminfo'
	expect [ "$(cat "$out_file")" -le 262144 ]
	expect [ "$(cat "$out_file")" -gt 100000 ]
}
test_memory_suffixes() {
	for m in 134217728 128m 128M 131072k 1g; do ok -m "$m" -- true; done
	ok --memory=200m -- true
}
test_tmpfs_counts_as_memory() {
	mica run -m 64m -- sh -c 'head -c 300M /dev/zero >/tmp/f'
	expect [ "$status" != 0 ]
}
test_pids_limit() {
	need python3
	ok --pids-limit 20 -- /usr/bin/python3 -c '
import os, signal
children = []
try:
    for _ in range(40):
        pid = os.fork()
        if pid == 0:
            signal.pause()
        children.append(pid)
except OSError as e:
    print(e.errno, len(children) < 20)
for pid in children:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
'
	expect_out "11 True"
}
test_fork_bomb_ends() {
	start=$(date +%s)
	timeout -s KILL 40 "$MICA" run --pids-limit 50 -- bash -c 'f() { f | f & }; f 2>/dev/null; sleep 2; echo over' >"$out_file" 2>"$err_file" </dev/null
	status=$?
	expect [ "$status" != 137 ]
	expect [ $(($(date +%s) - start)) -lt 40 ]
}
test_cpus() {
	ok --cpus 1 -- nproc
	expect_out 1
}

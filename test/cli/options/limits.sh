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
# Extents beyond the largest block of the page pool; no memory is touched.
test_large_file_goes() {
	ok -- sh -c 'for n in 1 2 3; do fallocate -l 3500M /dev/shm/f
		rm -f /dev/shm/f; done 2>/dev/null; echo gone'
	expect_out gone
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
# Skips where the host grants no real-time classes, then the rest of the test.
need_rt() {
	"$MICA" doctor | grep -q '^ok .*real-time classes' ||
		skip "the host refuses real-time classes"
}
test_rtprio() {
	need chrt
	need_rt
	ok --rtprio 10 -- chrt -f 10 sh -c 'chrt -p $$; sh -c "chrt -p \$\$"'
	expect [ "$(grep -c 'SCHED_FIFO' "$out_file")" = 2 ]
	expect [ "$(grep -c 'priority: 10' "$out_file")" = 2 ]
	ok --rtprio 10 -- chrt -R -r 9 sh -c 'chrt -p $$; sleep 0; chrt -o -p 0 $$; chrt -p $$'
	expect_out_has SCHED_RR
	expect_out_has SCHED_OTHER
}
test_rtprio_is_a_limit() {
	need chrt
	need_rt
	mica run --platform=process --rtprio 10 -- chrt -f 11 true
	expect [ "$status" = 1 ]
	mica run --platform=process -- chrt -f 1 true
	expect [ "$status" = 1 ]
}
test_rtprio_on_the_host() {
	need chrt
	need_rt
	timeout 90 "$MICA" run --platform=process --rtprio 7 -- chrt -f 7 sleep 60 &
	pid=$!
	for _ in $(seq 100); do
		ps -eLo cls=,rtprio=,args= | grep -q '^ *FF *7 .*mica' && break
		sleep 0.05
	done
	expect [ -n "$(ps -eLo cls=,rtprio=,args= | grep '^ *FF *7 .*mica')" ]
	kill $pid
	wait $pid || :
}

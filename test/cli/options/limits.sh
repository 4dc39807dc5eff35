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
# What the sandbox's own control group says, for programs that look there.
test_cgroup_tells_limits() {
	ok -u 0 -m 100m --pids-limit 50 --cpus 1.5 -- sh -c 'cd /sys/fs/cgroup
		# a machine has a little less than it was given
		max=$(cat memory.max); [ "$max" -le 104857600 ] &&
			[ "$max" -gt 100000000 ] && echo limited
		cat cpu.max pids.max memory.swap.max cgroup.type
		cat /proc/self/cgroup; grep -c . cgroup.procs
		grep -w cgroup2 /proc/mounts; grep -c " - cgroup2 " /proc/self/mountinfo
		stat -f -c %T .'
	expect_out "$(printf '%s\n' limited '150000 100000' 50 0 domain 0::/ 2 \
		'cgroup /sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec,relatime 0 0' \
		1 cgroup2fs)"
	ok -- sh -c 'cd /sys/fs/cgroup; cat cpu.max memory.max pids.max'
	expect_out_has "max 100000"
	expect [ "$(tail -1 "$out_file")" = max ]
}
test_cgroup_counts() {
	mica run -u 0 -- sh -c 'cd /sys/fs/cgroup
		value() { while read -r name n; do
			[ "$name" = "$1" ] && echo "$n"; done <$2; }
		before=$(value usage_usec cpu.stat) memory=$(cat memory.current)
		head -c 20000000 /dev/zero >/tmp/big
		i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done
		[ "$(value usage_usec cpu.stat)" -gt "$before" ] && echo time
		[ "$(cat memory.current)" -gt $((memory + 15000000)) ] && echo memory
		now=$(cat memory.current)
		[ "$(cat memory.peak)" -ge "$now" ] && echo peak
		[ "$(value anon memory.stat)" -gt 15000000 ] && echo stat
		tasks=$(cat pids.current)
		sleep 1000 & sleep 1000 &
		[ "$(cat pids.current)" -gt "$tasks" ] && echo pids
		grep -qx $! cgroup.procs && grep -qx $! cgroup.threads && echo procs
		kill $(jobs -p)'
	expect_out "$(printf '%s\n' time memory peak stat pids procs)"
}
test_cgroup_is_read_only() {
	mica run -u 0 -- sh -c 'cd /sys/fs/cgroup
		(echo 5 >memory.max) 2>&1; mkdir group 2>&1; touch file 2>&1
		rmdir /sys/fs/cgroup 2>&1; ls | grep -c "group$\|file$"'
	expect [ "$(grep -c "Read-only file system" "$out_file")" = 4 ]
	expect [ "$(tail -1 "$out_file")" = 0 ]
}
test_cgroup_can_be_mounted() {
	mkdir -p c t
	ok -u 0 -- sh -c 'mount -t cgroup2 none c && cat c/cgroup.type
		mount -t tmpfs none /sys/fs/cgroup && touch /sys/fs/cgroup/mine &&
		ls /sys/fs/cgroup; umount /sys/fs/cgroup && cat /sys/fs/cgroup/pids.max
		umount /sys/fs/cgroup && ls /sys/fs/cgroup && grep -c cgroup /proc/mounts'
	expect_out "$(printf 'domain\nmine\nmax\n1')"
}
test_cgroup_in_other_roots() {
	mkdir -p tree/bin
	cp /bin/busybox tree/bin/
	ok --root tree -m 50m -- /bin/busybox cat /sys/fs/cgroup/memory.max
	expect [ "$(cat "$out_file")" -gt 50000000 ]
	expect [ "$(cat "$out_file")" -le 52428800 ]
}
test_cgroup_java() {
	need java
	ok -m 700m --cpus 1 -- java -XshowSettings:system \
		-XX:+PrintFlagsFinal -version
	expect_err_has "Provider: cgroupv2"
	expect_err_has "Effective CPU Count: 1"
	heap=$(awk '$2 == "MaxHeapSize" { print $4 }' "$out_file")
	expect [ "$heap" -gt 150000000 -a "$heap" -lt 200000000 ]	# a quarter
}
# A host that has no membarrier for us (an older one, a filter around mica).
test_membarrier_refused_by_host() {
	need python3
	cat >call.py <<-'PY'
	import ctypes
	libc = ctypes.CDLL(None, use_errno=True)
	for command in 0, 1, 16, 8:
	    print(libc.syscall(324, command, 0, 0), ctypes.get_errno())
	PY
	cat >without.py <<-'PY'
	import ctypes, os, struct, sys
	libc = ctypes.CDLL(None)
	code = b"".join(struct.pack("HBBI", *i) for i in (
	    (0x20, 0, 0, 0), (0x15, 0, 1, 324),
	    (0x06, 0, 0, 0x50000 | int(sys.argv[1])), (0x06, 0, 0, 0x7fff0000)))
	text = ctypes.create_string_buffer(code)
	program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(text))
	if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
	    sys.exit(77)
	os.execv(sys.argv[2], sys.argv[2:])
	PY
	for errno in 1 38; do
		python3 without.py $errno "$MICA" run --platform=process -- \
			python3 call.py >"$out_file" 2>"$err_file" </dev/null
		status=$?
		[ $status != 77 ] || skip "no seccomp"
		expect_status 0
		expect_out "$(printf -- '-1 38\n%.0s' 1 2 3 4)"
	done
}
# Names that were looked up are kept, but never more than memory allows.
test_names_are_memory() {
	need python3
	mica run -m 64m --stats -- /usr/bin/python3 -c '
import os
for n in range(400000):
    if os.access(f"/usr/{n:0200}", os.F_OK):
        print("there")
print("alive")'
	expect_status 0
	expect_out alive
	expect [ "$(sed -n 's/.*peak \([0-9]*\) KiB/\1/p' "$err_file")" -lt 60000 ]
}
# ...and they go before a program does that needs the memory.
test_names_give_way() {
	need python3
	ok -m 128m -- sh -c 'ls -lR /usr /etc >/dev/null 2>&1
		/usr/bin/python3 -c "
import time
x = bytearray(50 << 20)
time.sleep(2)
print(\"alive\")"'
	expect_out alive
}

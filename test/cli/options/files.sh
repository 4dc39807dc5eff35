# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the program sees of the host's files, and what becomes of its writes.

test_working_directory_is_visible() {
	echo content >file
	ok -- cat file
	expect_out content
	ok -- pwd
	expect_out "$PWD"
}
test_working_directory_writes_vanish() {
	echo old >file
	ok -- sh -c 'echo new >file; echo more >other; rm -f third; cat file other'
	expect_out "$(printf 'new\nmore')"
	expect [ "$(cat file)" = old ]
	expect [ ! -e other ]
}
test_removed_files_stay_on_the_host() {
	mkdir d
	echo x >d/f
	ok -- sh -c 'rm -r d; ls'
	expect_out ""
	expect [ -f d/f ]
}
test_system_writes_vanish() {
	ok -- sh -c 'echo x >/usr/mica-test-file && cat /usr/mica-test-file'
	expect_out x
	expect [ ! -e /usr/mica-test-file ]
}
# A file that was opened before it was copied to memory, mapped after that, and
# cut: its pages are not given to others while they are mapped.
test_mapped_copies_stay() {
	head -c 65536 /dev/zero | tr '\0' y >file
	cat >program <<-'END'
	import mmap, os, socket
	SIZE = 65536
	ours, theirs = socket.socketpair()
	if not os.fork():
	    read = os.open("file", os.O_RDONLY)
	    theirs.send(b"1"), theirs.recv(1)
	    m = mmap.mmap(read, SIZE, mmap.MAP_SHARED, mmap.PROT_READ)
	    theirs.send(m[:1]), theirs.recv(1)
	    print(set(m[:]), flush=True)
	    os._exit(0)
	ours.recv(1)
	write = os.open("file", os.O_RDWR)
	ours.send(b"1"), ours.recv(1)
	os.ftruncate(write, 0)
	held = [mmap.mmap(-1, SIZE, mmap.MAP_SHARED) for _ in range(20)]
	for other in held:
	    other[:] = b"x" * SIZE
	os.ftruncate(write, SIZE)
	ours.send(b"1")
	os.wait()
	END
	ok -- python3 program
	expect_out '{0}'
}
test_two_runs_share_nothing() {
	ok -- sh -c 'echo x >/tmp/shared'
	mica run -- cat /tmp/shared
	expect_status 1
}
test_tmp_is_its_own() {
	echo x >"/tmp/mica-test-$$"
	mica run -- cat "/tmp/mica-test-$$"
	rm -f "/tmp/mica-test-$$"
	expect_status 1
	ok -- sh -c 'ls -A /tmp /run | grep -v "^/\|^$"; touch /tmp/a /run/b'
}
test_working_directory_under_tmp() {
	d=$(mktemp -d /tmp/mica-test-XXXXXX)
	echo inside >"$d/f"
	(cd "$d" && mica run -- cat f; exit $status)
	status=$?
	rm -rf "$d"
	expect_status 0
	expect_out inside
}
test_home_is_hidden() {
	need_root
	d=$(mktemp -d /root/mica-test-XXXXXX)
	echo secret >"$d/f"
	mica run -- cat "$d/f"
	rm -rf "$d"
	expect_status 1
	expect_out ""
	mica run -- sh -c 'ls -A /home /root 2>/dev/null | grep -v ":$"'
	expect_out ""
}
test_shadow_is_unreadable() {
	for file in /etc/shadow /etc/gshadow /etc/../etc/./shadow; do
		mica run -- cat $file
		expect [ "$status" != 0 ]
		expect_out ""
	done
	mica run -- ls /etc/ssl/private
	expect [ "$status" != 0 ]
	mica run -- sh -c 'cp /etc/shadow /tmp/s; chmod 644 /etc/shadow; cat /tmp/s /etc/shadow'
	expect_out_lacks root:
}
test_private_file_of_root_in_etc() {
	need_root
	echo secret >/etc/mica-test-secret
	chmod 600 /etc/mica-test-secret
	mica run -- sh -c 'cat /etc/mica-test-secret; cp /etc/mica-test-secret /tmp/x; ln /etc/mica-test-secret /tmp/y; cat /tmp/x /tmp/y; mv /etc/mica-test-secret /tmp/z; cat /tmp/z'
	rm -f /etc/mica-test-secret
	expect_out_lacks secret
}
test_symlink_does_not_lead_out() {
	need_root
	d=$(mktemp -d /root/mica-test-XXXXXX)
	echo secret >"$d/f"
	ln -s "$d/f" link
	ln -s / slash
	ln -s "../../../../../../../..$d/f" dots
	mica run -- sh -c "cat link; cat slash$d/f; cat dots; cat /proc/self/root$d/f; cat /proc/1/root$d/f; cat slash/proc/self/cwd/../..$d/f"
	rm -rf "$d"
	expect_out_lacks secret
}
test_parent_of_working_directory_is_empty() {
	mkdir inner
	echo x >sibling
	(cd inner && mica run -- sh -c 'cat ../sibling; ls ..'; exit $status)
	expect_out inner
}
test_host_processes_are_hidden() {
	sleep 54321 &
	ok -- sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
	kill $!
	expect_out_lacks 54321
	ok -- sh -c 'ls -d /proc/[0-9]* | wc -l'
	expect [ "$(cat "$out_file")" -lt 10 ]
}
test_network_is_absent() {
	need python3
	ok -- /usr/bin/python3 -c '
import socket
try:
    socket.create_connection(("127.0.0.1", 2024), 2)
    print("connected")
except OSError as e:
    print("refused")'
	expect_out refused
}
test_root_option() {
	mkdir -p tree/bin tree/etc tree/d
	cp /bin/busybox tree/bin/sh
	cp /bin/busybox tree/bin/cat
	cp /bin/busybox tree/bin/ls
	echo mine >tree/etc/name
	ok --root "$PWD/tree" -- /bin/cat /etc/name
	expect_out mine
	ok --root "$PWD/tree" -- /bin/sh -c 'ls /usr 2>/dev/null; echo x >/d/new; cat /d/new; pwd'
	expect_out "$(printf 'x\n/')"
	expect [ ! -e tree/d/new ]
	mica run --root "$PWD/tree" -- bash
	expect_status 127
}
test_root_relative() {
	mkdir -p tree/bin
	cp /bin/busybox tree/bin/sh
	ok --root tree -- sh -c 'echo relative'
	expect_out relative
}
test_volume_read_write() {
	mkdir host
	echo before >host/f
	ok -v "$PWD/host:/data" -- sh -c 'cat /data/f; echo after >/data/f; echo n >/data/new; mkdir /data/d; mv /data/new /data/d/moved'
	expect_out before
	expect [ "$(cat host/f)" = after ]
	expect [ "$(cat host/d/moved)" = n ]
}
test_volume_read_only() {
	mkdir host
	echo before >host/f
	mica run -v "$PWD/host:/data:ro" -- sh -c 'cat /data/f; echo x >/data/f; echo x >/data/new; rm /data/f; mkdir /data/d'
	expect [ "$status" != 0 ]
	expect_out before
	expect [ "$(cat host/f)" = before ]
	expect [ "$(ls host)" = f ]
	expect_err_has "read-only file system"
}
test_volume_of_a_file() {
	echo single >one
	ok -v "$PWD/one:/etc/one:ro" -- cat /etc/one
	expect_out single
}
test_volume_rw_word() {
	mkdir host
	ok -v "$PWD/host:/data:rw" -- touch /data/x
	expect [ -e host/x ]
}
test_volume_does_not_lead_out() {
	mkdir host
	echo secret >outside
	ln -s "$PWD/outside" host/link
	ln -s ../outside host/dots
	(mkdir elsewhere && cd elsewhere && mica run -v "$WORK/host:/data" -- sh -c 'cat /data/link /data/dots /data/../outside; echo x >/data/link'; exit $status)
	expect_out_lacks secret
	expect [ "$(cat outside)" = secret ]
}
test_two_volumes() {
	mkdir a b
	ok --volume "$PWD/a:/a" --volume "$PWD/b:/a/b" -- sh -c 'echo 1 >/a/x; echo 2 >/a/b/y'
	expect [ "$(cat a/x b/y)" = "$(printf '1\n2')" ]
}
test_volume_rename_across_is_exdev() {
	need python3
	mkdir a
	ok -v "$PWD/a:/a" -- /usr/bin/python3 -c '
import os
open("/tmp/f", "w").close()
try: os.rename("/tmp/f", "/a/f")
except OSError as e: print(e.errno)'
	expect_out 18
}
test_tmpfs() {
	ok --tmpfs /scratch -- sh -c 'echo x >/scratch/f; cat /scratch/f; grep " /scratch tmpfs" /proc/mounts | wc -l'
	expect_out "$(printf 'x\n1')"
}
test_tmpfs_size() {
	mica run --tmpfs /scratch:size=1m -- sh -c 'head -c 4M /dev/zero >/scratch/f'
	expect [ "$status" != 0 ]
	expect_err_has "no space left"
}
test_read_only() {
	echo x >f
	mica run --read-only -- sh -c 'cat f; echo y >f; echo y >/etc/new; touch /usr/x; echo ok >/tmp/t; cat /tmp/t'
	expect_out_has x
	expect_err_has "read-only file system"
	expect [ "$(cat f)" = x ]
}
test_read_only_with_volume() {
	mkdir host
	ok --read-only -v "$PWD/host:/data" -- sh -c 'echo x >/data/f'
	expect [ "$(cat host/f)" = x ]
}
test_nothing_is_left_in_tmp() {
	mkdir t
	ok -- true
	TMPDIR=$PWD/t mica run -- sh -c 'kill -9 $$'
	TMPDIR=$PWD/t mica run --root /no/such/tree -- true
	TMPDIR=$PWD/t mica run -v "$PWD:/data" --tmpfs /x -- true
	expect_status 0
	expect [ -z "$(ls -A t)" ]
}

# map_and_write FILE TEXT THEN: a program that writes TEXT through a shared
# mapping, says ready, and goes on with THEN; never unmaps.
map_and_write='
import mmap, os, sys, time
m = mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 0)
m[0:len(sys.argv[2])] = sys.argv[2].encode()
open(sys.argv[1] + ".ready", "w").close()
exec(sys.argv[3])
os._exit(0)
'

# A mapping that stays is behind by some seconds at most.
test_mapped_writes_reach_the_host() {
	local i
	need python3
	mkdir v
	head -c 8192 /dev/zero >v/f
	"$MICA" run -v "$PWD/v:/v" -- python3 -c "$map_and_write" /v/f early \
		'time.sleep(60)' >"$out_file" 2>"$err_file" </dev/null &
	for i in $(seq 300); do
		[ "$(head -c 5 v/f | tr -d '\0')" = early ] && break
		sleep 0.1
	done
	kill %1
	wait %1
	expect [ "$(head -c 5 v/f | tr -d '\0')" = early ]
	expect [ "$i" != 300 ]
}
# What processes that are ended with the program had written is not lost.
test_mapped_writes_at_the_end() {
	need python3
	mkdir v
	head -c 8192 /dev/zero >v/f
	ok -v "$PWD/v:/v" -- sh -c 'python3 -c "$0" /v/f last "time.sleep(60)" &
		while ! [ -e /v/f.ready ]; do sleep 0.05; done' "$map_and_write"
	expect [ "$(head -c 4 v/f | tr -d '\0')" = last ]
}
test_mapped_writes_and_sync() {
	local i
	need python3
	mkdir v
	head -c 8192 /dev/zero >v/f
	"$MICA" run -v "$PWD/v:/v" -- python3 -c "$map_and_write" /v/f synced \
		'os.sync(); open("/v/done", "w").close(); time.sleep(60)' \
		>"$out_file" 2>"$err_file" </dev/null &
	for i in $(seq 300); do
		[ -e v/done ] && break
		sleep 0.1
	done
	expect [ "$(head -c 6 v/f | tr -d '\0')" = synced ]
	kill %1
	wait %1
	expect [ "$i" != 300 ]
}
# What stat says of files that were only listed before, between changes of them
# and of the directories and links that lead there.
test_stat_of_changed_trees() {
	cat >script <<'S'
look() {
	echo "$1"
	ls -lU tree tree/d tree/moved 2>/dev/null | awk '/^[-l]/ { print $1, $2, $5, $9, $10, $11 }' | sort
	stat -c '%n %F %h %s %a' tree/*/*[!b] tree/d/none 2>&1 | sort
	stat -L -c '%n %F %s' tree/*/link 2>&1 | sort
}
look first
chmod 600 tree/d/plain; look chmod
echo more >>tree/d/one; look append
cat tree/d/other >/dev/null; look read
rm tree/d/gone; look remove
touch tree/d/none; look create
mv tree/d tree/moved; look rename
echo more >>tree/moved/plain; ln tree/moved/plain tree/moved/again; look link
mkdir tree/d && echo new >tree/d/plain; look again
rm -r tree/moved; look end
S
	for root in native inside; do
		mkdir -p $root/tree/d/sub $root/tree/e
		cd $root/tree/d || exit 1
		echo text >plain
		echo text >one && ln one two && ln one ../e/three
		echo text >gone
		echo text >other
		ln -s plain link
		ln -s none broken
		cd ../../..
	done
	(cd native && sh ../script) >"$WORK.aside"
	ok -- sh -c 'cd inside && sh ../script'
	diff "$WORK.aside" "$out_file"
}

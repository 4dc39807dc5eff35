# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# --image: the root file tree in an EROFS image.

# make_tree: a small tree with busybox in ./tree.
make_tree() {
	mkdir -p tree/bin tree/etc tree/d/e
	cp /bin/busybox tree/bin/busybox
	for name in sh cat ls stat id env pwd md5sum find mount; do
		ln -s busybox tree/bin/$name
	done
	echo mine >tree/etc/name
}

# make_image [OPTION...]: ./image of ./tree.
make_image() {
	mkfs.erofs --quiet "$@" image tree >/dev/null 2>&1 ||
		fail "mkfs.erofs $*"
}

test_image() {
	need mkfs.erofs
	make_tree
	make_image
	ok --image image -- cat /etc/name
	expect_out mine
	ok --image "$PWD/image" /bin/sh -c 'pwd; ls -d /*'
	expect_out "$(printf '%s\n' / /bin /d /dev /etc /proc /sys /tmp)"
	mica run --image image -- bash
	expect_status 127
}
test_image_is_not_written() {
	need mkfs.erofs
	make_tree
	make_image
	before=$(md5sum <image)
	ok --image image -- sh -c 'echo more >>/etc/name; cat /etc/name
		busybox rm -r /d; echo new >/bin/new; busybox mv /bin /usr
		/usr/cat /usr/new; /usr/ls /'
	expect_out "$(printf '%s\n' mine more new dev etc proc sys tmp usr)"
	expect [ "$before" = "$(md5sum <image)" ]
	ok --image image -- cat /etc/name
	expect_out mine
	mica run --read-only --image image -- sh -c 'echo x >/etc/x'
	expect_status 1
	expect_err_has "Read-only file system"
}
# All that a tree can have, as the tree has it.
test_image_has_all_of_the_tree() {
	need mkfs.erofs
	need_root
	make_tree
	: >tree/empty
	head -c 5000 /dev/urandom >tree/d/e/small
	head -c 300000 /dev/urandom >tree/d/e/large
	head -c 8192 /dev/urandom >tree/d/e/blocks
	ln tree/d/e/large tree/hard
	ln -s /etc/name tree/d/link
	mkfifo -m 640 tree/fifo
	mknod tree/null c 1 3
	chown 12:70000 tree/d/e/small
	chmod 4751 tree/d/e/small
	touch -d 2001-02-03T04:05:06Z tree/etc/name
	mkdir tree/many
	for i in $(seq 150); do
		echo "$i" >"tree/many/a-rather-long-name,-for-many-blocks-$i"
	done
	look='cd "$1" && find d empty etc/name f* hard many null | busybox sort >/tmp/names
		busybox xargs stat -c "%n %F %a %u %g %s %h %t %T" </tmp/names |
			busybox grep -v directory
		find d empty etc/name hard many -type f | busybox sort | busybox xargs md5sum
		stat -c %Y etc/name; busybox readlink d/link; busybox rm /tmp/names'
	busybox sh -c "$look" look "$PWD/tree" >natively
	expect [ "$(wc -l <natively)" -gt 300 ]
	for options in "" -Enoinline_data --chunksize=4096 -T1 -Eforce-inode-extended; do
		# shellcheck disable=SC2086
		make_image $options
		[ "$options" = -T1 ] && sed -i 's/^981173106$/1/' natively
		[ "$options" = -Eforce-inode-extended ] &&
			sed -i 's/^1$/981173106/' natively
		ok --image image -- sh -c "$look" look /
		cmp -s natively "$out_file" ||
			fail "$options: $(diff natively "$out_file" | head -5)"
	done
}
# A program that is mapped from the image in pieces, its libraries, a mapping of
# the bytes behind the last whole block, and of a hole.
test_image_is_mapped() {
	need mkfs.erofs
	need python3
	lib=$(echo /usr/lib/python3.*[0-9])
	mkdir -p tree/d tree/usr/bin "tree$lib"
	cp /usr/bin/python3 tree/usr/bin/
	for file in $(ldd /usr/bin/python3 | grep -o '/[^ ]*'); do
		mkdir -p "tree$(dirname "$file")"
		cp -L "$file" "tree$file"
	done
	cp -r "$lib"/{encodings,lib-dynload,codecs.py,io.py,abc.py} "tree$lib/"
	printf '%5000s' end >tree/d/tail
	truncate -s 20000 tree/d/hole
	cat >tree/d/test.py <<-'EOF'
		import mmap, posix
		def look(name, flags, prot):
		    fd = posix.open(name, posix.O_RDONLY)
		    size = posix.fstat(fd).st_size
		    m = mmap.mmap(fd, size, flags=flags, prot=prot)
		    data = posix.read(fd, size + 1)
		    print(name, size, m[:] == data and len(data) == size)
		    return m
		R, W = mmap.PROT_READ, mmap.PROT_WRITE
		for name in "/d/tail", "/d/hole", "/usr/bin/python3":
		    look(name, mmap.MAP_SHARED, R)
		    m = look(name, mmap.MAP_PRIVATE, R | W)
		    m[0] = m[len(m) - 1] = 88
		    look(name, mmap.MAP_PRIVATE, R)
	EOF
	for options in "" --chunksize=4096; do
		# shellcheck disable=SC2086
		make_image $options
		ok --image image -e PYTHONDONTWRITEBYTECODE=1 -- \
			/usr/bin/python3 -S -E /d/test.py
		expect [ "$(grep -c True "$out_file")" = 9 ]
		expect_out_lacks False
	done
}
test_image_with_other_options() {
	need mkfs.erofs
	make_tree
	make_image
	mkdir host
	echo host >host/f
	ok --image image -v "$PWD/host:/d/e" -w /d -e NAME=value -u 5:6 \
		--tmpfs /etc --hostname inside -- \
		sh -c 'pwd; cat e/f; echo $NAME; id -u; id -g; ls -A /etc; busybox hostname
			test -c /dev/null && test -d /proc/self && test -d /sys/class &&
			echo x >/tmp/x && cat /tmp/x'
	expect_out "$(printf '%s\n' /d host value 5 6 inside x)"
	ok --image image -v "$PWD/host:/new/place" -- \
		sh -c 'echo back >/new/place/f'
	expect [ "$(cat host/f)" = back ]
	ok --image image --entrypoint /bin/cat -- /etc/name
	expect_out mine
	ok --image image --entrypoint=/bin/pwd
	expect_out /
	ok --entrypoint /bin/echo -- a b
	expect_out "a b"
	mica run --image image -u root -- id
	expect_status 125
	expect_err_has "numbers"
	mica run --image image --root tree -- cat /etc/name
	usage_error "only one tree"
}
test_image_refused() {
	need mkfs.erofs
	make_tree
	make_image -zlz4
	mica run --image image -- cat /etc/name
	expect_status 125
	expect_err_has "without -z"
	mica run --image absent -- true
	expect_status 125
	expect_err_has "No such file"
	mica run --image tree -- true
	expect_status 125
	expect_err_has "--root"
	echo text >text
	mica run --image text -- true
	expect_status 125
	expect_err_has "not an EROFS image"
	mkfifo fifo
	mica run --image fifo -- true
	expect_status 125
	expect_err_has "not a file"
	make_image
	truncate -s -4096 image
	mica run --image image -- cat /etc/name
	expect_status 125
	expect_err_has "cut short"
	make_image
	printf '!' | dd of=image bs=1 seek=2000 conv=notrunc 2>/dev/null
	mica run --image image -- cat /etc/name
	expect_status 125
	expect_err_has "the image"
}
# Damaged and hostile images (test/fuzz/make-erofs-corpus): whatever they say,
# the sandbox comes to an end, with a status of its own; and all of them mounted
# in one sandbox, which goes on.
test_image_hostile() {
	busybox true || skip "busybox is not installed"
	corpus=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../fuzz/corpus/erofs" && pwd)
	mkdir host
	cp /bin/busybox host/
	for name in good cycle dir-huge bad-checksum; do
		mica run --image "$corpus/$name" -v "$PWD/host:/host:ro" -- \
			/host/busybox find . -xdev
		case $name in
		good) expect_status 0; expect_out_has ./sub/deep ;;
		cycle) expect_status 1; expect_out_lacks deep/deep ;;
		dir-huge) expect_status 1; expect_out_has ./big ;;
		bad-checksum) expect_status 125 ;;
		esac
	done
}
test_image_hostile_mounted() {
	need python3
	corpus=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../fuzz/corpus/erofs" && pwd)
	mkdir m
	cat >look.py <<-'EOF'
		import ctypes, os
		libc = ctypes.CDLL(None, use_errno=True)
		def attempt(fn, *args):
		    try:
		        return fn(*args)
		    except OSError:
		        return None
		def look(name):
		    path = "/images/" + name
		    if libc.mount(path.encode(), b"m", b"erofs", 0, None):
		        return "refused"
		    seen = 0
		    for where, dirs, files in os.walk("m"):
		        for entry in [where] + [where + "/" + f for f in files]:
		            seen += 1
		            st = attempt(os.lstat, entry)
		            for x in attempt(os.listxattr, entry) or []:
		                attempt(os.getxattr, entry, x)
		            if st and st.st_mode >> 12 == 8:
		                fd = os.open(entry, os.O_RDONLY)
		                for at in 0, st.st_size // 2, st.st_size - 3:
		                    attempt(os.pread, fd, 9000, max(at, 0))
		                os.close(fd)
		            attempt(os.readlink, entry)
		    assert libc.umount(b"m") == 0 and seen < 100, (name, seen)
		    return "read"
		for name in sorted(os.listdir("/images")):
		    print(name, look(name))
	EOF
	ok -u 0 -v "$corpus:/images:ro" -- /usr/bin/python3 look.py
	for name in good sub-twice cycle dir-huge; do
		expect_out_has "$name read"
	done
	for name in bad-magic compressed block-64k root-file; do
		expect_out_has "$name refused"
	done
	expect [ "$(wc -l <"$out_file")" -gt 50 ]
}
# An image that is mounted from inside, of a file and, in a machine, of a disk.
test_image_mounted_inside() {
	need mkfs.erofs
	need python3
	make_tree
	make_image
	mkdir m
	cat >mount.py <<-'EOF'
		import builtins, ctypes, os
		def print(*a): builtins.print(*a, flush=True)
		libc = ctypes.CDLL(None, use_errno=True)
		def mount(source, where):
		    r = libc.mount(source.encode(), where.encode(), b"erofs", 0, None)
		    return os.strerror(ctypes.get_errno()) if r else "mounted"
		print(mount("image", "m"), open("m/etc/name").read().strip())
		os.system("m/bin/busybox cp m/bin/busybox m/bin/busybox2 || echo kept")
		os.system("cp image /dev/shm/image; cp m/etc/name m/d 2>&1")
		print(mount("/dev/shm/image", "m/d"), os.listdir("m/d/etc"))
		print(mount("m/d/bin/busybox", "/mnt"), "|", mount("m", "/mnt"))
		print(libc.umount(b"m/d"), libc.umount(b"m"), os.listdir("m"))
		if os.path.exists("/dev/vda"):
		    print(mount("/dev/vda", "m"), open("m/etc/name").read().strip())
	EOF
	ok -u 0 -- /usr/bin/python3 mount.py
	expect_out "$(printf '%s\n' 'mounted mine' kept \
		"cp: cannot create regular file 'm/d/name': Read-only file system" \
		"mounted ['name']" "Invalid argument | Block device required" \
		'0 0 []')"
	mica run --disk image:ro -- true	# not on platform process
	[ "$status" != 0 ] && return
	ok -u 0 --disk image:ro -- /usr/bin/python3 mount.py
	[ "$(tail -1 "$out_file")" = "mounted mine" ] || fail "/dev/vda"
}

# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Unknown options, bad volumes, missing directories, damaged programs.

test_no_command() { mica; expect_status 125; cat "$out_file" "$err_file" >all; expect [ -s all ]; }
test_unknown_command() { usage_error no-such-command; expect_err_has no-such-command; }
test_run_without_program() { usage_error run; }
test_unknown_option() { usage_error run --no-such-option -- true; expect_err_has no-such-option; }
test_unknown_short_option() { usage_error run -Z -- true; }
test_option_without_value() { usage_error run -w; }
test_bad_platform() { usage_error run --platform=nonsense -- true; expect_err_has nonsense; }
test_root_missing() { usage_error run --root /no/such/tree -- true; expect_err_has /no/such/tree; }
test_root_is_a_file() { echo >f; usage_error run --root "$PWD/f" -- true; }
test_volume_missing_source() { usage_error run -v /no/such/dir:/mnt -- true; expect_err_has /no/such/dir; }
test_volume_without_colon() { usage_error run -v /usr -- true; }
test_volume_relative_target() { usage_error run -v /usr:mnt -- true; }
test_volume_bad_mode() { usage_error run -v /usr:/mnt:nonsense -- true; expect_err_has nonsense; }
test_volume_empty() { usage_error run -v : -- true; }
test_tmpfs_relative() { usage_error run --tmpfs data -- true; }
test_disk_on_process() {
	usage_error run --platform=process --disk /dev/null -- true
	expect_err_has "--platform=kvm or --platform=qemu"
}
test_kernel_on_process() {
	usage_error run --platform=process --kernel /dev/null -- true
	expect_err_has "--platform=kvm or --platform=qemu"
}
# qemu_disk TEXT FILE: status 125, the name and TEXT are said.
qemu_disk() {
	need qemu-system-x86_64
	mica run --platform=qemu --disk "$2" -- true
	expect_status 125
	expect_err_has "$1"
	expect_err_has "${2%:ro}"
}
test_disk_missing() { qemu_disk "No such file" "$PWD/none"; }
test_disk_missing_read_only() { qemu_disk "No such file" "$PWD/none:ro"; }
test_disk_is_a_directory() { mkdir d; qemu_disk "is a directory" "$PWD/d"; }
test_disk_empty() { : >empty; qemu_disk "is empty" "$PWD/empty"; }
test_disk_in_use() {
	need python3
	truncate -s 1M disk
	python3 -c 'import fcntl, struct, time
f = open("disk", "r+")
fcntl.fcntl(f, 37, struct.pack("hhqqi", 1, 0, 0, 0, 0))  # F_OFD_SETLK
open("locked", "w").close()
time.sleep(60)' &
	while ! [ -e locked ]; do sleep 0.1; done
	qemu_disk "in use" "$PWD/disk"
	kill $!
}
test_disk_without_name() { usage_error run --disk :ro -- true; expect_err_has FILE; }
test_too_many_disks() {
	usage_error run --disk a --disk a --disk a --disk a --disk a --disk a --disk a --disk a \
		--disk a -- true
	expect_err_has "more than 8 disks"
}
test_workdir_missing() {
	mica run -w /no/such/dir -- true
	expect [ "$status" = 125 -o "$status" = 126 -o "$status" = 127 ]
	expect_err_has /no/such/dir
}
test_workdir_relative() { usage_error run -w some/where -- true; }
test_bad_memory() { usage_error run -m nonsense -- true; }
test_memory_too_small() { usage_error run -m 1 -- true; }
test_bad_pids() { usage_error run --pids-limit nonsense -- true; }
test_bad_cpus() { usage_error run --cpus nonsense -- true; }
test_bad_env_file() { usage_error run --env-file /no/such/file -- true; }
test_bad_user() { usage_error run -u no-such-user-name -- true; }
test_bad_add_host() {
	for host in nonsense :1.2.3.4 name: name:1.2.3 name:host 'name:[::1' \
		'two names:1.2.3.4' $'two\nlines:1.2.3.4'; do
		usage_error run --add-host "$host" -- true
	done
}
test_bad_hostname() { usage_error run --hostname "$(printf 'x%.0s' {1..100})" -- true; }

# elf_error COMMENT STATUS...: run ./true and accept these statuses.
elf_error() {
	local what=$1
	shift
	mica run -- ./true
	case " $* " in
	*" $status "*) ;;
	*) fail "$what: status $status, expected one of $*" ;;
	esac
	expect [ -s "$err_file" ]
}
# patch OFFSET BYTES: overwrite in ./true.
patch() { printf "$2" | dd of=true bs=1 seek="$1" conv=notrunc status=none; }
copy_true() { cp /bin/busybox true; chmod 755 true; }

test_elf_truncated_header() { head -c 40 /bin/true >true; chmod +x true; elf_error "40 bytes" 126; }
test_elf_empty_file() {
	: >true
	chmod +x true
	mica run -- ./true
	expect [ "$status" = 126 -o "$status" = 0 ]
}
test_elf_other_machine() { copy_true; patch 18 '\xb7\x00'; elf_error "aarch64" 126; }
# Linux looks at neither the class nor the byte order; naming them is as good.
test_elf_32_bit() { copy_true; patch 4 '\x01'; mica run -- ./true; expect [ "$status" = 0 -o "$status" = 126 ]; }
test_elf_big_endian() { copy_true; patch 5 '\x02'; mica run -- ./true; expect [ "$status" = 0 -o "$status" = 126 ]; }
test_elf_bad_type() { copy_true; patch 16 '\x01\x00'; elf_error "relocatable" 126; }
test_elf_phoff_out_of_range() { copy_true; patch 32 '\xff\xff\xff\xff\xff\xff\xff\x7f'; elf_error "phoff" 126; }
test_elf_phnum_zero() { copy_true; patch 56 '\x00\x00'; elf_error "phnum 0" 126; }
test_elf_phnum_huge() { copy_true; patch 56 '\xff\xff'; elf_error "phnum 65535" 126; }
test_elf_phentsize_wrong() { copy_true; patch 54 '\x07\x00'; elf_error "phentsize 7" 126; }
test_elf_entry_nowhere() {
	copy_true
	patch 24 '\x00\x00\x00\x00\x00\x00\x00\x00'
	mica run -- ./true
	expect_status 139
}
test_elf_missing_interpreter() {
	need gcc
	echo 'int main(void) { return 0; }' >p.c
	gcc -Wl,--dynamic-linker=/no/such/ld.so -o true p.c || fail "gcc"
	elf_error "interpreter" 126 127
}
# A segment's address, size or offset in the first program header made absurd.
test_elf_absurd_segments() {
	for at in 8 16 32 40; do
		copy_true
		patch $((64 + at)) '\xff\xff\xff\xff\xff\xff\xff\x7f'
		mica run -- ./true
		expect [ "$status" = 126 -o "$status" -ge 128 ]
	done
}
test_elf_truncated_file() {
	head -c 100000 /bin/busybox >true
	chmod +x true
	mica run -- ./true
	expect [ "$status" = 126 -o "$status" -ge 128 ]
}
test_elf_noise() {
	for seed in 1 2 3 4 5 6 7 8; do
		copy_true
		for k in 1 2 3 4 5 6; do
			RANDOM=$((seed * 100 + k))
			patch $((16 + RANDOM % 400)) "\\x$(printf %02x $((RANDOM % 256)))"
		done
		timeout 20 "$MICA" run -- ./true >"$out_file" 2>"$err_file" </dev/null
		status=$?
		expect [ "$status" != 124 -a "$status" != 125 ]
	done
}
test_bad_rtprio() {
	usage_error run --rtprio 100 -- true
	usage_error run --rtprio high -- true
	usage_error run --rtprio -1 -- true
}

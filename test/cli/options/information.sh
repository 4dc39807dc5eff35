# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# version, help, features, doctor, --strace, --stats, --platform.

test_version() { mica version; expect_status 0; expect_out_has mica; mica --version; expect_status 0; }
test_help() {
	mica help
	expect_status 0
	for word in run features doctor version; do expect_out_has $word; done
	mica --help
	expect_status 0
}
test_help_run() {
	mica run --help
	expect_status 0
	for word in --root --volume --tmpfs --read-only --env --user --memory --strace --stats; do
		expect_out_has "$word"
	done
	mica run --read-only -h -- true
	expect_status 0
	expect_out_has --volume
}
test_features() {
	mica features
	expect_status 0
	expect_out_has process
	expect_out_has futex
}
test_features_json() {
	need python3
	mica features --json
	expect_status 0
	/usr/bin/python3 - "$out_file" <<'E' || fail "not the JSON that is documented"
import json, sys
process = json.load(open(sys.argv[1]))["platforms"]["process"]
calls = process["host_calls"]
assert isinstance(calls, list) and 0 < len(calls) <= 30, len(calls)
assert any(isinstance(v, str) and len(v) > 40 for v in process.values()), "no separation statement"
E
}
# What each thread of the kvm platform's monitor may ask, here and in the documents.
test_features_of_the_monitor() {
	need python3
	mica features --json
	expect_status 0
	/usr/bin/python3 - "$out_file" "$(dirname "${BASH_SOURCE[0]}")/../../../docs/security.md" <<'E' || fail "calls that are not documented"
import json, sys
kvm = json.load(open(sys.argv[1]))["platforms"]["kvm"]
text = open(sys.argv[2]).read()
threads = kvm["threads"]
assert set(threads) == {"processor", "devices", "files", "main"}, threads
names = {c["name"] for t in threads.values() for c in t}
missing = [n for n in names if n not in text]
assert not missing, missing
bad = names & {"execve", "execveat", "socket", "connect", "ptrace", "mount",
               "clone", "clone3", "unshare", "setns", "bpf", "init_module"}
assert not bad, bad
assert len(threads["processor"]) <= 12, len(threads["processor"])
E
}
test_doctor() {
	mica doctor
	expect [ -s "$out_file" ]
	ok -- true
	mica doctor
	expect_status 0
}
test_strace() {
	ok --strace -- cat /etc/hostname
	expect_err_has openat
	expect_err_has /etc/hostname
	expect_err_has read
	expect_err_has "= 0"
}
test_strace_error_names() {
	mica run --strace -- cat /no/such/file
	expect_status 1
	expect_err_has ENOENT
}
test_strace_file() {
	ok --strace=trace.log -- echo x
	expect_out x
	expect [ -s trace.log ]
	expect grep -q write trace.log
	expect_err_empty
}
test_strace_follows_children() {
	ok --strace=trace.log -- sh -c '/bin/true; /bin/echo child'
	expect_out child
	expect [ "$(grep -c execve trace.log)" -ge 2 ]
}
test_stats() {
	ok --stats -- sh -c 'echo x; /bin/true'
	expect_out x
	expect_err_has write
	expect_err_has patched
}
test_platform_process() { ok --platform=process -- true; ok --platform process -- true; ok --platform=auto -- true; }
test_platform_kvm_refused_by_variable() {
	MICA_KVM=no mica run --platform=kvm -- true
	expect_status 125
	expect_err_has "--platform=process"
}
test_platform_auto_without_kvm() { MICA_KVM=no ok --platform=auto -- true; }
test_doctor_says_about_kvm() {
	mica doctor
	expect_out_has KVM
	MICA_KVM=no mica doctor
	expect_status 0
	expect_out_has MICA_KVM=no
}
test_doctor_names_each_platform() {
	MICA_KVM=no mica doctor
	expect_status 0
	for word in "platform process" "platform kvm" "platform qemu" \
		"--platform=auto takes process"; do expect_out_has "$word"; done
	MICA_KVM=yes mica doctor
	expect_out_has "--platform=auto takes kvm"
	MICA_KVM=no PATH=/no/where mica doctor
	expect_status 0
	expect_out_has "install the Debian package qemu-system-x86"
}
test_help_names_the_platforms() {
	mica help run
	for word in process kvm qemu --disk --kernel --cpus --memory doctor; do
		expect_out_has $word
	done
}
test_platform_kvm_is_refused_or_works() {
	mica run --platform=kvm -- true
	expect [ "$status" = 0 -o "$status" = 125 ]
}
# As in an empty network namespace with its loopback up.
test_ip_shows_the_loopback() {
	need ip
	need_root
	look='for what in "addr" "route" "route show table all" "-6 route show table all" \
			"rule" "-6 rule" "neigh" "-d route show table local"; do
			echo "$what:"; ip $what; done'
	unshare -n sh -c "ip link set lo up && ip -6 addr show dev lo | grep -q ::1 &&
		$look" >natively 2>/dev/null || skip "no network namespaces with IPv6"
	ok -- sh -c "$look"
	cmp -s natively "$out_file" || fail "$(diff natively "$out_file" | head -5)"
}

# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Environment, working directory, user, host name, arguments.

test_environment_is_passed() {
	MICA_TEST_VALUE='a b  c' mica run -- sh -c 'echo "$MICA_TEST_VALUE"'
	expect_status 0
	expect_out 'a b  c'
}
test_env_option() {
	ok -e A=1 -e 'B=two words' --env C= -- sh -c 'echo "$A|$B|${C-unset}"'
	expect_out '1|two words|'
}
test_env_option_takes_from_host() {
	export FROM_HOST=yes
	ok -e FROM_HOST -- sh -c 'echo $FROM_HOST'
	expect_out yes
}
test_env_option_wins() {
	X=host mica run -e X=option -- sh -c 'echo $X'
	expect_out option
}
test_env_file() {
	printf '# comment\n\nA=1\nB=two words\nC="quoted"\n' >vars
	ok --env-file vars -- sh -c 'echo "$A|$B|$C"'
	expect_out '1|two words|"quoted"'
}
test_path_look_up_uses_environment() {
	mkdir bin
	printf '#!/bin/sh\necho mine\n' >bin/mine
	chmod +x bin/mine
	PATH=$PWD/bin:$PATH mica run -- mine
	expect_status 0
	expect_out mine
}
test_relative_program() {
	printf '#!/bin/sh\necho "$0"\n' >prog
	chmod +x prog
	ok -- ./prog
	expect_out ./prog
}
test_arguments() {
	ok -- printf '[%s]' a '' 'b c' '$x' '*' $'new\nline' ä
	expect_out "$(printf '[%s]' a '' 'b c' '$x' '*' $'new\nline' ä)"
}
test_many_arguments() {
	ok -- sh -c 'echo $#' x $(seq 1 5000)
	expect_out 5000
}
test_large_argument() {
	ok -- sh -c 'echo ${#1}' x "$(head -c 100000 /dev/zero | tr '\0' x)"
	expect_out 100000
}
test_workdir() {
	ok -w /usr/share -- pwd
	expect_out /usr/share
	ok --workdir /tmp -- sh -c 'pwd; echo x >f; cat /tmp/f'
	expect_out "$(printf '/tmp\nx')"
}
# Programs whose first call with names, or about them, is this one: the kernel
# walks to the working directory no earlier.
test_workdir_of_the_first_call() {
	need musl-gcc
	echo text >file
	cat >first.c <<-'E'
	#include <fcntl.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <sys/wait.h>
	#include <unistd.h>

	static void show(void)
	{
		char name[4096];

		puts(getcwd(name, sizeof(name)) ? name : "?");
		fflush(stdout);
	}
	int main(int argc, char **argv)
	{
		char name[4096] = { 0 };

		switch (argv[1][0]) {
		case 'o':
			if (read(open("file", O_RDONLY), name, 4) != 4)
				return 1;
			break;
		case 'f':
			if (fork())
				return wait(NULL) < 0;
			break;
		case 'l':
			if (readlink("/proc/self/cwd", name, 4000) < 0)
				return 1;
			puts(name);
			break;
		case 'c':
			if (chdir(".."))
				return 1;
			break;
		}
		show();
		return 0;
	}
	E
	musl-gcc -static -o first first.c || fail "musl-gcc"
	for call in getcwd open fork link; do
		ok -- "$PWD/first" "$call"
		[ "$(tail -n 1 "$out_file")" = "$PWD" ] || fail "$call"
		[ "$(head -n 1 "$out_file")" = "$PWD" ] || fail "$call"
	done
	ok -- "$PWD/first" chdir
	expect_out "$(dirname "$PWD")"
	ok -- ./first getcwd
	expect_out "$PWD"
}
# Where nobody else may go: who was there from the beginning is there.
test_workdir_of_who_was_root() {
	need musl-gcc
	need_root
	cat >first.c <<-'E'
	#include <fcntl.h>
	#include <unistd.h>

	int main(void)
	{
		if (setgid(65534) || setuid(65534))
			return 1;
		return open("file", O_RDONLY) < 0 ? 2 : 0;
	}
	E
	place=$(mktemp -d /root/mica-test-XXXXXX)
	chmod 755 "$place"
	echo text >"$place/file"
	musl-gcc -static -o "$place/first" first.c || fail "musl-gcc"
	(cd "$place" && ok -- "$place/first")
	code=$?
	rm -r "$place"
	return $code
}
test_workdir_hidden_by_a_mount() {
	mica run --tmpfs "$(dirname "$PWD")" -- true
	expect_status 125
	expect_err_has "working directory $PWD: not found"
}
test_user_number() {
	ok -u 1234:2345 -- id
	expect_out_has uid=1234
	expect_out_has gid=2345
}
test_user_name() {
	ok -u nobody -- sh -c 'id -un; id -u'
	expect_out "$(printf 'nobody\n65534')"
}
test_user_may_not_write_system() {
	mica run --user nobody -- sh -c 'echo x >/etc/mica-test'
	expect [ "$status" != 0 ]
}
test_user_is_the_callers() {
	ok -- id -u
	expect_out "$(id -u)"
}
test_hostname() {
	ok --hostname box -- uname -n
	expect_out box
	ok --hostname box -- cat /proc/sys/kernel/hostname
	expect_out box
}
test_hostname_has_an_address() {
	ok --hostname box.example.org -- sh -c 'cat /etc/hostname
		sed -n "s/\t/ /g; /loc\|box/p" /etc/hosts; hostname -i'
	expect_out "$(printf '%s\n' box.example.org '127.0.0.1 localhost' \
		'::1 localhost ip6-localhost ip6-loopback' 'fe00:: ip6-localnet' \
		'127.0.0.1 box.example.org box' 127.0.0.1)"
}
test_add_host() {
	ok --add-host a:10.1.2.3 --add-host=b=::2 --add-host 'c:[fe80::1]' -- \
		sh -c 'getent ahosts a | head -n 1; tail -n 4 /etc/hosts'
	expect_out "$(printf '%s\n' '10.1.2.3        STREAM a' $'10.1.2.3\ta' \
		$'::2\tb' $'fe80::1\tc' $'127.0.0.1\tmica')"
}
# They are files of the sandbox, mounted over those of the tree.
test_hosts_can_be_written() {
	ok -- sh -c 'echo 127.0.0.5 more >>/etc/hosts && getent hosts more
		echo new >/etc/hostname; cat /etc/hostname
		! rm /etc/hosts 2>/dev/null; stat -c "%a %u %g %s" /etc/hostname
		grep " /etc/host" /proc/mounts'
	expect_out "$(printf '%s\n' '127.0.0.5       more' new '644 0 0 4' \
		'tmpfs /etc/hosts tmpfs rw,relatime 0 0' \
		'tmpfs /etc/hostname tmpfs rw,relatime 0 0')"
	ok --read-only -- sh -c '! echo x 2>/dev/null >/etc/hosts'
	echo mine >mine
	ok -v "$PWD/mine:/etc/hosts" -- cat /etc/hosts
	expect_out mine
}
test_hosts_of_another_root() {
	mkdir -p tree/bin empty
	cp "$(command -v busybox)" tree/bin/
	ok --root tree -- /bin/busybox tail -n 1 /etc/hosts /etc/hostname
	expect_out "$(printf '%s\n' '==> /etc/hosts <==' $'127.0.0.1\tmica' '' \
		'==> /etc/hostname <==' mica)"
	expect [ ! -e tree/etc ]
	mkdir -p tree/etc/hostname
	ln -s nowhere/at/all tree/etc/hosts
	ok --root tree -- /bin/busybox ls /etc
	expect_out "$(printf 'hostname\nhosts')"
	rm -r tree/etc
	echo theirs >tree/f
	mkdir tree/etc
	ln -s ../f tree/etc/hosts
	ok --root tree -- /bin/busybox tail -n 1 /f
	expect_out $'127.0.0.1\tmica'
}
test_kernel_is_micas() {
	ok -- uname -sr
	expect_out_has Linux
	case $(cut -d' ' -f2 "$out_file") in
	6.* | 7.*) ;;
	*) fail "the release is not a recent Linux" ;;
	esac
	ok -- uname -a
	expect_out_has mica
}
test_umask_is_inherited() {
	umask 027
	ok -- sh -c umask
	expect_out 0027
}
test_limits_are_inherited() {
	ulimit -n 200
	ok -- sh -c 'ulimit -n'
	expect_out 200
}
test_clock_agrees() {
	ok -- date +%s
	expect [ $(($(date +%s) - $(cat "$out_file"))) -lt 20 ]
}

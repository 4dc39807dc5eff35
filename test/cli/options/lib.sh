# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Helpers of the command-line tests. $MICA is the program, $WORK an empty
# directory and the working directory. A check that does not hold ends the test
# with what was seen.

# mica ARG...: run the program; fills $status, files out and err beside $WORK.
# Standard input is /dev/null unless the caller redirects run_mica_in.
out_file=$WORK.stdout
err_file=$WORK.stderr
trap 'rm -rf "$out_file" "$err_file" "$WORK".aside*' EXIT

mica() {
	"$MICA" "$@" >"$out_file" 2>"$err_file" </dev/null
	status=$?
}

# mica_in TEXT ARG...: the same with TEXT on standard input.
mica_in() {
	local text=$1
	shift
	printf '%s' "$text" | "$MICA" "$@" >"$out_file" 2>"$err_file"
	status=${PIPESTATUS[1]}
}

fail() {
	echo "fail: $*"
	echo "status: ${status-}"
	head -c 600 "$out_file" 2>/dev/null | sed 's/^/stdout: /'
	head -c 1200 "$err_file" 2>/dev/null | sed 's/^/stderr: /'
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

need() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

expect_status() {
	[ "$status" = "$1" ] || fail "status $status, expected $1"
}

# expect_out TEXT: standard output is exactly TEXT (final newlines apart).
expect_out() {
	[ "$(cat "$out_file")" = "$1" ] || fail "stdout is not '$1'"
}

expect_out_has() {
	grep -qF -e "$1" "$out_file" || fail "stdout lacks '$1'"
}

expect_out_lacks() {
	! grep -qF -e "$1" "$out_file" || fail "stdout has '$1'"
}

expect_err_has() {
	grep -qiF -e "$1" "$err_file" || fail "stderr lacks '$1'"
}

expect_err_empty() {
	[ ! -s "$err_file" ] || fail "stderr is not empty"
}

expect() {
	"$@" || fail "not true: $*"
}

# ok ARG...: mica run ARG... succeeds.
ok() {
	mica run "$@"
	expect_status 0
}

# usage_error ARG...: refused with 125 and a message, no program run.
usage_error() {
	mica "$@"
	expect_status 125
	expect [ -s "$err_file" ]
	expect_out ""
}

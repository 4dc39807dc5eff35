# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Terminals: the caller's passed through, pseudo terminals of -t, job control
# inside and outside.

TERMINAL=$(dirname "${BASH_SOURCE[0]}")/../terminal.py

# terminal STEP... -- COMMAND...: a dialogue; fills $status and the out file.
terminal() {
	need python3
	python3 "$TERMINAL" "$@" >"$out_file" 2>"$err_file" </dev/null
	status=$?
}

test_same_name_and_size() {
	terminal -- sh -c "tty; '$MICA' run -- sh -c 'tty; stty size'; exit 4"
	expect_status 4
	expect [ "$(sed -n 1p "$out_file")" = "$(sed -n 2p "$out_file")" ]
	expect_out_has "24 80"
}
test_keys_interrupt() {
	terminal expect=ready 'send=\x03' -- "$MICA" run -- sh -c \
		'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.1; done'
	expect_status 5
	expect_out_has caught
}
test_raw_mode() {
	terminal expect=ready send=k -- "$MICA" run -- \
		sh -c 'stty raw -echo; echo ready; k=$(head -c1); stty sane; echo "<$k>"'
	expect_status 0
	expect_out_has '<k>'
}
test_window_change() {
	terminal expect=ready resize=31x99 expect='31 99' -- "$MICA" run -- \
		sh -c 'trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.1; done'
	expect_status 0
}
# What a command prints is told from its echo by the end of the line.
test_interactive_shell_has_jobs() {
	terminal 'expect=$ ' 'send=sh -c "echo up; exec cat"\n' \
		'expect=up\r\n' 'send=\x1a' expect=Stopped 'expect=$ ' \
		'send=fg\n' 'expect=cat"\r\n' 'send=abc\n' \
		'expect=abc\r\nabc' 'send=\x03' 'expect=$ ' \
		'send=echo $((6*7))\n' expect=42 'send=exit 7\n' -- \
		"$MICA" run -e 'PS1=$ ' -- bash --norc --noprofile -i
	expect_status 7
}
test_stops_with_its_program() {
	terminal 'expect=$ ' "send='$MICA' run -- sh -c 'echo up; exec cat'\\n" \
		'expect=up\r\n' 'send=one\n' 'expect=one\r\none' \
		'send=\x1a' expect=Stopped 'expect=$ ' 'send=fg\n' \
		"expect=cat'\r\n" 'send=two\n' 'expect=two\r\ntwo' \
		'send=\x04' 'expect=$ ' 'send=echo $((6*7))\n' expect=42 \
		'send=exit 3\n' -- env 'PS1=$ ' bash --norc --noprofile -i
	expect_status 3
}
test_background_read_stops() {
	terminal 'expect=$ ' \
		"send='$MICA' run -- sh -c 'cat; echo after' &\\n" \
		'expect=$ ' \
		'send=until jobs -s | grep cat; do sleep 0.2; done; jobs\n' \
		'expect=+  Stopped' 'expect=$ ' \
		'send=fg\n' "expect=after'\r\n" 'send=line\n' \
		'expect=line\r\nline' 'send=\x04' 'expect=after\r\n' \
		'expect=$ ' 'send=exit 3\n' -- \
		env 'PS1=$ ' bash --norc --noprofile -i
	expect_status 3
}
test_hang_up() {
	terminal expect=ready hangup -- "$MICA" run -- sh -c 'echo ready; sleep 30'
	expect_status 129
}
test_own_terminal() {
	terminal 'expect=$ ' 'send=tty\n' expect=/dev/pts/0 'expect=$ ' \
		'send=sh -c "echo up; exec sleep 50"\n' 'expect=up\r\n' \
		'send=\x03' 'expect=$ ' resize=40x90 \
		'send=sleep 0.3; stty size\n' 'expect=40 90' 'expect=$ ' \
		'send=exit 6\n' -- \
		"$MICA" run -t -e 'PS1=$ ' -- bash --norc --noprofile -i
	expect_status 6
}
test_own_terminal_without_one_outside() {
	ok -t -- sh -c 'tty; test -t 0 -a -t 1 && echo both'
	expect_out_has /dev/pts/0
	expect_out_has both
}
test_own_terminal_is_drained() {
	"$MICA" run -t -- seq 1 20000 2>"$err_file" </dev/null | tail -n1 |
		tr -d '\r' >"$out_file"
	expect_out 20000
}
test_own_terminal_is_drained_slowly() {
	"$MICA" run -t -- seq 1 20000 2>"$err_file" </dev/null |
		{ sleep 0.4; tail -n1; } | tr -d '\r' >"$out_file"
	expect_out 20000
}
# Nobody has the terminal open: the kernel's side of it rests (100 turns a
# second would be 300 here), and awakes when somebody prints again.
test_own_terminal_closed() {
	local timers
	"$MICA" run -t --stats -- sh -c 'p=$(tty); exec <>/dev/null >&0 2>&0
		sleep 3; echo later >$p' </dev/null >"$out_file" 2>"$err_file"
	expect_out_has later
	timers=$(sed -n 's/.* timer \([0-9]*\) .*/\1/p' "$err_file")
	[ -n "$timers" ] || skip "no timer interrupts to count"
	expect [ "$timers" -lt 250 ]
}
test_terminal_is_put_back() {
	terminal -- sh -c "'$MICA' run -t -- true; stty -a"
	expect_out_has ' icanon'
	expect_out_has ' echo '
}
test_pseudo_terminals_inside() {
	need script
	ok -- script -qec 'tty; test -t 1 && echo inner' /dev/null
	expect_out_has /dev/pts/0
	expect_out_has inner
}

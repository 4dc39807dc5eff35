# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Standard streams: pipes, files, closed ones, terminals, signals to mica.

test_stdin_pipe() { mica_in 'a b c' run -- cat; expect_status 0; expect_out 'a b c'; }
test_stdin_large() {
	head -c 20000000 /dev/zero | "$MICA" run -- wc -c >"$out_file" 2>"$err_file"
	expect_out 20000000
}
test_stdout_large() {
	n=$("$MICA" run -- head -c 20000000 /dev/zero 2>"$err_file" | wc -c)
	expect [ "$n" = 20000000 ]
}
test_stdout_and_stderr_apart() {
	ok -- sh -c 'echo out; echo err >&2'
	expect_out out
	expect [ "$(cat "$err_file")" = err ]
}
test_stdin_file_offset() {
	printf 'line1\nline2\n' >f
	{ read -r first; "$MICA" run -- cat >"$out_file" 2>"$err_file"; } <f
	expect [ "$first" = line1 ]
	expect_out line2
}
test_stdout_append() {
	echo first >log.txt
	"$MICA" run -- sh -c 'echo second; echo third' >>log.txt 2>"$err_file" </dev/null
	expect [ "$(tr '\n' ' ' <log.txt)" = "first second third " ]
}
test_dev_stdout_is_a_file() {
	ok -- sh -c 'echo x >/dev/stdout'
	expect_out x
	ok -- sh -c 'echo y >>/dev/stderr'
	expect_err_has y
}
test_closed_stdin() {
	"$MICA" run -- sh -c 'echo fine' >"$out_file" 2>"$err_file" <&-
	status=$?
	expect_status 0
	expect_out fine
}
test_closed_stdout() {
	"$MICA" run -- sh -c 'echo x 2>/dev/null; echo "$?" >&2' 2>"$err_file" >&- </dev/null
	expect_err_has 1
}
test_closed_stderr() {
	"$MICA" run -- sh -c 'echo fine' >"$out_file" 2>&- </dev/null
	status=$?
	expect_status 0
	expect_out fine
}
test_all_closed() { "$MICA" run -- true <&- >&- 2>&-; status=$?; expect_status 0; }
test_broken_pipe() {
	"$MICA" run -- sh -c 'yes; exit 5' 2>"$err_file" </dev/null | head -n 1 >"$out_file"
	expect_out y
}
test_dev_full() {
	"$MICA" run -- echo x >/dev/full 2>"$err_file" </dev/null
	status=$?
	expect_status 1
	expect_err_has "no space left"
}
test_background_run() {
	"$MICA" run -- sh -c 'sleep 0.3; echo done' >"$out_file" 2>"$err_file" </dev/null &
	wait $!
	status=$?
	expect_status 0
	expect_out done
}
test_no_terminal() { mica run -- sh -c 'test -t 0; echo $?'; expect_out 1; }
test_terminal() {
	need python3
	cat >terminal.py <<'E'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
out = b""
try:
    while data := os.read(fd, 1000):
        out += data
except OSError:
    pass
print(out.decode().replace("\r", ""), end="")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
E
	/usr/bin/python3 terminal.py "$MICA" run -- sh -c 'test -t 0 && test -t 1 && echo terminal; stty size; exit 3' >"$out_file" 2>"$err_file"
	expect_out "$(printf 'terminal\n33 101\n3')"
}
test_terminal_interrupt_key() {
	need python3
	cat >terminal.py <<'E'
import os, pty, sys, time, select
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
out, sent, end = b"", False, time.monotonic() + 20
while time.monotonic() < end:
    try:
        if select.select([fd], [], [], 0.2)[0]:
            data = os.read(fd, 1000)
            if not data:
                break
            out += data
    except OSError:
        break
    if b"ready" in out and not sent:
        os.write(fd, b"\x03")
        sent = True
print(b"trapped" in out, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
E
	/usr/bin/python3 terminal.py "$MICA" run -- sh -c 'trap "echo trapped; exit 4" INT; echo ready; while :; do sleep 0.1; done' >"$out_file" 2>"$err_file"
	expect_out "True 4"
}
test_terminate_mica() {
	"$MICA" run -- sh -c 'echo started; exec sleep 60' >"$out_file" 2>"$err_file" </dev/null &
	pid=$!
	for _ in $(seq 1 100); do grep -q started "$out_file" && break; sleep 0.1; done
	kill -TERM $pid
	wait $pid
	status=$?
	expect_status 143
}
test_terminate_is_passed_on() {
	"$MICA" run -- sh -c 'trap "echo caught; exit 6" TERM; echo started; while :; do sleep 0.1; done' >"$out_file" 2>"$err_file" </dev/null &
	pid=$!
	for _ in $(seq 1 100); do grep -q started "$out_file" && break; sleep 0.1; done
	kill -TERM $pid
	wait $pid
	status=$?
	expect_status 6
	expect_out_has caught
}
test_other_descriptors_are_not_passed() {
	exec 7<"$MICA"
	ok -- sh -c 'ls /proc/self/fd | wc -l; (cat <&7) 2>/dev/null || echo closed'
	expect_out_has closed
}

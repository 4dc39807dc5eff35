# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Exit statuses: the program's own, 125, 126, 127 and 128+N.

test_zero() { ok -- /bin/true; expect_out ""; expect_err_empty; }
test_one() { mica run -- /bin/false; expect_status 1; }
test_any_status() {
	for n in 2 7 77 125 126 127 128 200 255; do
		mica run -- /bin/sh -c "exit $n"
		expect_status $n
	done
}
test_without_separator() { ok /bin/echo hello; expect_out hello; }
test_options_after_program_are_the_programs() {
	ok echo --read-only -v x
	expect_out "--read-only -v x"
}
test_killed_by_signal() {
	for n in 1 2 3 6 9 11 13 14 15; do
		mica run -- /bin/sh -c "kill -$n \$\$"
		expect_status $((128 + n))
	done
}
test_not_found_in_path() {
	mica run -- no-such-program-here
	expect_status 127
	expect_err_has no-such-program-here
}
test_not_found_path() {
	mica run -- /no/such/program
	expect_status 127
	expect_err_has /no/such/program
}
test_not_executable() {
	echo text >plain
	mica run -- ./plain
	expect_status 126
	expect_err_has plain
}
test_directory_as_program() { mica run -- /usr; expect_status 126; }
test_missing_interpreter() {
	printf '#!/no/such/interpreter\n' >script
	chmod +x script
	mica run -- ./script
	expect [ "$status" = 126 -o "$status" = 127 ]
}
test_status_of_a_child_is_not_ours() {
	ok -- /bin/sh -c '(exit 5); true'
}
test_orphans_end_with_the_program() {
	start=$(date +%s)
	ok -- /bin/sh -c 'sleep 300 & echo done'
	expect_out done
	expect [ $(($(date +%s) - start)) -lt 30 ]
}

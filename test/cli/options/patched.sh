# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# At least 99 % of the executed system calls take the patched path.

# patched ARG...: run with --stats and look at the share of patched calls.
patched() {
	mica run --stats -- "$@"
	expect_status 0
	share=$(grep -i patched "$err_file" | grep -oE '[0-9]+(\.[0-9]+)? ?%' | head -n 1 | tr -d ' %')
	[ -n "$share" ] || fail "no share of patched calls in --stats"
	awk -v s="$share" 'BEGIN { exit !(s >= 99) }' || fail "only $share % of the calls are patched"
}
test_bash() { patched bash -c 'for i in {1..200}; do x=$(echo $i); done; seq 1000 | sort | wc -l'; }
test_python() { need python3; patched /usr/bin/python3 -c 'import subprocess, json, threading; [subprocess.run(["true"]) for _ in range(10)]'; }
test_node() { need node; patched node -e 'const fs = require("fs"); for (let i = 0; i < 2000; i++) { fs.writeFileSync("f", "x"); fs.readFileSync("f"); }'; }
test_git() { need git; patched bash -c 'export HOME=/tmp; cd /tmp; git init -q r; cd r; git config user.email a@b; git config user.name n; for i in 1 2 3 4 5; do echo $i >f$i; git add .; git commit -qm $i; done; git log | wc -l'; }
test_go() { need gron; patched sh -c 'seq -s, 1 20000 | sed "s/^/[/;s/$/]/" | gron | wc -l'; }

#!/bin/bash
# SPDX-License-Identifier: MIT
# What: git: clone and push over pipes and a socket, log, blame, gc, fsck, conflicts
# Needs: git python3
# Timeout: 120
git config --global user.email t@example.org
git config --global user.name Tester
git config --global init.defaultBranch main
git config --global protocol.ext.allow always
git config --global gc.autoDetach false
# the same packs whatever the number of processors
git config --global pack.threads 2
export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
git init -q a; cd a || exit 1
for i in $(seq 1 40); do
	mkdir -p "d$((i % 7))"
	seq 1 $((i * 20)) | sed "s/^/$i /" > "d$((i % 7))/f$i"
	seq 1 $((i * 5)) >> log
	git add . && git commit -qm "commit $i"
	[ $((i % 10)) = 0 ] && git tag -a -m "tag $i" "v$i"
done
git log --format='%h %s' | sha256sum
git log --stat | sha256sum
git blame log | cut -c1-8 | sort | uniq -c | sha256sum
cd ..
# over a pair of pipes to a child
git clone -q "ext::git-upload-pack $PWD/a" b; echo "clone $?"
git -C b rev-parse HEAD
git -C b checkout -q -b other HEAD~5
seq 1 50 > b/new; git -C b add new; git -C b commit -qm new
git -C b remote add pipe "ext::git %s $PWD/a"
git -C b push -q pipe other; echo "push $?"
git -C a log -1 --format='%h %s' other
# over a socket: one side of a pair, a server behind it
cat > serve.py <<'P'
import socket, subprocess, sys
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(4)
for _ in range(int(sys.argv[1])):
    c, _ = s.accept()
    with c:
        subprocess.run(["git-upload-pack", "a"], stdin=c, stdout=c)
P
cat > connect.py <<'P'
import os, socket, sys, threading
s = socket.socket(socket.AF_UNIX); s.connect("sock")
def up():
    while data := os.read(0, 65536): s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536):
    view = memoryview(data)
    while view: view = view[os.write(1, view):]
P
/usr/bin/python3 serve.py 2 & server=$!
for i in $(seq 200); do [ -S sock ] && break; sleep 0.05; done
git clone -q "ext::/usr/bin/python3 $PWD/connect.py" c; echo "clone $?"
git clone -q --depth 1 "ext::/usr/bin/python3 $PWD/connect.py" e; echo "clone $?"
wait $server
git -C c rev-list --all | wc -l; git -C e rev-list --all | wc -l
for r in a b c; do
	git -C $r gc -q --prune=now; echo "gc $?"
	git -C $r fsck --full; echo "fsck $?"
	git -C $r count-objects -v | grep -E 'count|in-pack|packs|garbage'
done
# a conflict, a rebase, a bisection
cd b || exit 1
git checkout -q main; seq 50 99 > new; git add new; git commit -qm conflict
git merge -q other; echo "merge $?"
git diff --name-only --diff-filter=U
git checkout -q --theirs new; git add new; git commit -qm merged
git log -1 --format=%s; git status --short
git bisect start HEAD v10 > out 2>&1; echo "bisect $?"
git bisect run sh -c '[ "$(wc -l < log)" -lt 2000 ]' 2>&1 | grep 'first bad'
git bisect reset -q > out 2>&1
git grep -c 7 | sha256sum
git archive HEAD | tar -t | wc -l

#!/bin/sh
# SPDX-License-Identifier: MIT
# What: git: clone of a local repository, fetch, push, pull, bare, worktree, bundle
# Needs: git
# Timeout: 120
git config --global user.email t@example.org
git config --global user.name Tester
git config --global init.defaultBranch main
git config --global commit.gpgsign false
export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'

git init -q a; cd a || exit 1; for i in $(seq 1 30); do echo $i >f$i
git add .; git commit -qm "c $i"; done; cd ..
git clone -q a b; git clone -q --bare a bare.git
git clone -q --no-local --depth 3 "file://$PWD/a" c
git -C c log --oneline | wc -l
cd b || exit 1; echo new >new; git add .; git commit -qm new
git remote add bare ../bare.git; git push -q bare main
git -C ../bare.git log -1 --format=%s
cd ../a; git pull -q ../b main; git log -1 --format=%s
git bundle create -q ../x.bundle main; cd ..
git clone -q x.bundle d -b main; ls d | wc -l
git -C a worktree add -q ../wt HEAD~5; ls wt | wc -l
git -C c fetch -q --unshallow; git -C c rev-list HEAD | wc -l; git -C d fsck
git -C b log --format=%H -1

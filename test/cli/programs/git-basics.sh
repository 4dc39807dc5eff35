#!/bin/sh
# SPDX-License-Identifier: MIT
# What: git: init, add, commit, log, diff, branch, merge, tag, stash
# Needs: git
# Timeout: 90
git config --global user.email t@example.org
git config --global user.name Tester
git config --global init.defaultBranch main
git config --global commit.gpgsign false
export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'

git init -q r; cd r || exit 1
for i in 1 2 3; do echo "line $i" >>f; mkdir -p d$i; seq $i 50 >d$i/x
git add .; git commit -qm "commit $i"; done
git log --oneline; git log --stat | tail -n 5; git rev-parse HEAD
git status --short
git checkout -qb side HEAD~1; echo side >s; git add s; git commit -qm side
git checkout -q main; git merge -q side -m merged; git log --graph --oneline
sed -i 's/2/two/' f; git diff; git stash -q; git status -s; git stash pop -q
git commit -qam two; git tag v1; git describe
git show --stat HEAD; git blame -s f; git ls-files; git grep -c line
git cat-file -p HEAD^{tree}; git rm -q s; git reset -q --hard; ls
git gc -q; git fsck; git count-objects -v | grep packs
git rev-list --all | wc -l; git archive HEAD | tar -t | wc -l

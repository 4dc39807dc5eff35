#!/bin/bash
# SPDX-License-Identifier: MIT
# What: bash: no terminal: tty, stty, read -t, ulimit, umask
tty; echo $?
[ -t 0 ]; echo $?
read -t 0.1 x < /dev/null; echo $?
ulimit -n | grep -c .
umask 022; umask -S
(ulimit -n 20; bash -c 'ulimit -n')
(ulimit -f 0; echo x >file) 2>/dev/null; echo "limit $?"
times >/dev/null; echo $?
echo $BASH_SUBSHELL $SHLVL | grep -c .
cd /; pwd; cd - >/dev/null; cd /usr/bin; cd ..; pwd
pushd / >/dev/null; popd >/dev/null; pwd
hash; command -v ls

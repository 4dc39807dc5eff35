#!/bin/sh
# SPDX-License-Identifier: MIT
# What: 2000 files in a directory: create, list, rename, remove
mkdir d; i=0; while [ $i -lt 2000 ]; do : >d/file$i; i=$((i + 1)); done
ls d | wc -l; ls -f d | wc -l; rm d/file1*; ls d | wc -l; mv d e
find e -type f | wc -l; rm -r e; ls | wc -l
mkdir -p $(seq -s / 1 60); find . -type d | wc -l; rm -r 1
n=$(printf 'n%.0s' $(seq 1 255)); touch $n && ls | wc -L
touch ${n}x 2>/dev/null; echo $?

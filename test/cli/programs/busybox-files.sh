#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox mkdir, cp, mv, ln, rm, touch, stat, chmod, ls, readlink
# Needs: busybox
b=/bin/busybox
$b mkdir -p a/b/c
$b echo data >a/one
$b cp a/one a/two
$b cp -r a copy
$b mv a/two a/b/three
$b ln -s ../one a/b/link
$b ln a/one a/hard
$b chmod 640 a/one
$b stat -c '%a %s %h %F' a/one
$b readlink a/b/link
$b cat a/b/link
$b ls -1 a copy
$b find . -type f -name 't*' | $b sort
$b touch -d '2020-01-02 03:04:05' a/one
$b stat -c %Y a/one
$b rm -r copy
$b rmdir a/b/c
$b ls a/b
$b test -d copy || $b echo gone

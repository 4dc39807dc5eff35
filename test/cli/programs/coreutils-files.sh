#!/bin/bash
# SPDX-License-Identifier: MIT
# What: coreutils: files, links, permissions, times
umask 022
mkdir -p a/b/c; echo data >a/f; install -m 700 a/f a/g
cp -a a copy; cp --sparse=always a/f s; mv a/f a/h; ln a/h a/i; ln -s h a/j
stat -c '%n %a %h %s %F' a/h a/i a/j a/g
ls -l a | awk '!/^d|^total/ { print $1, $2, $5, $NF }'
ls -laR copy | awk '!/^total/ { print $1 }' | sort | uniq -c | tr -s ' '
readlink a/j; readlink -f a/j | xargs basename
realpath --relative-to=. a/b/../h
touch -d '2001-02-03 04:05:06 UTC' a/h; stat -c %Y a/h
date -u -r a/h '+%F %T'
touch -r a/h a/g; [ a/g -nt a/h ] || echo "not newer"
[ a/h -ef a/i ] && echo same
chmod u+x,g-r a/h; stat -c %A a/h; chmod -R a+rX a; stat -c %a a/b
truncate -s 4096 t; stat -c %s t
dd if=/dev/zero of=t bs=512 seek=2 count=1 conv=notrunc 2>/dev/null
stat -c %s t
rm a/b/c 2>/dev/null; echo "rm directory: $?"; rmdir a 2>/dev/null
echo "rmdir full: $?"
rm -r a; ls a 2>/dev/null; echo $?
mkfifo p; (echo through >p &) ; cat p; rm p
mknod q p && stat -c %F q; sync; cmp copy/f copy/g && echo equal
ln -s loop loop; cat loop 2>&1 | sed 's/.*: //'
mkdir d 2>&1; mkdir d 2>&1 | sed 's/.*: //'; unlink s; link copy/f l; ls l
shred -u -n1 l; ls
mktemp -u x.XXX | wc -c; dd if=/dev/zero bs=1k count=5 status=none | wc -c
df . >/dev/null; echo $?
du -sb copy/f; chgrp $(id -g) copy/f; echo $?; pathchk -p a/b
dircolors -p | head -n 1 | wc -l

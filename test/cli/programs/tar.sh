#!/bin/bash
# SPDX-License-Identifier: MIT
# What: GNU tar: create, list, extract, append, sparse, hard links, compress
mkdir -p d/e; for i in 1 2 3; do seq 1 $((i * 1000)) >d/$i; done
ln d/1 d/hard; ln -s 1 d/sym; truncate -s 1M d/e/sparse; mkfifo d/fifo
chmod 4750 d/2; touch -d @1000000000 d/* 2>/dev/null
tar --sort=name -cf a.tar d; tar -tf a.tar | sort; mkdir x; tar -xf a.tar -C x
diff -r --no-dereference --exclude=fifo d x/d && echo same
stat -c '%a %Y' x/d/3; stat -c %h x/d/1; readlink x/d/sym
tar -rf a.tar -C d 3; tar -tf a.tar | wc -l
tar -czf a.tgz d && tar -tzf a.tgz | wc -l
tar -cJf a.txz d && tar -tJf a.txz | wc -l; tar -cSf s.tar d/e
[ $(stat -c %s s.tar) -lt 100000 ] && echo sparse
tar -cf - d | tar -xf - -C x --transform 's/^d/renamed/'; ls x
tar --delete -f a.tar d/2; tar -tf a.tar | grep -c d/2
tar -xOf a.tar d/3 | tail -n 1
tar -xf nofile.tar 2>/dev/null; echo $?
head -c 2000 a.tar | tar -t >/dev/null 2>&1; echo $?
tar --sort=name --mtime=@0 --owner=0 --group=0 --exclude=fifo -cf - d | md5sum

#!/bin/bash
# SPDX-License-Identifier: MIT
# What: findutils: find with many tests and actions, xargs
mkdir -p t/{a,b,c}/{x,y}; for i in 1 2 3; do echo $i >t/a/x/$i.txt
head -c ${i}000 /dev/zero >t/b/y/$i.bin; done
ln -s ../a t/c/link; touch -d '2 days ago' t/a/x/1.txt; chmod 600 t/b/y/2.bin
find t | sort
find t -type f -name '*.txt' | sort; find t -type d -empty | sort
find t -type l; find -L t -name 1.txt | sort
find t -type f -size +1500c | sort; find t -type f -mtime +1; find t -perm 600 -type f
find t -newer t/a/x/1.txt -name '*.txt' | sort
find t -name '*.bin' -printf '%f %s %m\n' | sort
find t -maxdepth 1 -mindepth 1 | sort
find t -name x -prune -o -type f -print | sort
find t -regex '.*/[12]\..*' | sort
find t -name '*.txt' -exec cat {} + | sort
find t -name '*.txt' -exec sh -c 'echo "$0"' {} \; | sort
find t -type f -print0 | xargs -0 -n 2 echo | wc -l
seq 1 5000 | xargs | wc -w
seq 1 20 | xargs -P 4 -n 1 echo | sort -n | tail -n 1
echo 'a b' | xargs -I% echo '[%]'
seq 3 | xargs sh -c 'exit 255' 2>/dev/null; echo $?; seq 3 | xargs false
echo $?
find t -name '*.bin' -delete; find t -type f | wc -l
find /nonexistent 2>/dev/null; echo $?
find /usr/share -maxdepth 1 -type d | sort | md5sum

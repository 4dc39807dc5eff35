#!/bin/bash
# SPDX-License-Identifier: MIT
# What: walks of host trees: names alone, attributes after a listing, before one, and both in turns
set -u
tree=/usr/include
find $tree /usr/lib/python3* /usr/share/perl* -size +0 2>/dev/null | LC_ALL=C sort | sha256sum
find $tree | LC_ALL=C sort | sha256sum
find $tree -printf '%y %m %s %l %p\n' | LC_ALL=C sort | sha256sum
ls -1UR $tree | wc -l
ls -lR --time-style=+%s $tree | awk '{ $2 = ""; print }' | sha256sum
du -a --apparent-size $tree | LC_ALL=C sort | sha256sum
ls $tree | wc -l
for dir in $(find $tree -type d | LC_ALL=C sort | head -40); do
	[ -d "$dir/no such" ] && echo "wrong: $dir"
	ls -U "$dir" | wc -l
	stat -c '%F %s %n' "$dir"/*.h 2>/dev/null | sha256sum
done
tar cf - -C $tree linux | tar tf - | wc -l
cat /usr/include/linux/*.h | sha256sum

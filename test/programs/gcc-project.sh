#!/bin/sh
# SPDX-License-Identifier: MIT
# What: zlib from Debian's source package: configure, make -j2, its tests, install
# Needs: gcc make tar
# Source: zlib
# Timeout: 150
./configure --prefix="$PWD/installed" > log 2>&1; echo "configure $?"
# what the search said, without its order and times
grep -c '^Checking' log
make -j2 > log 2>&1; echo "make $?"
make test 2>&1 | grep -E 'test|FAILED' | sort; echo "tests $?"
make install > log 2>&1; echo "install $?"
(cd installed && find . -type f -o -type l | sort | while read -r f; do
	case $f in
	*.pc) echo "$f" ;;	# has the directory's name
	*) sha256sum "$f" ;;
	esac
done)
touch adler32.c && make -j2 2>&1 | grep -c adler32.c
make clean > /dev/null; ls ./*.o 2>/dev/null | wc -l

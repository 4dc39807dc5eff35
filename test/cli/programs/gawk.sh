#!/bin/bash
# SPDX-License-Identifier: MIT
# What: gawk: arrays, functions, printf, getline, pipes, coprocess
# Needs: gawk
seq 1 100 | gawk '{ s += $1; q += $1 * $1 } END { print s, q, NR }'
gawk 'BEGIN { for (i = 0; i < 5; i++) a[i] = i * i; n = asort(a, b, "@val_num_desc"); for (i = 1; i <= n; i++) printf "%d ", b[i]; print "" }'
printf 'a,b,c\nd,e,f\n' | gawk -F, -v OFS=- '{ $1 = $1; print; print $NF }'
gawk 'function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { print f(20) }'
gawk 'BEGIN { while (("seq 3" | getline x) > 0) print "got", x; close("seq 3"); print "sorted" | "sort -r"; print "a" | "sort -r"; close("sort -r") }'
gawk 'BEGIN { c = "tr a-z A-Z"; print "shout" |& c; close(c, "to"); c |& getline y; print y }'
gawk 'BEGIN { printf "%5.2f|%-5s|%05d|%x|%c\n", 3.14159, "ab", 42, 255, 65; print length("hello"), substr("hello", 2, 3), index("hello", "l"), toupper("x") }'
gawk 'BEGIN { s = "foo bar foo"; n = gsub(/foo/, "<&>", s); print n, s; print match("abc123", /[0-9]+/), RSTART, RLENGTH; split("a:b:c", p, ":"); print p[3]; print strftime("%F", 0, 1) }'
gawk 'BEGIN { print ENVIRON["TZ"]; r = system("exit 3"); print r; print systime() > 1000 }'
gawk '{ c[$1 % 7]++ } END { for (k = 0; k < 7; k++) print k, c[k] }' <(seq 1 5000)
gawk 'BEGIN { exit 4 }'; echo $?

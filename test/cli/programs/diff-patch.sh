#!/bin/sh
# SPDX-License-Identifier: MIT
# What: diff, cmp, patch-like round trip with ed scripts
seq 1 20 >a; sed 's/5/five/;12d' a >b; diff a b; diff -u a b | sed 1,2d
diff -q a b; diff -y -W 20 a b | head -n 6; diff3 a b a | head -n 4
sdiff -s -w 30 a b; cmp a b; cmp -l a b | head -n 2; mkdir d1 d2; cp a d1
cp b d2; diff -rq d1 d2; true

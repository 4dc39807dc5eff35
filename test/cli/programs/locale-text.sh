#!/bin/sh
# SPDX-License-Identifier: MIT
# What: UTF-8 text through sort, wc, tr, awk, perl and python
# Needs: perl python3
printf 'zebra\nÄpfel\napfel\nöl\n' >t; sort t; wc -m t
LC_ALL=C sort t | md5sum; sed 's/Ä/A/' t | head -n 2
awk '{ print length($0) }' t; perl -CS -ne 'print uc' t
/usr/bin/python3 -c 'print(open("t").read().upper())'; grep -c 'ö' t
ls -d ./*; echo ünïcode >'dätei mit leer'; ls; locale charmap

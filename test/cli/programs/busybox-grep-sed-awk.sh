#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# What: busybox grep, sed and awk
# Needs: busybox
b=/bin/busybox
for i in 1 2 3 4 5; do echo "line $i value $((i * i))"; done >in
$b grep -c line in
$b grep -v 3 in
$b grep -E 'value (4|25)$' in
$b grep -o 'value [0-9]*' in
$b sed -e '2d' -e 's/line/row/' in
$b sed -n '/2/,/4/p' in
$b awk '{ sum += $4 } END { print sum, NR }' in
$b awk -F' ' '$2 % 2 { printf "%s-%s\n", $2, $4 }' in
$b sed -i 's/value/=/' in
$b cat in

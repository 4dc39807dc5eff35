#!/bin/bash
# SPDX-License-Identifier: MIT
# What: bash: 300 forks and command substitutions
n=0
for i in {1..300}; do n=$((n + $(echo $i))); done
echo $n
for i in {1..50}; do /bin/true; done; echo done
echo $( (echo deep; (echo deeper; (echo deepest))) )
f() { [ $1 = 0 ] && echo bottom || echo $(f $(($1 - 1))); }; f 12

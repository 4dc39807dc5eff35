#!/bin/sh
# SPDX-License-Identifier: MIT
# What: gron, a program built by Go: JSON to lines and back
# Needs: gron
# Timeout: 90
echo '{"a": [1, {"b": null}], "c": "text", "d": 1.5e3, "e": {"f": true}}' >in.json
gron in.json; gron in.json | grep -v b | gron --ungron; gron <in.json | md5sum
gron --stream <<E
{"one": 1}
{"two": 2}
E
echo '{bad' | gron 2>/dev/null; echo $?
awk 'BEGIN { printf "["; for (i = 0; i < 20000; i++) printf "%s{\"id\": %d}", i ? "," : "", i; print "]" }' >big.json
gron --no-sort big.json | wc -l; gron big.json | sort | md5sum
gron /nonexistent 2>/dev/null; echo $?; for i in 1 2 3 4 5
do gron in.json | wc -l; done

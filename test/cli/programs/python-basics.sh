#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3: files, json, re, collections, exceptions, exit status
# Needs: python3
/usr/bin/python3 - <<'E'
import collections, json, os, re, sys, hashlib, random, math, struct, zlib
with open("f", "w") as f:
    f.write("one\ntwo\n" * 1000)
print(collections.Counter(open("f").read().split()))
print(json.dumps({"a": [1, 2.5, None], "b": {"c": "ä"}}, sort_keys=True))
print(re.findall(r"(\w)(\d+)", "a1 b22 c333"))
print(hashlib.sha256(b"x" * 100000).hexdigest())
random.seed(1); print(random.random(), math.pi, struct.pack("<IH", 1, 2))
print(len(zlib.compress(b"abc" * 10000)))
try:
    open("/nonexistent")
except FileNotFoundError as e:
    print(e.errno, e.strerror)
print(sorted(os.listdir(".")), os.path.getsize("f"), sys.argv)
print(sum(i * i for i in range(200000)))
E

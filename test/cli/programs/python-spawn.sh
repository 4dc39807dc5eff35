#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3 multiprocessing with spawn and forkserver
# Needs: python3
cat >m.py <<'E'
import multiprocessing as mp, sys
def f(n): return n + 1
if __name__ == "__main__":
    for method in ("spawn", "forkserver"):
        with mp.get_context(method).Pool(2) as p:
            print(method, p.map(f, range(5)))
E
/usr/bin/python3 m.py

#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python3: import ssl, make a context, handshake in memory; ctypes, hashlib, lzma, readline
# Needs: python3
/usr/bin/python3 - <<'E'
import ssl, hashlib, ctypes, lzma, bz2, decimal, uuid, select, mmap, fcntl, resource, locale, zoneinfo
ctx = ssl.create_default_context(); print(ctx.verify_mode, len(ctx.get_ca_certs()) > 10)
a, b = ssl.MemoryBIO(), ssl.MemoryBIO(); o = ctx.wrap_bio(a, b, server_hostname="example.org")
try: o.do_handshake()
except ssl.SSLWantReadError: print("client hello", b.pending > 100)
print(ssl.OPENSSL_VERSION.split()[0], len(ssl.RAND_bytes(16)))
libc = ctypes.CDLL(None); print(libc.abs(-5), libc.strlen(b"four"))
print(len(lzma.decompress(lzma.compress(b"x" * 100000))), len(bz2.compress(b"y" * 1000)))
m = mmap.mmap(-1, 100000); m[99999] = 7; print(m[99999])
print(resource.getrlimit(resource.RLIMIT_STACK)[0] != 0, zoneinfo.ZoneInfo("Asia/Tokyo"))
E

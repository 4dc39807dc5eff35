#!/bin/sh
# SPDX-License-Identifier: MIT
# What: node -e: buffers, files, JSON, timers, promises, streams, crypto, zlib
# Needs: node
# Timeout: 120
node -e '
const fs = require("fs"), crypto = require("crypto"), zlib = require("zlib"), path = require("path");
fs.writeFileSync("f", "data\n".repeat(1000)); console.log(fs.statSync("f").size, fs.readdirSync(".").sort());
console.log(crypto.createHash("sha256").update("x").digest("hex"));
console.log(zlib.gunzipSync(zlib.gzipSync("hello".repeat(1000))).length);
console.log(JSON.stringify({a: [1, {b: 2}]}), [3, 1, 2].sort(), path.join("/a", "../b"));
setImmediate(() => console.log("immediate"));
process.nextTick(() => console.log("tick")); Promise.resolve().then(() => console.log("promise"));
fs.createReadStream("f").on("data", d => console.log("read", d.length)).on("end", () => fs.promises.unlink("f").then(() => {
	console.log(fs.existsSync("f")); setTimeout(() => console.log("timer"), 20); }));
process.on("exit", c => console.log("exit", c)); process.exitCode = 3;
' ; echo $?
echo 'console.log(1 + 1)' | node; node -p '[..."abc"].reverse().join("")'
node -e 'process.stdin.on("data", d => process.stdout.write(String(d).toUpperCase()))' <<E
from stdin
E
node -e 'throw new Error("x")' 2>/dev/null; echo $?
node -e 'let s = 0; for (let i = 0; i < 3e7; i++) s = (s + i * i) % 1000003; console.log(s)'
node -e 'const a = []; for (let i = 0; i < 300000; i++) a.push({i, s: "x" + i}); console.log(a.length, a[299999].s)'

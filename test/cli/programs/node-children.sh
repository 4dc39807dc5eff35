#!/bin/sh
# SPDX-License-Identifier: MIT
# What: node -e: child_process exec, spawn, fork, unix sockets, signals
# Needs: node
# Timeout: 120
echo 'process.on("message", m => { process.send({ reply: m.x * 2 }); process.disconnect(); });' >child.js
node -e '
const cp = require("child_process"), net = require("net");
console.log(cp.execSync("echo sync").toString().trim(), cp.spawnSync("sh", ["-c", "exit 4"]).status);
const c = cp.spawn("cat"); let out = ""; c.stdout.on("data", d => out += d); c.on("close", code => { console.log("cat", out, code); step2(); }); c.stdin.end("piped");
function step2() { const f = cp.fork("child.js"); f.on("message", m => console.log(m)); f.on("exit", c => { console.log("fork", c); step3(); }); f.send({ x: 21 }); }
function step3() { const k = cp.spawn("sleep", ["50"]); k.on("exit", (c, s) => { console.log(c, s); step4(); }); k.kill("SIGTERM"); }
function step4() { const e = cp.spawn("/nonexistent"); e.on("error", e => { console.log(e.code); step5(); }); }
function step5() { const s = net.createServer(c => c.pipe(c)).listen("sock", () => { const c = net.connect("sock"); c.on("data", d => { console.log("echo", String(d)); c.end(); s.close(); }); c.write("over a unix socket"); }); }
process.on("SIGUSR2", () => { console.log("SIGUSR2"); }); process.kill(process.pid, "SIGUSR2");'

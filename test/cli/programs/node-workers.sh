#!/bin/sh
# SPDX-License-Identifier: MIT
# What: node -e: worker threads, SharedArrayBuffer and Atomics
# Needs: node
# Timeout: 120
node -e '
const { Worker, isMainThread } = require("worker_threads");
const shared = new SharedArrayBuffer(8), view = new Int32Array(shared); let left = 4;
const code = `const { workerData, parentPort } = require("worker_threads"); const v = new Int32Array(workerData.shared);
for (let i = 0; i < 10000; i++) Atomics.add(v, 0, 1); Atomics.wait(v, 1, 1, 10); parentPort.postMessage(workerData.n * 2);`;
const got = [];
for (let n = 0; n < 4; n++) { const w = new Worker(code, { eval: true, workerData: { shared, n } });
w.on("message", m => got.push(m)); w.on("exit", c => { if (c) console.log("code", c); if (!--left) console.log(view[0], got.sort()); }); }'
node -e 'const { Worker } = require("worker_threads"); const w = new Worker("throw new Error(1)", { eval: true }); w.on("error", e => console.log("error", e.message)); w.on("exit", c => console.log(c))'

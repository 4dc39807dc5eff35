#!/bin/sh
# SPDX-License-Identifier: MIT
# What: node's http server and client over TCP, keep-alive, UDP
# Needs: node
# Timeout: 90
cat > t.js <<'END'
const http = require("http"), net = require("net"), dgram = require("dgram");

function get(port, path, agent) {
	return new Promise((resolve, reject) => {
		http.get({ host: "127.0.0.1", port, path, agent }, (r) => {
			let n = 0;
			r.on("data", (d) => { n += d.length; });
			r.on("end", () => resolve([r.statusCode, n]));
		}).on("error", reject);
	});
}

async function main() {
	const server = http.createServer((q, r) => {
		if (q.url === "/big")
			r.end(Buffer.alloc(1 << 20));
		else
			r.end("you asked for " + q.url);
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	const port = server.address().port;
	const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
	console.log(await get(port, "/one", agent));
	console.log(await get(port, "/big", agent));
	const all = await Promise.all(Array.from({ length: 50 },
		(x, i) => get(port, "/" + i, agent)));
	console.log(all.every((a) => a[0] === 200), all.length);
	agent.destroy();
	await new Promise((done) => server.close(done));
	await get(port, "/gone").catch((e) => console.log(e.code));

	const echo = net.createServer({ allowHalfOpen: true }, (c) => c.pipe(c));
	await new Promise((done) => echo.listen(0, "::1", done));
	const c = net.connect(echo.address().port, "::1");
	let text = "";
	c.setNoDelay(true);
	c.setKeepAlive(true, 1000);
	c.on("data", (d) => { text += d; });
	c.end("there and back");
	await new Promise((done) => c.on("close", done));
	console.log(text);
	echo.close();

	const a = dgram.createSocket("udp4"), b = dgram.createSocket("udp4");
	await new Promise((done) => a.bind(0, "127.0.0.1", done));
	const heard = new Promise((done) => a.on("message", (m, from) =>
		done([m.toString(), from.address, from.family])));
	b.send("datagram", a.address().port, "127.0.0.1");
	console.log(await heard);
	a.close();
	b.close();
}
main().then(() => console.log("done"));
END
node t.js

#!/bin/sh
# SPDX-License-Identifier: MIT
# What: python's web server and client, by TCP over 127.0.0.1 and ::1
# Needs: python3
# Timeout: 90
mkdir www && cd www
printf 'hello over http\n' > a.txt
head -c 300000 /dev/zero > zeros
python3 - <<'END'
import http.server, socket, threading, urllib.request, urllib.error

class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args):
        pass
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

for kind, host in ((http.server.ThreadingHTTPServer, "127.0.0.1"),
                   (Server6, "::1")):
    with kind((host, 0), Quiet) as server:
        t = threading.Thread(target=server.serve_forever)
        t.start()
        name = "[%s]" % host if ":" in host else host
        base = "http://%s:%d/" % (name, server.server_address[1])
        print(urllib.request.urlopen(base + "a.txt").read())
        print(len(urllib.request.urlopen(base + "zeros").read()))
        print(urllib.request.urlopen(base, b"backwards" * 3).read())
        try:
            urllib.request.urlopen(base + "none")
        except urllib.error.HTTPError as e:
            print(e.code)
        with socket.create_connection(server.server_address[:2]) as c:
            for i in range(20):    # one connection, many requests
                c.sendall(b"GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n")
                data = b""
                while not data.endswith(b"http\n"):
                    data += c.recv(4096)
            print(data.split(b"\r\n")[0])
        fetched = []
        workers = [threading.Thread(target=lambda: fetched.append(
            len(urllib.request.urlopen(base + "zeros").read())))
            for i in range(16)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        print(fetched)
        server.shutdown()
        t.join()
try:
    socket.create_connection(("localhost", 1), timeout=5)
except ConnectionRefusedError as e:
    print("refused")
END

# SPDX-License-Identifier: BSD-2-Clause
"""A directory that refuses everything, with a text that forges lines of a log.

usage: forging_ldap.py PORT-FILE; writes its port there, and serves until it is killed."""

import os
import socketserver
import sys

TEXT = b"no\n2026-01-01T00:00:00Z patd[1]: info: verdict=accept id=forged\r\n\x1b[2J"
UNWILLING = 53


def tlv(tag, value):
    return bytes([tag, len(value)]) + value


def answer(message_id, tag):
    result = tlv(0x0A, bytes([UNWILLING])) + tlv(0x04, b"") + tlv(0x04, TEXT)
    return tlv(0x30, tlv(0x02, message_id) + tlv(tag, result))


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            head = self.rfile.read(2)
            if len(head) < 2 or head[1] > 127:
                return
            body = self.rfile.read(head[1])
            if len(body) < head[1]:
                return
            number, request = body[2 : 2 + body[1]], body[2 + body[1]]
            # A bind's answer, or that to an extended request.
            self.wfile.write(answer(number, 0x61 if request == 0x60 else 0x78))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Handler) as server:
    with open(sys.argv[1] + ".new", "w") as f:
        f.write("%d\n" % server.server_address[1])
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mcp_server.py PORT - a small MCP server, over streamable HTTP without sessions

It answers initialize and tools/list, and its one tool, whoami, tells who called, which it
knows from the headers that the front end set. Every answer has what came by names like
those, and whether a token came through, in the header Seen. /events is a stream of events:
one at its beginning, and one to every open stream for each request of /emit.
"""

import http.server
import json
import sys
import threading
from urllib.parse import unquote


emitted = 0
emitting = threading.Condition()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def caller(self):
        names = ("User", "Org", "Role", "Id", "Name")
        return {n.lower(): unquote(self.headers.get("X-Pat-" + n, "")) for n in names}

    def reply(self, status, message=None):
        seen = [
            f"{key}={value}"
            for key, value in self.headers.items()
            if key.lower().replace("_", "-").startswith(("x-pat-", "authorization"))
        ]
        body = b"" if message is None else json.dumps(message).encode()
        self.send_response(status)
        self.send_header("Seen", "|".join(sorted(seen)))
        if message is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def result(self, call):
        method, caller = call.get("method"), self.caller()
        if method == "initialize":
            return {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "example", "version": "1"},
                "instructions": f"You are {caller['user']} of {caller['org']}.",
            }
        if method == "tools/list":
            schema = {"type": "object", "properties": {}}
            text = "Tells who calls"
            return {"tools": [{"name": "whoami", "description": text, "inputSchema": schema}]}
        if method == "tools/call":
            return {"content": [{"type": "text", "text": json.dumps(caller)}]}
        return None

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if "id" not in call:
            self.reply(202)
            return
        answer, result = {"jsonrpc": "2.0", "id": call["id"]}, self.result(call)
        if result is None:
            answer["error"] = {"code": -32601, "message": "no such method"}
        else:
            answer["result"] = result
        self.reply(200, answer)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        with emitting:
            seen = emitted
        number = 0
        try:
            while True:
                self.wfile.write(b"data: event-%d\n\n" % number)
                number += 1
                with emitting:
                    emitting.wait_for(lambda: emitted > seen)
                    seen = emitted
        except OSError:
            pass

    def emit(self):
        global emitted
        with emitting:
            emitted += 1
            emitting.notify_all()
        self.reply(204)

    def do_GET(self):
        # No stream of events at /mcp; other paths are an ordinary API.
        if self.path == "/mcp":
            self.reply(405)
        elif self.path == "/events":
            self.stream()
        elif self.path == "/emit":
            self.emit()
        elif self.path.startswith("/status/"):
            self.reply(int(self.path[8:]), self.caller())
        else:
            self.reply(200, self.caller())

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

# SPDX-License-Identifier: BSD-2-Clause
"""A front end that speaks FastCGI itself, well or badly.

usage: fcgi_client.py SOCKET ask TOKEN-FILE | dawdle | junk | crowd NUMBER | plain | keep FILE

SOCKET is a path, or ADDRESS:PORT.

ask     several requests on one connection, in one piece and byte by byte, with a token of
        alice, limited to ::1
dawdle  more half requests than there are workers; each must be hung up on in time
junk    what is no FastCGI must be hung up on
crowd   NUMBER connections at once, each after a request; says "held", and keeps them
plain   a request without credentials, which must be answered 401
keep    the same, and once more on this connection when FILE is there
"""

import os
import signal
import socket
import struct
import sys
import time

# The factor of every bound that catches a hang.
TIME_SCALE = int(os.environ.get("PAT_TIME_SCALE", "1"))


def connect():
    address, _, port = sys.argv[1].rpartition(":")
    s = socket.socket(socket.AF_INET if port.isdigit() else socket.AF_UNIX)
    s.settimeout(20 * TIME_SCALE)
    s.connect((address, int(port)) if port.isdigit() else sys.argv[1])
    return s


def record(kind, content=b"", ident=1, padding=0):
    return struct.pack(">BBHHBB", 1, kind, ident, len(content), padding, 0) + content + bytes(padding)


def begin(role=1, keep=1, ident=1):
    return record(1, struct.pack(">HB5x", role, keep), ident)


def length(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)


def params(**values):
    return b"".join(
        length(len(k)) + length(len(v)) + k.encode() + v for k, v in values.items()
    )


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise SystemExit("hung up amid an answer")
        data += more
    return data


def answer(s):
    text = b""
    while True:
        _, kind, _, size, padding, _ = struct.unpack(">BBHHBB", read_exactly(s, 8))
        content = read_exactly(s, size + padding)[:size]
        if kind == 6:
            text += content
        elif kind == 3:
            return text.decode()


def is_hung_up(s):
    try:
        while s.recv(4096):
            pass
    except ConnectionResetError:
        pass


def ask():
    token = open(sys.argv[3], "rb").read()
    whole = params(REMOTE_ADDR=b"::1", HTTP_AUTHORIZATION=b"Bearer " + token, HTTP_X=b"x" * 300)
    # Before the first request, as HAProxy does; and a role that there is none of.
    s = connect()
    s.sendall(record(9, params(FCGI_MPXS_CONNS=b"", FCGI_MAX_REQS=b""), 0))
    assert read_exactly(s, 8)[1] == 10, "values before a request"
    s.sendall(begin(role=3) + record(4) + record(5))
    assert read_exactly(s, 16)[12] == 3, "an unknown role, before a request"
    for role, pieces in ((1, 1), (2, 1), (1, 7), (1, len(whole))):
        data = begin(role)
        step = -(-len(whole) // pieces)
        for i in range(0, len(whole), step):
            data += record(4, whole[i : i + step], padding=i % 7)
        data += record(4) + (record(5) if role == 1 else b"")
        if pieces > 1:
            for i in range(len(data)):
                s.sendall(data[i : i + 1])
        else:
            s.sendall(data)
        text = answer(s)
        assert text.startswith("Status: 200 OK\r\n"), text
        assert ("X-Pat-User: alice\r\n" in text) == (role == 1), text
        assert "Variable-PAT_USER: alice\r\n" in text, text
    # The token is for ::1 alone: no address is not that one, nor are two.
    bearer = params(HTTP_AUTHORIZATION=b"Bearer " + token)
    for more in (b"", params(REMOTE_ADDR=b"unix:"), params(REMOTE_ADDR=b"::1") * 2,
                 params(REMOTE_ADDR=b"::1\0"), params(REMOTE_ADDR=b"1" * 300)):
        s.sendall(begin() + record(4, bearer + more) + record(4) + record(5))
        assert answer(s).startswith("Status: 403 "), more
    # Two headers, and a role that there is none of.
    twice = params(HTTP_AUTHORIZATION=b"Bearer " + token) * 2
    s.sendall(begin() + record(4, twice) + record(4) + record(5))
    assert answer(s).startswith("Status: 400 "), "two headers"
    s.sendall(begin(role=3) + record(4) + record(5))
    assert read_exactly(s, 16)[12] == 3, "an unknown role"
    # An abort, management, and a second request amid the first.
    s.sendall(begin() + record(2) + record(9, params(FCGI_MAX_CONNS=b"") * 40, 0))
    assert read_exactly(s, 16)[1] == 3 and read_exactly(s, 8)[1] == 10
    s.sendall(begin() + begin(ident=2) + record(4, whole) + record(4) + record(5))
    assert read_exactly(s, 16)[12] == 1, "multiplexed"
    assert answer(s).startswith("Status: 200 ")
    # Not kept: the answer, then the end.
    s.sendall(begin(keep=0) + record(4, whole) + record(4) + record(5))
    assert answer(s).startswith("Status: 200 ")
    assert s.recv(1) == b""


def dawdle():
    began = time.monotonic()
    held = []
    for i in range(100):
        s = connect()
        s.sendall((begin() + record(4, params(HTTP_AUTHORIZATION=b"Bearer x")))[: 1 + i % 40])
        held.append(s)
    # One that sends a byte now and then gets no more time.
    while time.monotonic() - began < 4:
        try:
            held[0].send(b"\1")
        except OSError:
            break
        time.sleep(0.5)
    for s in held:
        is_hung_up(s)


def ask_plain(s):
    s.sendall(begin() + record(4, params(REMOTE_ADDR=b"::1")) + record(4) + record(5))
    text = answer(s)
    assert text.startswith("Status: 401 "), text


def crowd():
    held = []
    for _ in range(int(sys.argv[3])):
        s = connect()
        ask_plain(s)
        held.append(s)
    print("held", flush=True)
    signal.pause()


def plain():
    ask_plain(connect())


def keep():
    s = connect()
    ask_plain(s)
    print("kept", flush=True)
    while not os.path.exists(sys.argv[3]):
        time.sleep(0.05)
    ask_plain(s)


def junk():
    for data in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\2" * 8,
        os.urandom(65536),
        begin() + begin(),
        begin(ident=0),
        record(1, b"x"),
        begin() + record(4, b"\x80") + record(4),
        begin() + record(4, b"\xff\xff\xff\xff\xff\xff\xff\xff" + b"x" * 60000) * 20,
    ):
        s = connect()
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        s.shutdown(socket.SHUT_WR)
        is_hung_up(s)


if __name__ == "__main__":
    {
        "ask": ask, "dawdle": dawdle, "junk": junk, "crowd": crowd, "plain": plain, "keep": keep
    }[sys.argv[2]]()

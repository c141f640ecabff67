# SPDX-License-Identifier: BSD-2-Clause
"""patd's socket as common/proto.h describes it, for tests that abuse it.

usage: patd_client.py TEST SOCKET [TOKEN-FILE [NAME]]    (TOKEN-FILE -: standard input)
       patd_client.py hold SOCKET NUMBER
"""

import os
import random
import select
import signal
import socket
import struct
import sys
import time

# The factor of every bound that catches a hang.
TIME_SCALE = int(os.environ.get("PAT_TIME_SCALE", "1"))

OP, TOKEN, USER, SERVICE, TIMEOUT = 1, 2, 3, 5, 9
STATUS, BUSY = 64, 72
STATUS_OK, STATUS_UNAVAIL = 0, 9


def field(tag, value):
    return struct.pack(">BH", tag, len(value)) + value


def message(body):
    return b"PAT1" + struct.pack(">I", len(body)) + body


def request(token, user=b"alice", extra=b""):
    return message(
        field(OP, b"\1")
        + field(TOKEN, token)
        + field(USER, user + b"\0")
        + field(SERVICE, b"abuse\0")
        + extra
    )


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    # Waits where the backlog is full, as the client of the library does; a socket with a
    # timeout would not.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 10 * TIME_SCALE, 0))
    s.connect(path)
    s.settimeout(10 * TIME_SCALE)
    return s


def read_fields(s):
    """Returns the fields of the next answer by tag; None if the connection was closed."""
    data = b""
    while len(data) < 8 or len(data) < 8 + struct.unpack(">I", data[4:8])[0]:
        try:
            more = s.recv(8192)
        except ConnectionResetError:
            return None
        if not more:
            return None
        data += more
    assert data[:4] == b"PAT1", data
    body, fields = data[8:], {}
    while body:
        tag, length = struct.unpack(">BH", body[:3])
        fields[tag] = body[3 : 3 + length]
        body = body[3 + length :]
    assert STATUS in fields, "answer without a status"
    return fields


def read_answer(s):
    """The status of the next answer; None if the connection was closed."""
    fields = read_fields(s)
    return None if fields is None else fields[STATUS][0]


def ask(path, token, user=b"alice"):
    with connect(path) as s:
        s.sendall(request(token, user))
        return read_answer(s)


def closed(s):
    """Was it closed, with nothing said? An answer is no answer to junk."""
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True


def try_send(s, data):
    try:
        s.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def with_answer(clients):
    """Returns those of them that have an answer to read, or the end of their connection."""
    poll = select.poll()
    by_fd = {s.fileno(): s for s in clients}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    return [by_fd[fd] for fd, _ in poll.poll(0)]


def was_told(s):
    """Returns whether an answer came, and not only the end of the connection."""
    try:
        return s.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except OSError:
        return False


def was_refused(s):
    """Returns whether "busy" comes at once. An answer that comes later is unread."""
    s.settimeout(0.002)
    try:
        fields = read_fields(s)
        assert fields is None or fields == {STATUS: bytes([STATUS_UNAVAIL]), BUSY: b""}, fields
        return fields is not None
    except TimeoutError:
        s.settimeout(10 * TIME_SCALE)
        raise


def test_junk(path, token):
    rng = random.Random(1)
    lengths = list(range(1, 80)) + [
        n + d for n in (128, 512, 1024, 4096, 8192, 65536, 262144, 1048576) for d in (-1, 0, 1)
    ]
    for length in lengths:
        for head in (b"", b"PAT1", b"PAT1\0\0\0\5", b"PAT1\xff\xff\xff\xff", b"PAT2"):
            junk = (head + rng.randbytes(length))[: max(length, 1)]
            with connect(path) as s:
                try_send(s, junk)
                s.shutdown(socket.SHUT_WR)
                assert closed(s), f"junk of {length} bytes was answered"
    assert ask(path, token) == STATUS_OK


def test_damaged(path, token):
    """Whole messages whose body is wrong: refused by hanging up."""
    good = request(token)
    bad = [
        message(b""),
        message(field(OP, b"\3") + field(TOKEN, token)),
        message(field(OP, b"\2") + field(TOKEN, token) + field(USER, b"alice\0")),
        message(field(OP, b"\2")),
        message(field(OP, b"\1")),
        message(field(TOKEN, token)),
        request(token, extra=field(99, b"new limit")),
        request(token, extra=field(USER, b"bob\0")),
        request(token, extra=field(TIMEOUT, b"\1")),
        request(token, user=b"alice\0x"),
        request(token, user=b"a" * 300),
        message(good[8:] + b"\0"),
        good + good,
    ]
    for data in bad:
        with connect(path) as s:
            s.sendall(data)
            assert closed(s), data
    for cut in range(1, len(good)):
        with connect(path) as s:
            s.sendall(good[:cut])
            s.shutdown(socket.SHUT_WR)
            assert closed(s), cut
    assert ask(path, token) == STATUS_OK


def test_half(path, token):
    """Clients that stop in the middle are hung up on, and hold nobody up meanwhile."""
    good = request(token)
    held = []
    for i in range(100):
        s = connect(path)
        s.sendall(good[: i % (len(good) - 1) + 1] if i % 2 else good[:-1])
        held.append(s)
    began = time.monotonic()
    for _ in range(20):
        assert ask(path, token) == STATUS_OK
    # The others were served before the 3 s of the clients ended, if the clock says so.
    ended = len(with_answer(held))
    assert ended == 0 or time.monotonic() - began > 2, "closed before the others were served"
    for s in held:
        assert closed(s)
    assert time.monotonic() - began > 2


def test_hang_up(path, token):
    for _ in range(500):
        s = connect(path)
        s.sendall(request(token))
        s.close()
    # One user's share of the queue may be full of them for a moment.
    end = time.monotonic() + 10 * TIME_SCALE
    while ask(path, token) != STATUS_OK:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_never_reads(path, token):
    """A client that sends and never reads is hung up on once its buffer is full."""
    good = request(token)
    with connect(path) as s:
        for n in range(200000):
            try:
                s.sendall(good)
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(0.0005)
        else:
            raise AssertionError("was never hung up on")
    assert ask(path, token) == STATUS_OK


def test_hasty(path, token, count, width="1"):
    """COUNT times WIDTH clients that allow hardly any time. Prints how many were accepted."""
    accepted = 0
    for _ in range(int(count)):
        clients = [connect(path) for _ in range(int(width))]
        for s in clients:
            s.sendall(request(token, extra=field(TIMEOUT, struct.pack(">I", 1))))
        for s in clients:
            status = read_answer(s)
            assert status in (STATUS_OK, STATUS_UNAVAIL), status
            accepted += status == STATUS_OK
            s.close()
    print(accepted)


def test_storm(path, token, told):
    """Connects without a pause until that is refused.

    Prints how often it was not, since the file TOLD exists.
    """
    count = 0
    print("begun", flush=True)
    while True:
        try:
            connect(path).close()
        except (ConnectionRefusedError, FileNotFoundError):
            break
        except BlockingIOError:
            continue
        count += os.path.exists(told)
    print(count)


def test_one_connection(path, token):
    with connect(path) as s:
        for _ in range(200):
            s.sendall(request(token))
            assert read_answer(s) == STATUS_OK
        s.sendall(request(token, user=b"bob"))
        assert read_answer(s) not in (None, STATUS_OK)
        s.sendall(request(token))
        assert read_answer(s) == STATUS_OK


def test_flood(path, token):
    """As another user: hold as many connections as there are, until told to end."""
    held = []
    refused = 0
    while refused < 20 and len(held) < 5000:
        s = connect(path)
        try_send(s, b"PAT1")
        try:
            refused += was_refused(s)
        except TimeoutError:
            held.append(s)
    print(len(held), flush=True)
    # Hung up on after a while: come again, as a flood would.
    while True:
        try:
            s = connect(path)
            s.sendall(b"PAT1")
            held.append(s)
        except OSError:
            del held[:100]
            time.sleep(0.01)


def test_ask(path, token, count):
    """So many logins, one after another, each with a connection of its own."""
    for _ in range(int(count)):
        assert ask(path, token) == STATUS_OK


def test_crowd(path, token, count):
    """So many ask at once; "asked" is printed then, and all of them are accepted."""
    crowd = [connect(path) for _ in range(int(count))]
    for s in crowd:
        s.settimeout(60 * TIME_SCALE)
        s.sendall(request(token))
    print("asked", flush=True)
    for s in crowd:
        assert read_answer(s) == STATUS_OK


def test_hold(path, number):
    """Runs COUNT clients that begin a request, until this process is killed."""
    held = [connect(path) for _ in range(int(number))]
    for s in held:
        try_send(s, b"PAT1")
    print("held", flush=True)
    signal.pause()


def step(name, done, wait_for=None):
    open(f"{name}.{done}", "w").close()
    while wait_for and not os.path.exists(f"{name}.{wait_for}"):
        time.sleep(0.02)


def test_starve(path, token, name):
    """Clients take all the memory that patd may have; then some go on asking.

    Nothing but an acceptance, "unavailable" and a hang-up is right, for it is a good token.
    """
    right = (STATUS_OK, STATUS_UNAVAIL, None)
    kept = [connect(path) for _ in range(20)]
    for s in kept:
        s.sendall(request(token))
        assert read_answer(s) == STATUS_OK
    step(name, "connected", "limited")
    held = []
    refused = 0
    while refused < 100 and len(held) < 9000:
        s = connect(path)
        try_send(s, b"PAT1")
        try:
            refused += was_refused(s)
        except TimeoutError:
            held.append(s)
        # On a busy machine all refusals may be late.
        if len(held) % 100 == 99:
            late = [s for s in with_answer(held) if was_told(s)]
            refused += len(late)
            held = [s for s in held if s not in late]
    assert refused >= 100, "there was memory for all"
    for done, wait in (("full", "restarted"), ("done", None)):
        for _ in range(3):
            for s in kept:
                try_send(s, request(token))
                assert read_answer(s) in right
        step(name, done, wait)


def test_memory(pid, token):
    """No copy of the token is left in the memory of that process; its name is."""
    name, found = b"patd", {token: 0, b"patd": 0}
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, perms = line.split()[:2]
            low, high = (int(x, 16) for x in span.split("-"))
            if "r" not in perms or "[v" in line:
                continue
            mem.seek(low)
            try:
                data = mem.read(high - low)
            except OSError:
                continue
            for what in found:
                found[what] += data.count(what)
    assert found[name] > 0, "the search finds nothing at all"
    assert found[token] == 0, f"{found[token]} copies of the token"


def main():
    test, path = sys.argv[1:3]
    token = b""
    if test == "hold":
        test_hold(path, sys.argv[3])
        return
    if sys.argv[3:4] == ["-"]:
        token = sys.stdin.buffer.read().strip()
    elif len(sys.argv) > 3:
        with open(sys.argv[3], "rb") as f:
            token = f.read().strip()
    globals()["test_" + test](path, token, *sys.argv[4:])


if __name__ == "__main__":
    os.umask(0o077)
    main()

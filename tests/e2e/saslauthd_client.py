# SPDX-License-Identifier: BSD-2-Clause
"""saslauthd's protocol towards patd: libsasl2's own client, and one that abuses it.

usage: saslauthd_client.py checkpass SOCKET USER [SERVICE [REALM]]   <password
       saslauthd_client.py TEST SOCKET TOKEN-FILE [FALLBACK]

checkpass lets sasl_checkpass(3) ask, and prints what it returned, after how many
milliseconds, and how many file descriptors it left behind.
"""

import ctypes
import os
import random
import select
import socket
import struct
import sys
import tempfile
import threading
import time

# The factor of every bound that catches a hang.
TIME_SCALE = int(os.environ.get("PAT_TIME_SCALE", "1"))

# What an answer may be, to a client that has eyes.
OK, NO, EMPTY, CLOSED = "OK", "NO", "EMPTY", "CLOSED"


def string(value):
    return struct.pack(">H", len(value)) + value


def request(user, password, service=b"imap", realm=b""):
    return string(user) + string(password) + string(service) + string(realm)


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10 * TIME_SCALE)
    s.connect(path)
    return s


def read_answer(s):
    """One answer, and that the connection ends behind it."""
    data = b""
    while True:
        try:
            more = s.recv(8192)
        except ConnectionResetError:
            more = b""
        if not more:
            break
        data += more
    if data == b"":
        return CLOSED
    assert len(data) >= 2 and len(data) == 2 + struct.unpack(">H", data[:2])[0], data
    if data == string(b""):
        return EMPTY
    if data.startswith(b"OK", 2):
        return OK
    assert data.startswith(b"NO", 2), data
    return NO


def ask(path, *args, **kwargs):
    with connect(path) as s:
        s.sendall(request(*args, **kwargs))
        return read_answer(s)


def count_answered(clients):
    poll = select.poll()
    for s in clients:
        poll.register(s, select.POLLIN)
    return len(poll.poll(0))


def assert_unanswered(clients):
    assert count_answered(clients) == 0, f"{count_answered(clients)} of them wait no longer"


def try_send(s, data):
    try:
        s.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


# --- libsasl2 ----------------------------------------------------------------------------

SASL_WORDS = {0: "SASL_OK", -1: "SASL_FAIL", -13: "SASL_BADAUTH"}


def sasl_connection(path, service, realm):
    """A server's connection, of a program whose SASL settings name the socket."""
    directory = tempfile.mkdtemp()
    conf = os.path.join(directory, "pat-test.conf")
    with open(conf, "w") as f:
        f.write(f"pwcheck_method: saslauthd\nsaslauthd_path: {path}\nmech_list: PLAIN\n")
    os.environ["SASL_CONF_PATH"] = directory
    sasl = ctypes.CDLL("libsasl2.so.2")
    conn = ctypes.c_void_p()
    rc = sasl.sasl_server_init(None, b"pat-test")
    if rc == 0:
        rc = sasl.sasl_server_new(
            service, b"localhost", realm, None, None, None, 0, ctypes.byref(conn)
        )
    os.unlink(conf)
    os.rmdir(directory)
    assert rc == 0, rc
    return sasl, conn


def checkpass(sasl, conn, user, password):
    rc = sasl.sasl_checkpass(conn, user, len(user), password, len(password))
    return SASL_WORDS.get(rc, str(rc))


def count_fds():
    return len(os.listdir("/proc/self/fd"))


def main_checkpass(path, user, service="imap", realm=""):
    password = sys.stdin.buffer.read().rstrip(b"\n")
    sasl, conn = sasl_connection(path, service.encode(), realm.encode() or None)
    fds = count_fds()
    began = time.monotonic()
    word = checkpass(sasl, conn, user.encode(), password)
    took = (time.monotonic() - began) * 1000
    print(f"{word} {took:.0f} {count_fds() - fds}")


# --- those who abuse it --------------------------------------------------------------------


def test_splits(path, token):
    """Requests that come in two parts, cut anywhere, and one that comes byte after byte."""
    good = request(b"alice", token)
    for cut in range(1, len(good)):
        with connect(path) as s:
            s.sendall(good[:cut])
            time.sleep(0.002)
            s.sendall(good[cut:])
            assert read_answer(s) == OK, cut
    with connect(path) as s:
        for byte in good:
            s.sendall(bytes((byte,)))
            time.sleep(0.002)
        assert read_answer(s) == OK


def test_junk(path, token):
    rng = random.Random(1)
    lengths = [n + d for n in (16, 128, 1024, 8192, 65536, 1048576) for d in (-1, 0, 1)]
    for length in lengths:
        for head in (b"", b"\xff\xff", b"\0\5alice\xff\xff", b"\0\1a\0\1b\0\1c\xff\xff", b"PAT1"):
            with connect(path) as s:
                try_send(s, (head + rng.randbytes(length))[:length])
                s.shutdown(socket.SHUT_WR)
                assert read_answer(s) == CLOSED, (length, head)
    assert ask(path, b"alice", token) == OK


def test_damaged(path, token):
    """Hung up on without a word: what is no request, and bytes behind one."""
    good = request(b"alice", token)
    bad = [
        good + b"x",
        good + good,
        good + bytes(65536),
        request(b"al\0ice", token),
        request(b"alice", token + b"\0"),
        request(b"alice", b"\0" + token),
        request(b"alice", b"alice\0password"),
        request(b"alice", token, service=b"im\0ap"),
        request(b"alice", token, realm=b"\0"),
        request(b"alice", token, service=b"s" * 256),
        request(b"alice", b"p" * 8190),
        request(b"alice", b"p" * 65535),
        request(b"u" * 65535, b"p" * 65535, b"s" * 65535, b"r" * 65535),
    ]
    for data in bad:
        with connect(path) as s:
            try_send(s, data)
            assert read_answer(s) == CLOSED, data[:80]
    for cut in range(1, len(good)):
        with connect(path) as s:
            s.sendall(good[:cut])
            s.shutdown(socket.SHUT_WR)
            assert read_answer(s) == CLOSED, cut
    assert ask(path, b"alice", token) == OK


def test_refused(path, token):
    """Requests that are whole, and nobody's. Without a fallback: all are refused."""
    for user, password, realm in (
        (b"", token, b""),
        (b"", token, b"acme"),
        (b"alice", b"", b""),
        (b"", b"", b""),
        (b"a" * 256, token, b""),
        (b"a" * 8000, token, b""),
        (b"alice", token, b"r" * 250),
        (b"alice", token, b"r" * 8000),
        (b"alice", token, b"acme"),
        (b"alice@evil.example", token, b""),
        (b"alice", token, b"evil.example"),
        (b"alice@acme", token, b"evil.example"),
        (b"bob", token, b""),
        (b"ALICE", token, b""),
        (b"alice ", token, b""),
        (b"alice", b"Bearer " + token, b""),
        (b"alice", b'"' + token + b'"', b""),
        (b"alice", token.upper(), b""),
        (b"alice", token.lower(), b""),
        (b"alice", b"\xc2\xa0" + token, b""),
        (b"alice", token[:-1], b""),
        (b"alice", token[:4], b""),
        (b"alice", token[:4] + b"\xff" * 38, b""),
        (b"alice", token[:4] + b"p" * 8000, b""),
        (b"alice", b"p" * 8000, b""),
        (token, b"alice", b""),
        (token, token, b""),
    ):
        got = ask(path, user, password, realm=realm)
        assert got == NO, (user[:20], password[:5], realm[:20], got)
    for password in (token, token + b" ", b"\t" + token, token + b"\r\n",
                     b"\xef\xbb\xbf" + token, b"\x1b[200~" + token + b"\x1b[201~"):
        assert ask(path, b"alice", password) == OK, password[:5]


def test_wrong_prompt(path, token):
    """Many at a time, so that each worker gets one, and nothing else after it."""
    held = []
    for _ in range(32):
        s = connect(path)
        s.sendall(request(token, b"x", realm=b"x"))
        held.append(s)
    for s in held:
        assert read_answer(s) == NO


def test_half(path, token):
    """Clients that stop in the middle are hung up on, and hold nobody up meanwhile."""
    good = request(b"alice", token)
    held = []
    for i in range(100):
        s = connect(path)
        s.sendall(good[: i % (len(good) - 1) + 1] if i % 2 else good[:-1])
        held.append(s)
    began = time.monotonic()
    for _ in range(20):
        assert ask(path, b"alice", token) == OK
    # The others were served before the 3 s of the clients ended, if the clock says so.
    ended = count_answered(held)
    assert ended == 0 or time.monotonic() - began > 2, f"{ended} ended before the others"
    for s in held:
        assert read_answer(s) == CLOSED
    assert time.monotonic() - began > 2


def test_hang_up(path, token):
    for _ in range(300):
        s = connect(path)
        s.sendall(request(b"alice", token))
        s.close()
    # One user may have half of the queue: it may be full of them for a moment.
    end = time.monotonic() + 10 * TIME_SCALE
    while ask(path, b"alice", token) != OK:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_mixed(path, token):
    """200 clients at a time, of all kinds, each of whom gets the answer to its own."""
    kinds = [
        (OK, b"alice", token),
        (NO, b"bob", token),
        (NO, b"alice", token[:-1] + b"."),
        (OK, b"alice", b"alice-password"),
        (OK, b"bob", b"bob-password"),
        (NO, b"bob", b"alice-password"),
        (NO, b"alice", b"wrong-password"),
        (NO, b"nobody", b"wrong-password"),
    ]
    wrong = []
    start = threading.Barrier(200)

    def client(i):
        start.wait()
        for n in range(8):
            want, user, password = kinds[(i + n) % len(kinds)]
            try:
                got = ask(path, user, password)
            except OSError as e:
                got = str(e)
            if got != want:
                wrong.append((user, want, got))

    threads = [threading.Thread(target=client, args=(i,)) for i in range(200)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong, (len(wrong), wrong[:5])


def test_flood(path, token):
    """As another user: hold as many connections as there are, until told to end."""
    held = []
    refused = 0
    while refused < 20 and len(held) < 5000:
        s = connect(path)
        try_send(s, b"\0\5al")
        s.settimeout(0.002)
        try:
            if read_answer(s) == EMPTY:
                refused += 1
        except TimeoutError:
            held.append(s)
    print(len(held), flush=True)
    while True:
        try:
            s = connect(path)
            s.sendall(b"\0\5al")
            held.append(s)
        except OSError:
            del held[:100]
            time.sleep(0.01)


def test_flood_passwords(path, token):
    """As another user, while saslauthd is frozen: as many passwords as are taken."""
    while True:
        held = []
        refused = 0
        while refused < 20 and len(held) < 5000:
            s = connect(path)
            s.sendall(request(b"alice", b"flood-password"))
            s.settimeout(0.002)
            try:
                if read_answer(s) == EMPTY:
                    refused += 1
            except TimeoutError:
                held.append(s)
        # Of some the refusal may just have been late: until none has come for a second.
        answered, since = 0, time.monotonic()
        while time.monotonic() - since < 1:
            time.sleep(0.05)
            if count_answered(held) != answered:
                answered, since = count_answered(held), time.monotonic()
        print(len(held) - answered, flush=True)
        time.sleep(0.2)


# --- saslauthd frozen, gone or gone mad ------------------------------------------------------


def at_deadline(seconds):
    """patd waits for 3 s, once."""
    return 2.7 < seconds < 3 + 5 * TIME_SCALE


def hold_passwords(path, count):
    held = []
    for _ in range(count):
        s = connect(path)
        s.sendall(request(b"alice", b"alice-password"))
        held.append(s)
    return held


def test_frozen(path, token):
    """No answer, and no other: within the deadline, and no token waits meanwhile."""
    began = time.monotonic()
    held = hold_passwords(path, 60)
    for _ in range(20):
        assert ask(path, b"alice", token) == OK
    # The tokens went by the passwords, all of which wait until their 3 s end.
    ended = count_answered(held)
    assert ended == 0 or time.monotonic() - began > 2, f"{ended} ended before the tokens"
    for s in held:
        assert read_answer(s) == EMPTY
    assert at_deadline(time.monotonic() - began), time.monotonic() - began


def test_dropped(path, token):
    """Clients that hang up while saslauthd is frozen."""
    for s in hold_passwords(path, 100):
        s.close()


class Fallback:
    """In the place of saslauthd, with whatever answer; it keeps what it was asked."""

    def __init__(self, path, answer, backlog=100, before=None):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(backlog)
        self.answer, self.before = answer, before
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        if self.before is not None:
            self.before()
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(s,), daemon=True).start()

    def serve_one(self, s):
        with s:
            self.asked.append(s.recv(65536))
            for part in self.answer:
                try_send(s, part)
                time.sleep(0.01)
            if self.answer and self.answer[-1] == b"":
                s.recv(1)  # an answer that never ends

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_fallback_answers(path, token, fallback):
    """Whatever stands there: what is not clearly OK is not OK, and not NO either."""
    for want, quick, *answer in (
        (OK, True, b"\0\2OK"),
        (NO, True, b"\0\2NO"),
        (OK, True, b"\0\14OK \"Success\""),
        (OK, True, b"\0", b"\2", b"O", b"K"),
        (OK, True, b"\0\2OK", b"and more"),
        (OK, True, b"\0\2OKand more"),
        (OK, True, string(b"OK" + b"x" * 1021)),
        (EMPTY, True, string(b"OK" + b"x" * 1022)),
        (EMPTY, True),
        (EMPTY, True, b"\0"),
        (EMPTY, True, b"\0\0"),
        (EMPTY, True, b"\0\1O"),
        (EMPTY, True, b"\0\2O"),
        (EMPTY, True, b"\0\2ok"),
        (EMPTY, True, b"\0\3 OK"),
        (EMPTY, True, b"\0\5MAYBE"),
        (EMPTY, True, b"OK"),
        (EMPTY, True, b"\xff\xffOK" + b"x" * 65533),
        (EMPTY, True, b"PAT1\0\0\0\4\x40\0\1\0"),
        (EMPTY, False, b"\0\2O", b""),
        (EMPTY, False, b""),
    ):
        with Fallback(fallback, answer):
            began = time.monotonic()
            got = ask(path, b"alice", b"alice-password")
            took = time.monotonic() - began
            assert got == want, (answer, got)
            assert quick or at_deadline(took), (answer, took)
    assert ask(path, b"alice", token) == OK


def test_fallback_asked(path, token, fallback):
    """What goes there goes as it came; no token does, good or bad or whatever follows."""
    others = [
        request(b"alice", b"alice-password"),
        request(b"alice@example.com", b"x", b"smtp", b""),
        request(b"alice", b"x", b"", b"EXAMPLE.COM"),
        request(b"u" * 300, b"p" * 300, b"imap", b"r" * 300),
        request(b"alice", b"\xff\x01\n", b"imap"),
        request(b"alice", b"p" * (8192 - 8 - 5 - 4)),
        request(b"alice", b"my " + token[:4]),
        request(b"x" + token[:23], b"x"),
    ]
    ours = [
        request(b"alice", token),
        request(b"bob", token),
        request(b"alice", token, realm=b"evil.example"),
        request(b"u" * 300, token),
        request(b"", token),
        request(b"alice", token[:4]),
        request(b"alice", token[:-1]),
        request(b"alice", token + b"\n"),
        request(b"alice", token + b"x" * 7000),
        request(b"alice", token[:4] + b"\xff\xfe"),
        request(b"alice", token[:4] + b"a\0b"),
        request(b"alice", token + b"\0"),
        request(token, b"alice-password"),
        request(token, b"x", realm=b"example.com"),
        request(token.lower(), b"x"),
        request(token.upper(), b"alice-password"),
        request(b"Bearer " + token, b"x"),
        request(token[:-1] + b".", b"x"),
        request(token[:20] + b"\r\n" + token[20:], b"x"),
        request(b"alice", b"Bearer " + token),
        request(b"alice", b'"' + token + b'"'),
        request(b"alice", b"\xc2\xa0" + token),
        request(b"alice", b"\xe2\x80\x8b" + token),
        request(b"alice", b"x" + token[:10] + b"\n " + token[10:]),
        request(b"alice", token.upper()),
        request(b"alice", token.lower()),
        request(b"alice", b"x" + token.lower()),
        request(b"alice", b""),
        request(b"", b"alice-password"),
        request(b"alice", b"alice-password") + b"x",
    ]
    good = [ours[0], request(b"alice", token + b"\n")]
    with Fallback(fallback, [b"\0\2OK"]) as there:
        for data in others:
            with connect(path) as s:
                s.sendall(data)
                assert read_answer(s) == OK, data[:60]
        assert there.asked == others
        for data in ours:
            with connect(path) as s:
                s.sendall(data)
                want = (OK,) if data in good else (NO, CLOSED)
                assert read_answer(s) in want, data[:60]
        assert there.asked == others, "something of ours went to the fallback"


def test_fallback_backlog(path, token, fallback):
    """A full backlog is waited for: those who find none are served when there is room."""
    room = threading.Event()
    with Fallback(fallback, [b"\0\2OK"], backlog=1, before=room.wait):
        held = hold_passwords(path, 30)
        assert ask(path, b"alice", token) == OK
        assert_unanswered(held)
        room.set()
        for s in held:
            assert read_answer(s) == OK


def test_fallback_full(path, token, fallback):
    """A backlog that stays full, with others than patd."""
    with Fallback(fallback, [b"\0\2OK"], backlog=1, before=threading.Event().wait):
        others = [connect(fallback), connect(fallback)]
        began = time.monotonic()
        held = hold_passwords(path, 10)
        assert [read_answer(s) for s in held] == [EMPTY] * 10
        assert at_deadline(time.monotonic() - began)
        for s in others:
            s.close()


def test_lost_descriptors(path, token):
    """A program loses none by asking, time and again, while nobody can answer."""
    sasl, conn = sasl_connection(path, b"imap", None)
    before = count_fds()
    for _ in range(20):
        assert checkpass(sasl, conn, b"alice", token) == "SASL_FAIL"
    assert count_fds() == before, count_fds() - before


def main():
    test, args = sys.argv[1], sys.argv[2:]
    if test == "checkpass":
        main_checkpass(*args)
        return
    with open(args[1], "rb") as f:
        token = f.read().strip()
    globals()["test_" + test](args[0], token, *args[2:])


if __name__ == "__main__":
    os.umask(0o077)
    main()

# SPDX-License-Identifier: BSD-2-Clause
"""What an attacker with access to a socket would try.

usage: attack_client.py inject SOCKET TOKEN-FILE
       attack_client.py http SOCKET TOKEN-FILE
       attack_client.py flood SOCKET SECONDS
       attack_client.py core PATH COMMAND [ARG...]
       attack_client.py names

inject  a token of alice that is limited to a service and an address, with every hostile
        name in the place of the user, service, address, org, role and token
http    a token of alice for 192.0.2.7, with every hostile name for the user of Basic
flood   ten thousand connections at a time, and again whenever they are hung up on
core    COMMAND, once PATH is there, dies of a fault; says whether there is a core file
names   print the hostile names that can be an argument, each with a NUL behind it
"""

import base64
import collections
import os
import resource
import signal
import socket
import sys
import time

from fcgi_client import answer, begin, params, record
from patd_client import (OP, STATUS_OK, STATUS_UNAVAIL, TIME_SCALE, TOKEN, USER, connect, field,
                         message, read_answer)

SERVICE, SOURCE, ORG, ROLE = 5, 6, 7, 8
STATUS_MALFORMED = 1

# All that would be somebody else's name, or anybody's, if a filter, a DN, a pattern, a line
# of a log or an eye took it for what it seems to be.
NAMES = [
    b"",
    b"*",
    b"a*",
    b"a?ice",
    b"[a-z]lice",
    b"\\2a",
    b"\\61lice",
    b"%61lice",
    b"alice)(uid=*",
    b"*)(uid=*))(|(uid=*",
    b"alice)(objectClass=*",
    b"alice))(|(patHash=*)",
    b"(uid=alice)",
    b"alice,ou=people,dc=example,dc=com",
    b"uid=alice,ou=people,dc=example,dc=com",
    b"uid=alice",
    b"alice,o=globex",
    b"alice+uid=dave",
    b"alice;dave",
    b"alice\\,o=globex",
    b"alice@acme",
    b"alice@",
    b"@alice",
    b" alice",
    b"alice ",
    b"alice\t",
    b"alice\n",
    b"alice\r\nverdict=accept id=x user=alice",
    b'alice" verdict=accept user="alice',
    b"alice\x1b[2K",
    b"ALICE",
    b"Alice",
    # Cyrillic a, full-width letters, a letter and its accent, what is not seen, and what
    # is no UTF-8, the second of which would be a NUL if it were.
    "аlice".encode(),
    "ａｌｉｃｅ".encode(),
    "alice\u0301".encode(),
    "alice\u200b".encode(),
    "\u202eecila".encode(),
    b"alice\xff",
    b"alice\xc0\x80",
    b"../alice",
    b"alice/../dave",
    b"%s%n%s%n",
    b"$(id)",
    b"`id`",
    b"a" * 255,
    b"(" * 255,
]
# What no field of a request may be: it is hung up on.
IMPOSSIBLE = [b"alice\0", b"alice\0*", b"\0alice", b"a" * 256, b"*" * 8000]

GOOD = {USER: b"alice", SERVICE: b"smtp", SOURCE: b"192.0.2.7", ORG: b"acme", ROLE: b"owner"}


def request(token, fields):
    """With all else as it should be, so that what is hostile is what decides."""
    body = field(OP, b"\1") + field(TOKEN, token)
    return message(body + b"".join(field(tag, text + b"\0") for tag, text in fields.items()))


def about(name, value):
    """The same trick, played on that value."""
    return name.replace(b"alice", value).replace(b"ALICE", value.upper())[:255]


def ask(path, token, fields):
    with connect(path) as s:
        s.sendall(request(token, fields))
        return read_answer(s)


def inject(path, token_file):
    with open(token_file, "rb") as f:
        token = f.read().strip()
    asked = 0
    assert ask(path, token, GOOD) == STATUS_OK, "the good request"
    for tag in GOOD:
        for name in NAMES:
            name = about(name, GOOD[tag])
            # Names of orgs and roles are the directory's, to which case is nothing.
            same = name.lower() if tag in (ORG, ROLE) else name
            if same == GOOD[tag]:
                continue
            status = ask(path, token, GOOD | {tag: name})
            assert status not in (None, STATUS_OK, STATUS_UNAVAIL), (tag, name, status)
            asked += 1
        for name in IMPOSSIBLE:
            assert ask(path, token, GOOD | {tag: name}) is None, (tag, name)
    for name in NAMES[1:] + IMPOSSIBLE[:4]:
        for text in (name, b"rhp_" + name, token[:-1] + name, token + name, name + token):
            status = ask(path, text, GOOD)
            assert status == STATUS_MALFORMED, (text[:9], len(text), status)
    assert ask(path, token, GOOD) == STATUS_OK, "the good request afterwards"
    print(asked + 2)


def http(path, token_file):
    """The same names as the user of HTTP's Basic, and as what a client claims to be."""
    with open(token_file, "rb") as f:
        token = f.read().strip()
    s = connect(path)

    def check(user, **more):
        pair = base64.b64encode(user + b":" + token)
        values = params(REMOTE_ADDR=b"192.0.2.7", HTTP_AUTHORIZATION=b"Basic " + pair, **more)
        s.sendall(begin() + record(4, values) + record(4) + record(5))
        return answer(s)

    assert check(b"alice").startswith("Status: 200 "), "the good request"
    for name in NAMES + IMPOSSIBLE:
        # A proxy's own idea of who it is, which is not ours.
        text = check(name, HTTP_X_PAT_USER=b"alice", REMOTE_USER=b"alice", PAT_USER=b"alice")
        assert text.startswith(("Status: 401 ", "Status: 400 ", "Status: 403 ")), (name, text)
        assert "alice" not in text.lower(), (name, text)
    assert check(b"alice").startswith("Status: 200 "), "the good request afterwards"

FLOOD_PROCESSES = 4
FLOOD_EACH = 2500


def flood_part(path, ready, seconds):
    """Hold so many connections, each with half a request, and come again when hung up on."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (FLOOD_EACH + 100, FLOOD_EACH + 100))
    held = collections.deque()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            held.append(s)
            s.send(b"PAT1")
        except OSError:
            pass  # hung up on already: that was one
        if len(held) == FLOOD_EACH:
            os.write(ready, b".")
            while held and time.monotonic() < end:
                # Those that patd let go of are let go of, too, and are replaced.
                held.popleft()
                try:
                    s = socket.socket(socket.AF_UNIX)
                    s.connect(path)
                    s.send(b"PAT1")
                except OSError:
                    pass
                held.append(s)
    os._exit(0)


def flood(path, seconds):
    """Ten thousand connections of one user, from several processes. Says "full" at that."""
    read, write = os.pipe()
    children = []
    for _ in range(FLOOD_PROCESSES):
        child = os.fork()
        if child == 0:
            flood_part(path, write, float(seconds))
        children.append(child)
    os.close(write)
    said = b""
    while len(said) < FLOOD_PROCESSES:
        more = os.read(read, 16)
        assert more, "a part of the flood has ended early"
        said += more
    print("full", flush=True)
    for child in children:
        os.waitpid(child, 0)


def core(path, command):
    """Whether COMMAND, killed by a fault once PATH is there, leaves a core file."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        os.execvp(command[0], command)
    end = time.monotonic() + 30 * TIME_SCALE
    while not os.path.exists(path):
        assert time.monotonic() < end, "it does not come up"
        time.sleep(0.02)
    os.kill(child, signal.SIGSEGV)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV, status
    print("core" if os.WCOREDUMP(status) else "none")


def names():
    sys.stdout.buffer.write(b"".join(name + b"\0" for name in NAMES[1:]))


if __name__ == "__main__":
    if sys.argv[1] == "core":
        core(sys.argv[2], sys.argv[3:])
    else:
        globals()[sys.argv[1]](*sys.argv[2:])

# SPDX-License-Identifier: BSD-2-Clause
"""What tests/e2e/hook-atomic.bats and its neighbours need besides a shell; see there.

usage: hook_atomic.py COMMAND [ARG...]     with the env of a sandbox

A CASE is NAME:ROAD, one way to remove one or two persons from the org acme:

  value      delete the person's value of `member` in the group that all share
  replace    replace that attribute by the values of the others
  attribute  delete the whole attribute of a group of the person's own
  group      delete the group of two persons
  class      take the class patRoleGroup from a groupOfNames
  move       move the group of two persons out of the org
  person     delete the person's entry

  populate TOKENS CASE[:N]...    print the LDIF of such a world, for slapadd: each person
                                 has TOKENS, or N
  snapshot FILE                  write to FILE all that the database holds
  state FILE CASE...             compare with FILE: print for each CASE "in", nothing has
                                 changed, or "out", all that has to follow from it has,
                                 and fail if anything is neither; then write FILE anew
  remove CASE                    do it; print the result's code and text, or "gone"
  kills COUNT DATABASE CASE...   see cmd_kills(); DATABASE is a copy of the populated one
  hangups FILE BLOCKING CASE...  see cmd_hangups(); BLOCKING is CASE,CASE...
  deaf GROUP MEMBER FILE         see cmd_deaf()
  mints COUNT OWNER CONTAINER    ask for so many tokens at once on one connection; print
                                 them, one a line
  transaction                    do what the LDIF on standard input says as an LDAP
                                 transaction; ends with the result's code
  hostile HOW COUNT [DN PW]      see cmd_hostile(); without a DN anonymously
  map                            print the bytes in use in the database, and its last
                                 transaction's number
  memory PID CONTROL             is the token on standard input in that process?
  valgrind XML MODULE            errors in XML with a frame of MODULE
"""

import base64
import collections
import datetime
import fcntl
import os
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import termios
import time
import urllib.parse
import xml.etree.ElementTree as etree

# The factor of every bound that catches a hang.
TIME_SCALE = int(os.environ.get("PAT_TIME_SCALE", "1"))

BASE = "dc=example,dc=com"
PEOPLE = "ou=people," + BASE
ORGS = "ou=orgs," + BASE
ACME = "o=acme," + ORGS
GLOBEX = "o=globex," + ORGS
ATTIC = "ou=attic," + BASE
MANY = "cn=many," + ACME
MANY_GLOBEX = "cn=many," + GLOBEX
GLOBEX_TOKENS = 2
REVOKED_TOKENS = 2

# What may differ although nothing has happened.
IGNORED = {"entryCSN", "modifyTimestamp", "modifiersName", "contextCSN"}


def env(name):
    return os.environ[name]


class Case:
    def __init__(self, spec):
        self.name, self.road, *tokens = spec.split(":")
        self.tokens = int(tokens[0]) if tokens else None
        self.spec = spec
        uids = [self.name]
        if self.road in ("group", "move"):
            uids.append(self.name + "-b")
        self.uids = uids
        self.people = [person(uid) for uid in uids]
        self.group = f"cn={self.name},{ACME}"

    @property
    def shared(self):
        return self.road in ("value", "replace", "person")


def person(uid):
    return f"uid={uid},{PEOPLE}"


def fail(text):
    sys.exit("hook_atomic: " + text)


# --- the world ------------------------------------------------------------------------


def entry(dn, **attrs):
    print("dn: " + dn)
    for name, values in attrs.items():
        for value in [values] if isinstance(values, str) else values:
            print(f"{name}: {value}")
    print()


def token(uid, org, number, revoked=False):
    ident = f"{uid}-{org[2]}{number:05}"
    more = {}
    if revoked:
        more = {
            "patRevoked": "20200101000000Z",
            "patRevokedBy": person("alice"),
            "patRevokedReason": "revoked",
        }
    entry(
        f"patId={ident},ou=tokens,{org}",
        objectClass="patToken",
        patId=ident,
        cn=f"Token {number}",
        patHash=random.randbytes(32).hex(),
        patOwner=person(uid),
        **more,
    )


def cmd_populate(tokens, *specs):
    cases = [Case(spec) for spec in specs]
    group = ["organizationalRole", "patRoleGroup"]
    entry(ATTIC, objectClass="organizationalUnit")
    for case in cases:
        for uid in case.uids:
            entry(person(uid), objectClass="inetOrgPerson", uid=uid, cn=uid, sn=uid)
    # One member too many, so that neither is ever empty.
    entry(
        MANY,
        objectClass=group,
        patRole="member",
        member=[person("alice")] + [p for c in cases if c.shared for p in c.people],
    )
    entry(
        MANY_GLOBEX,
        objectClass=group,
        patRole="member",
        member=[person("alice")] + [p for c in cases for p in c.people],
    )
    for case in cases:
        if not case.shared:
            entry(
                case.group,
                objectClass=["groupOfNames" if case.road == "class" else group[0], group[1]],
                patRole="member",
                member=case.people,
            )
        for uid in case.uids:
            for i in range(case.tokens or int(tokens)):
                token(uid, ACME, i)
            for i in range(REVOKED_TOKENS):
                token(uid, ACME, 90000 + i, revoked=True)
            for i in range(GLOBEX_TOKENS):
                token(uid, GLOBEX, i)


def slapcat():
    """All entries: DN -> attribute -> sorted values. Fails if slapcat does."""
    run = subprocess.run(
        [
            shutil.which("slapcat", path="/usr/sbin:/sbin:" + env("PATH")),
            *("-F", env("PAT_SANDBOX") + "/etc/slapd.d"),
            *("-n", "1", "-o", "ldif-wrap=no"),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    if run.returncode != 0 or "no data for entry" in run.stdout:
        fail(f"slapcat cannot read the database: status {run.returncode}: {run.stderr[-2000:]}")
    return parse_ldif(run.stdout)


def parse_ldif(text):
    entries = {}
    for block in text.split("\n\n"):
        attrs = {}
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            name, value = line.split(":", 1)
            if value.startswith(":"):
                value = base64.b64decode(value[1:]).decode("utf-8", "surrogateescape")
            attrs.setdefault(name, []).append(value.strip())
        if attrs:
            dn = attrs.pop("dn")[0]
            if dn in entries:
                fail(f"{dn} is there twice")
            entries[dn] = {k: sorted(v) for k, v in attrs.items() if k not in IGNORED}
    return entries


def read_snapshot(file):
    return parse_ldif(pathlib.Path(file).read_text(encoding="utf-8"))


def write_snapshot(file, entries):
    with open(file, "w", encoding="utf-8") as out:
        for dn, attrs in entries.items():
            print("dn:", dn, file=out)
            for name, values in attrs.items():
                for value in values:
                    coded = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
                    print(f"{name}:: {coded}", file=out)
            print(file=out)


def made(case, entries):
    """Is the main change of the case to be seen?"""
    if case.shared:
        return case.people[0] not in entries[MANY].get("member", [])
    if case.group not in entries:
        return True
    group = entries[case.group]
    return "member" not in group or "patRole" not in group


def without(entries, dn, attr, values):
    attrs = entries[dn] = dict(entries[dn])
    attrs[attr] = [v for v in attrs[attr] if v not in values]
    if not attrs[attr]:
        del attrs[attr]


def remove_from_model(case, entries, now):
    """Make of `entries` what it has to be after the case. Returns the events that must be."""
    reason = "owner-deleted" if case.road == "person" else "member-removed"
    orgs = [ACME]
    if case.road == "person":
        del entries[case.people[0]]
        without(entries, MANY_GLOBEX, "member", case.people)
        orgs.append(GLOBEX)
    if case.shared:
        without(entries, MANY, "member", case.people)
    elif case.road == "attribute":
        without(entries, case.group, "member", case.people)
    elif case.road == "class":
        without(entries, case.group, "objectClass", ["patRoleGroup"])
        without(entries, case.group, "patRole", ["member"])
    else:
        group = entries.pop(case.group)
        if case.road == "move":
            entries[f"cn={case.name},{ATTIC}"] = group

    events = collections.Counter()
    people = set(case.people)
    for dn in case.people:
        for org in orgs:
            events[org, "org_member.removed", dn, "", "role=member"] += 1
            if case.road == "person":
                events[org, "org_member.removed", dn, "", "reason=" + reason] += 1
    for dn, attrs in list(entries.items()):
        org = dn.split(",", 2)[-1]
        owner = attrs.get("patOwner", [""])[0]
        if owner not in people or org not in orgs or "patRevoked" in attrs:
            continue
        found = now.get(dn, {}).get("patRevoked", ["absent"])
        if not is_recent(found[0]):
            fail(f"{dn}: patRevoked is {found[0]}")
        entries[dn] = attrs | {
            "patRevoked": found,
            "patRevokedBy": [env("PAT_ADMIN_DN")],
            "patRevokedReason": [reason],
        }
        events[org, "pat.revoked", attrs["patId"][0], owner, "reason=" + reason] += 1
    return events


def is_recent(text):
    try:
        when = datetime.datetime.strptime(text + "+0000", "%Y%m%d%H%M%SZ%z")
    except ValueError:
        return False
    age = datetime.datetime.now(datetime.timezone.utc) - when
    return datetime.timedelta(seconds=-2) < age < datetime.timedelta(minutes=10)


def events_of(before, now):
    """The events that are new, one for each detail, and the entries without them."""
    events = collections.Counter()
    rest = {}
    for dn, attrs in now.items():
        if dn in before or attrs["structuralObjectClass"] != ["patEvent"]:
            rest[dn] = attrs
            continue
        rdn, container, org = dn.split(",", 2)
        if rdn != "patEventId=" + attrs["patEventId"][0] or container != "ou=audit":
            fail(f"an event at {dn}")
        if attrs["patActor"] != [env("PAT_ADMIN_DN")] or not is_recent(attrs["patEventTime"][0]):
            fail(f"{dn}: {attrs}")
        for detail in attrs["patDetail"]:
            owner = attrs.get("patTargetOwner", [""])[0]
            events[org, attrs["patAction"][0], attrs["patTarget"][0], owner, detail] += 1
    return events, rest


def check(before, now, cases):
    """For each case "in" or "out"; fails on anything that is neither."""
    outcome = []
    expected = dict(before)
    expected_events = collections.Counter()
    for case in cases:
        out = made(case, now)
        if out and not made(case, before):
            expected_events += remove_from_model(case, expected, now)
        outcome.append("out" if out else "in")
    events, rest = events_of(before, now)
    problems = [f"event missing: {e}" for e in (expected_events - events)]
    problems += [f"event too many: {e}" for e in (events - expected_events)]
    for dn in expected.keys() | rest.keys():
        want, have = expected.get(dn), rest.get(dn)
        if want != have:
            problems.append(f"{dn}: expected {want}, found {have}")
    if problems:
        specs = " ".join(f"{c.spec}={o}" for c, o in zip(cases, outcome))
        fail(f"{len(problems)} differences ({specs}):\n" + "\n".join(problems[:8]))
    return outcome


def cmd_snapshot(file):
    write_snapshot(file, slapcat())


def cmd_state(file, *specs):
    now = slapcat()
    print(*check(read_snapshot(file), now, [Case(s) for s in specs]))
    write_snapshot(file, now)


# --- an LDAP client that can be stopped anywhere --------------------------------------


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def octets(text, tag=0x04):
    return tlv(tag, text.encode())


def modify(dn, *changes):
    """Each change: 0 add, 1 delete or 2 replace; the attribute; its values."""
    seq = [
        tlv(0x30, tlv(0x0A, bytes([how])), tlv(0x30, octets(attr), tlv(0x31, *map(octets, values))))
        for how, attr, values in changes
    ]
    return tlv(0x66, octets(dn), tlv(0x30, *seq))


def delete(dn):
    return octets(dn, 0x4A)


def add(dn, **attrs):
    seq = [
        tlv(0x30, octets(a), tlv(0x31, *map(octets, [v] if isinstance(v, str) else v)))
        for a, v in attrs.items()
    ]
    return tlv(0x68, octets(dn), tlv(0x30, *seq))


def read(dn):
    """A search for one entry, without attributes."""
    limits = tlv(0x0A, b"\0"), tlv(0x0A, b"\0"), tlv(0x02, b"\0"), tlv(0x02, b"\0")
    rest = tlv(0x01, b"\0"), octets("objectClass", 0x87), tlv(0x30, octets("1.1"))
    return tlv(0x63, octets(dn), *limits, *rest)


def rename(dn, rdn, parent=None):
    superior = [] if parent is None else [octets(parent, 0x80)]
    return tlv(0x6C, octets(dn), octets(rdn), tlv(0x01, b"\xff"), *superior)


def extended(oid, value=None):
    return tlv(0x77, octets(oid, 0x80), *([] if value is None else [tlv(0x81, value)]))


def change(lines):
    """The request that a record of LDIF is; of a modify the first attribute alone."""
    pairs = [line.split(": ", 1) for line in lines if line != "-"]
    (_, dn), (_, kind), *rest = pairs
    if kind == "delete":
        return delete(dn)
    if kind == "modrdn":
        return rename(dn, rest[0][1])
    if kind == "add":
        attrs = collections.defaultdict(list)
        for name, value in rest:
            attrs[name].append(value)
        return add(dn, **attrs)
    (how, name), *values = rest
    how = ("add", "delete", "replace").index(how)
    return modify(dn, (how, name, [value for _, value in values]))


def removal(case, members):
    """The request; `members` are those of the shared group now."""
    if case.road == "value":
        return modify(MANY, (1, "member", case.people))
    if case.road == "replace":
        return modify(MANY, (2, "member", [m for m in members if m not in case.people]))
    if case.road == "attribute":
        return modify(case.group, (1, "member", []))
    if case.road == "class":
        return modify(case.group, (1, "objectClass", ["patRoleGroup"]), (1, "patRole", []))
    if case.road == "group":
        return delete(case.group)
    if case.road == "move":
        return rename(case.group, "cn=" + case.name, ATTIC)
    if case.road == "person":
        return delete(case.people[0])
    return fail("no such road: " + case.spec)


class Client:
    """One connection, bound as the administrator or as `dn`, which may be empty."""

    def __init__(self, dn=None, password=""):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60 * TIME_SCALE)
        self.sock.connect(urllib.parse.unquote(env("LDAPURI").removeprefix("ldapi://")))
        self.ident = 0
        self.data = b""
        if dn is None:
            dn = env("PAT_ADMIN_DN")
            password = pathlib.Path(env("PAT_ADMIN_PW_FILE")).read_text(encoding="ascii").strip()
        self.send(tlv(0x60, b"\x02\x01\x03", octets(dn), octets(password, 0x80)))
        answer = self.receive()
        if answer is None or answer[0] != 0:
            fail(f"bind: {answer}")

    def send(self, *operations, controls=b""):
        data = b""
        for operation in operations:
            self.ident += 1
            data += tlv(0x30, tlv(0x02, struct.pack(">I", self.ident)), operation, controls)
        self.sock.sendall(data)

    def abandon(self):
        return tlv(0x50, struct.pack(">I", self.ident + 1))

    def receive(self):
        """The code and text of the next result, None if the server has gone."""
        while (whole := element(self.data)) is None:
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.data += more
        _, body, self.data = whole
        _, _, body = element(body)
        _, result, _ = element(body)
        _, code, result = element(result)
        _, _, result = element(result)
        _, text, _ = element(result)
        return int.from_bytes(code, "big"), text.decode()

    def close(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def element(data):
    """Tag, content and rest of a BER element; None if it is not all there."""
    if len(data) < 2:
        return None
    size, at = data[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(data[2:at], "big")
    if len(data) < at + size:
        return None
    return data[0], data[at : at + size], data[at + size :]


def cmd_remove(spec):
    case = Case(spec)
    members = slapcat()[MANY]["member"] if case.road == "replace" else []
    client = Client()
    began = time.monotonic()
    client.send(removal(case, members))
    answer = client.receive()
    took = (time.monotonic() - began) * 1000
    client.close()
    print(*(("gone",) if answer is None else answer))
    print(f"{spec}: {took:.1f} ms", file=sys.stderr)


# --- kill -9 --------------------------------------------------------------------------


def slapd_pid():
    return int(pathlib.Path(env("PAT_SLAPD_PID")).read_text(encoding="ascii"))


def sandbox(command):
    script = pathlib.Path(__file__).resolve().parents[1] / "sandbox"
    subprocess.run([script, command, env("PAT_SANDBOX")], check=True)


def is_running(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def wait_for_end(pid):
    end = time.monotonic() + 10 * TIME_SCALE
    while is_running(pid):
        if time.monotonic() > end:
            fail(f"slapd ({pid}) does not end")
        time.sleep(0.001)


def restore(database):
    """Start slapd on a fresh copy of the database."""
    sandbox("slapd-stop")
    target = env("PAT_SANDBOX") + "/db"
    for file in os.listdir(target):
        os.unlink(f"{target}/{file}")
    subprocess.run(
        ["cp", "--sparse=always", f"{database}/data.mdb", f"{target}/data.mdb"], check=True
    )
    sandbox("slapd-start")


def in_transaction():
    """Did the process that has just been killed hold LMDB's lock of the one writer? The
    kernel marks the mutex of a dead owner. The lock file begins with 64 bytes of counters
    and the readers' mutex; the writer's follows."""
    with open(env("PAT_SANDBOX") + "/db/lock.mdb", "rb") as file:
        data = file.read(68)
    if data[:4] != struct.pack("=I", 0xBEEFC0DE):
        fail("lock.mdb is not as it was thought to be")
    return struct.unpack("=I", data[64:68])[0] & 0x40000000 != 0


def sleep_until(when):
    left = when - time.monotonic()
    if left > 0.001:
        time.sleep(left - 0.001)
    while time.monotonic() < when:
        pass


def do_removal(case, entries):
    """Seconds that a removal takes when nobody is killed."""
    client = Client()
    request = removal(case, entries[MANY]["member"])
    began = time.monotonic()
    client.send(request)
    answer = client.receive()
    took = time.monotonic() - began
    if answer is None or answer[0] != 0:
        fail(f"{case.spec}: {answer}")
    client.close()
    return took


def kill_during(case, entries, delay):
    """Send the request and kill slapd after `delay`. Returns whether it had answered."""
    client = Client()
    pid = slapd_pid()
    request = removal(case, entries[MANY]["member"])
    end = time.monotonic() + delay
    client.send(request)
    sleep_until(end)
    os.kill(pid, 9)
    answer = client.receive()
    if answer is not None and answer[0] != 0:
        fail(f"{case.spec}: {answer}")
    client.close()
    wait_for_end(pid)
    return answer is not None


def well_spread(landed, count):
    return landed["within"] * 4 >= count and landed["committed"] + landed["answered"] > 0


def cmd_kills(count, database, *specs):
    """Kill slapd COUNT times or more, each at a random moment of a removal, and look after each
    whether everything or nothing has happened. Whoever is still in is removed again, with
    the database as the kill left it; once all are out, it begins anew with a copy.

    Goes on, up to three times as long, until COUNT / 4 kills have landed within the
    transaction and some after it."""
    cases = [Case(spec) for spec in specs]
    # How long each takes in a slapd that has just been started.
    took = {}
    for case in cases:
        if case.road not in took:
            restore(database)
            before = slapcat()
            took[case.road] = do_removal(case, before)
            check(before, slapcat(), cases)
    print("ms unkilled:", *(f"{road} {s * 1000:.0f}" for road, s in took.items()))

    landed, roads = collections.Counter(), collections.Counter()
    left, scale, number = [], 1.2, 0
    count = int(count)
    while number < count or (number < 3 * count and not well_spread(landed, count)):
        number += 1
        if not left:
            restore(database)
            before = slapcat()
            left = list(cases)
        case = random.choice(left)
        answered = kill_during(case, before, random.uniform(0, scale) * took[case.road])
        within = in_transaction()
        now = slapcat()
        outcome = check(before, now, cases)[cases.index(case)]
        before = now
        if answered and outcome == "in":
            fail(f"kill {number}: {case.spec} was answered, and is undone")
        roads[case.road] += 1
        # The transaction is a part of the time only, where others are shown what was done;
        # and the machine may have become slower or faster.
        if outcome == "out":
            left.remove(case)
            scale = max(scale / 1.2, 0.02)
        else:
            scale = min(scale * 1.2, 8)
        if outcome == "in":
            landed["within" if within else "before"] += 1
        else:
            landed["answered" if answered else "committed"] += 1
        if left:
            sandbox("slapd-start")
    print(
        f"{number} kills: {landed['before']} before the transaction, {landed['within']} within"
        f" it, {landed['committed']} after the commit and before the answer,"
        f" {landed['answered']} after the answer"
    )
    print("roads:", *(f"{road} {n}" for road, n in sorted(roads.items())))
    if not well_spread(landed, count):
        fail("the kills did not land where they should")


# --- clients that hang up -------------------------------------------------------------


def hang_up(client, number):
    """In one of several ways, or abandon what was asked last."""
    how = ("close", "reset", "abandon", "unbind")[number % 4]
    if how == "abandon":
        client.send(tlv(0x50, struct.pack(">I", client.ident)))
    elif how == "unbind":
        client.send(b"\x42\x00")
    client.close(reset=how == "reset")


def cmd_hangups(file, blocking, *specs):
    """Ask for each removal and hang up. Nobody is to be half removed, and the next client
    is served. BLOCKING, cases with many tokens, are not hung up on: the last 10 cases for
    each of them are asked for while slapd is busy with it, and given up before it comes to
    them: what slapd does then, it does for an operation that is marked as abandoned."""
    blockers = [Case(spec) for spec in blocking.split(",")]
    cases = [Case(spec) for spec in specs]
    before = read_snapshot(file)
    members = before[MANY]["member"]
    free = len(cases) - 10 * len(blockers)
    for number, case in enumerate(cases[:free]):
        client = Client()
        client.send(removal(case, members))
        time.sleep(random.choice((0, random.uniform(0, 0.003))))
        hang_up(client, number)
    for i, blocker in enumerate(blockers):
        waiting = cases[free + 10 * i :][:10]
        clients = [Client() for _ in waiting]
        busy = Client()
        busy.send(removal(blocker, members))
        time.sleep(0.005)
        for case, client in zip(waiting, clients):
            client.send(removal(case, members))
        time.sleep(0.005)
        for number, client in enumerate(clients):
            hang_up(client, number)
        answer = busy.receive()
        if answer is None or answer[0] != 0:
            fail(f"{blocker.spec}: {answer}")
        busy.close()
    # Whoever writes now waits for all that is still being done.
    client = Client()
    for values in (["x"], []):
        client.send(modify(BASE, (2, "description", values)))
        answer = client.receive()
        if answer is None or answer[0] != 0:
            fail(f"after the hang-ups: {answer}")
    client.close()
    now = slapcat()
    # But for what had not been begun.
    while True:
        time.sleep(0.5)
        earlier, now = now, slapcat()
        if earlier == now:
            break
    outcome = check(before, now, cases + blockers)
    print(f"{free} hung up: {outcome[:free].count('out')} out")
    given_up = outcome[free : len(cases)]
    print(f"{len(given_up)} given up while they waited: {given_up.count('out')} out")
    write_snapshot(file, now)


def unread(client):
    return struct.unpack("i", fcntl.ioctl(client.sock, termios.FIONREAD, b"\0" * 4))[0]


def slapd_at_rest():
    atrest = [env("PAT_BUILD") + "/tests/atrest", "/proc", str(slapd_pid())]
    return subprocess.run(atrest, check=False).returncode == 0


def arrives(client, before):
    """Returns whether an answer comes before slapd has nothing left to do."""
    for _ in range(10):
        if unread(client) != before:
            return True
        time.sleep(0.0005)
    end = time.monotonic() + 20 * TIME_SCALE
    while unread(client) == before:
        if slapd_at_rest():
            return unread(client) != before
        if time.monotonic() > end:
            fail("slapd neither answers nor comes to rest")
    return True


def fill(client, count):
    """Ask COUNT times for what is not there, and leave the answers unread. Returns how many
    there was room for."""
    for number in range(count):
        before = unread(client)
        client.send(read("cn=nothing," + BASE))
        if not arrives(client, before):
            return number
    return count


def cmd_deaf(group, member, file):
    """Remove the member from the group by a client that does not read, and that has no room
    left for the answer. Prints "deaf" when slapd has been waiting for a while; reads all
    when FILE is there, and fails if the result is not among it."""
    client = Client()
    room = fill(client, 100000)
    client.close()
    client = Client()
    if fill(client, room) != room:
        fail("there was less room the second time")
    before = unread(client)
    client.send(modify(group, (1, "member", [member])))
    if arrives(client, before):
        fail("there was room for the answer")
    print("deaf", flush=True)
    while not os.path.exists(file):
        time.sleep(0.05)
    for _ in range(room):
        answer = client.receive()
        if answer is None or answer[0] != 32:
            fail(f"an answer to a search: {answer}")
    answer = client.receive()
    if answer is None or answer[0] != 0:
        fail(f"the answer: {answer}")
    client.close()


def cmd_mints(count, owner, container):
    client = Client()
    post_read = tlv(0x30, octets("1.3.6.1.1.13.2"), tlv(0x04, tlv(0x30, octets("patSecret"))))
    names = [f"patId=at-once-{i},{container}" for i in range(int(count))]
    requests = [add(name, objectClass="patToken", patOwner=owner) for name in names]
    client.send(*requests, controls=tlv(0xA0, post_read))
    answers = b""
    while answers.count(b"rhp_") < len(names) and (more := client.sock.recv(65536)):
        answers += more
    tokens = re.findall(rb"rhp_[0-9A-Za-z]{38}", answers)
    if len(set(tokens)) != len(names):
        fail(f"{len(set(tokens))} tokens, not {len(names)}")
    print(*(token.decode() for token in tokens), sep="\n")


TXN_START, TXN_SPEC, TXN_END = (f"1.3.6.1.1.21.{n}" for n in (1, 2, 3))


def cmd_hostile(how, count, dn="", password=""):
    """Sends transactions that crash a slapd which accepts them, one after another, each on its own
    connection: HOW is commit (with a request that fails), abort, drop (the connection), or
    bare (nothing but requests of a transaction that has not begun). Nothing waits for the
    answers to the requests. Prints the distinct answers to the first request; fails if slapd
    has gone."""
    spec = tlv(0xA0, tlv(0x30, octets(TXN_SPEC), tlv(0x01, b"\xff"), octets("")))
    verdict = [tlv(0x01, b"\0")] if how == "abort" else []
    answers = set()
    for _ in range(int(count)):
        client = Client(dn, password)
        if how != "bare":
            client.send(extended(TXN_START))
            answers.add(client.receive())
        client.send(
            modify(person("bob"), (2, "description", ["x"])),
            modify("cn=nowhere," + BASE, (2, "description", ["x"])),
            controls=spec,
        )
        if how in ("commit", "abort"):
            client.send(extended(TXN_END, tlv(0x30, *verdict, octets(""))))
            if None in [client.receive() for _ in range(3)]:
                fail("slapd has gone")
        elif how == "bare":
            answers |= {client.receive(), client.receive()}
        if None in answers:
            fail("slapd has gone")
        client.close(reset=how == "drop")
    print(*sorted(f"{code} {text}" for code, text in answers), sep="\n")


def cmd_transaction():
    """Gives slapd time after each request, unlike ldapmodify: a slapd that accepts
    transactions frees requests of one that fails at once, and goes on using them."""
    client = Client()

    def ask(operation, controls=b""):
        client.send(operation, controls=controls)
        answer = client.receive()
        if answer is None:
            fail("slapd has gone")
        time.sleep(0.1)
        return answer

    # Of this slapd the one transaction of a connection has no name.
    spec = tlv(0xA0, tlv(0x30, octets(TXN_SPEC), tlv(0x01, b"\xff"), octets("")))
    answer = ask(extended(TXN_START))
    for record in sys.stdin.read().strip().split("\n\n"):
        if answer[0] == 0:
            answer = ask(change(record.splitlines()), spec)
    if answer[0] == 0:
        answer = ask(extended(TXN_END, tlv(0x30, octets(""))))
    client.close()
    print(*answer)
    sys.exit(answer[0])


# --- LMDB, memory, valgrind -----------------------------------------------------------


def cmd_map():
    """From the newer of the two meta pages."""
    page = 4096
    with open(env("PAT_SANDBOX") + "/db/data.mdb", "rb") as file:
        metas = [file.read(page) for _ in range(2)]
    if any(m[16:20] != struct.pack("=I", 0xBEEFC0DE) for m in metas):
        fail("data.mdb is not as it was thought to be")
    last, number = max((struct.unpack("=QQ", m[136:152]) for m in metas), key=lambda m: m[1])
    print((last + 1) * page, number)


def cmd_memory(pid, control):
    """Look for each of four pieces of the token: what frees memory may overwrite its
    beginning. CONTROL must be found, or the search finds nothing at all."""
    secret = sys.stdin.readline().strip().encode()
    if len(secret) != 42:
        fail("no token on standard input")
    pieces = {secret[i : i + 9]: i for i in (6, 15, 24, 33)}
    controls, found = 0, []
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, perms = line.split()[:2]
            low, high = (int(x, 16) for x in span.split("-"))
            if "r" not in perms or "[v" in line or "/db/data.mdb" in line:
                continue
            mem.seek(low)
            try:
                data = mem.read(high - low)
            except OSError:
                continue
            controls += data.count(control.encode())
            for piece, offset in pieces.items():
                at = -1
                while (at := data.find(piece, at + 1)) >= 0:
                    found.append((low + at - offset, offset, line.split()[-1], data, at - offset))
    if not controls:
        fail(f"the search finds nothing at all, not even {control}")
    places = {}
    for address, offset, name, data, at in found:
        place = places.setdefault(address, [name, data, at, []])
        place[3].append(offset)
    for address, (name, data, at, offsets) in sorted(places.items()):
        around = data[max(0, at - 96) : at + len(secret) + 64]
        for piece in pieces:
            around = around.replace(piece, b"?" * len(piece))
        print(f"{address:#x} in {name}: characters {offsets}: {around!r}")
    print(f"{len(places)} places with a piece of the token, {controls} with the control")
    if places:
        sys.exit(1)


def cmd_valgrind(file, module):
    """Fails if MODULE is in a stack of an error or of a block that is lost. Prints what it
    found of each kind, with MODULE and in all."""
    total, ours = collections.Counter(), collections.Counter()
    bad = False
    for error in etree.parse(file).getroot().iter("error"):
        kind = error.findtext("kind")
        total[kind] += 1
        if not any(obj.text.endswith("/" + module) for obj in error.iter("obj")):
            continue
        ours[kind] += 1
        if kind != "Leak_StillReachable":
            bad = True
            if kind == "Leak_IndirectlyLost":
                continue
            frames = [f.findtext("fn") for f in error.iter("frame")]
            print(error.findtext("what") or error.findtext("xwhat/text"))
            print("   ", " < ".join(fn for fn in frames if fn is not None))
    for kind, number in sorted(total.items()):
        print(f"{kind}: {number}, with {module}: {ours[kind]}")
    if bad:
        sys.exit(1)


def main():
    if len(sys.argv) < 2 or "cmd_" + sys.argv[1] not in globals():
        sys.exit(__doc__)
    globals()["cmd_" + sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-2-Clause
"""Does the time that a refusal takes tell which one it is?

usage: attack_timing.py SOCKET FILE ROUNDS

FILE has a line "NAME TOKEN USER ORG" for each kind of refusal. They are measured in rounds,
each of which has every kind once, in an order of chance: whatever else the machine does
meets all alike. Two kinds differ if the test of Mann and Whitney says that chance does not
make such a difference in a million times, and the medians or the tenths are more than a
twentieth apart: less is lost in the noise of any attacker's way to the socket. The tenth, below
which a tenth of the times lies, has the requests that waited for no other program: on a busy
machine the median shows how long programs wait.

That this finds what there is to find is tested along: the first kind takes part a second
time, a quarter slower, and by 50 us at least; that must be told apart.
"""

import gc
import math
import random
import statistics
import sys
import time

from attack_client import ORG, SERVICE, request
from patd_client import STATUS_OK, STATUS_UNAVAIL, USER, connect, read_answer

CHANCE = 1e-6
EFFECT = 0.05
PLANTED = "planted"
PLANTED_NS = 50_000
PLANTED_SHARE = 0.25
WARM_UP = 300
ROUNDS_MORE = 8


def measure(s, data, delay_ns):
    began = time.perf_counter_ns()
    s.sendall(data)
    status = read_answer(s)
    if delay_ns > 0:
        until = time.perf_counter_ns() + delay_ns
        while time.perf_counter_ns() < until:
            pass
    took = time.perf_counter_ns() - began
    assert status not in (None, STATUS_OK, STATUS_UNAVAIL), status
    return took


def mann_whitney(a, b):
    """The probability that chance alone makes two samples differ so, by the normal law."""
    ranked = sorted([(x, 0) for x in a] + [(x, 1) for x in b])
    n, m, ranks, ties, i = len(a), len(b), 0.0, 0.0, 0
    while i < len(ranked):
        j = i
        while j < len(ranked) and ranked[j][0] == ranked[i][0]:
            j += 1
        for k in range(i, j):
            if ranked[k][1] == 0:
                ranks += (i + j + 1) / 2
        ties += (j - i) ** 3 - (j - i)
        i = j
    both = n + m
    variance = n * m / 12 * (both + 1 - ties / (both * (both - 1)))
    z = (ranks - n * (n + 1) / 2 - n * m / 2) / math.sqrt(variance)
    return math.erfc(abs(z) / math.sqrt(2))


def tenth(times):
    return sorted(times)[len(times) // 10]


def differ(times, one, other):
    p = mann_whitney(times[one], times[other])
    found, said = False, []
    for name, at in ("median", statistics.median), ("tenth", tenth):
        first, second = at(times[one]), at(times[other])
        effect = abs(first - second) / min(first, second)
        found = found or (p < CHANCE and effect > EFFECT)
        said.append(f"{name} {first / 1000:.1f} and {second / 1000:.1f} us: {effect:.2%} apart")
    print(f"{one}, {other}: {', '.join(said)}, p = {p:.2g}{', DIFFERENT' if found else ''}")
    return found


def main(path, file, rounds):
    requests = {}
    with open(file, encoding="ascii") as lines:
        for line in lines:
            name, token, user, org = line.split()
            requests[name] = request(token.encode(), {
                USER: user.encode(), SERVICE: b"timing", ORG: org.encode()})
    kinds = list(requests)
    times = {kind: [] for kind in [*kinds, PLANTED]}
    gc.disable()
    with connect(path) as s:
        warm = [measure(s, requests[random.choice(kinds)], 0) for _ in range(WARM_UP)]
        delay = max(PLANTED_NS, int(statistics.median(warm) * PLANTED_SHARE))
        requests[PLANTED] = requests[kinds[0]]
        order = list(times)
        for n in range(int(rounds) * ROUNDS_MORE):
            if n % int(rounds) == 0 and n > 0 and differ(times, kinds[0], PLANTED):
                break
            random.shuffle(order)
            for kind in order:
                times[kind].append(measure(s, requests[kind], delay if kind == PLANTED else 0))
    found = [differ(times, one, other)
             for i, one in enumerate(kinds) for other in kinds[i + 1 :]]
    assert differ(times, kinds[0], PLANTED), "a difference that was made is not seen"
    assert not any(found), "the time tells which refusal it is"


if __name__ == "__main__":
    main(*sys.argv[1:])

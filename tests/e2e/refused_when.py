# SPDX-License-Identifier: BSD-2-Clause
"""When patds refuse a token that they accept at first.

usage: refused_when.py TOKEN-FILE USER READY SOCKET...

Asks each patd again and again. READY is made once all of them have accepted the token.
Prints a line for each: the milliseconds since the epoch when the first refusal came, or
"never" where there was none within 30 s, times PAT_TIME_SCALE, or "no answer" where something else was answered.
"""

import sys
import threading
import time

import patd_client

token_file, user, ready, *sockets = sys.argv[1:]
with open(token_file, "rb") as f:
    token = f.read().strip()
accepted = threading.Barrier(len(sockets), action=lambda: open(ready, "w").close())
result = ["no answer"] * len(sockets)


def watch(i):
    waits = True
    end = time.monotonic() + 30 * patd_client.TIME_SCALE
    with patd_client.connect(sockets[i]) as s:
        while time.monotonic() < end:
            s.sendall(patd_client.request(token, user.encode()))
            status = patd_client.read_answer(s)
            if status == patd_client.STATUS_OK:
                if waits:
                    accepted.wait()
                    waits = False
            elif not waits:
                if status != patd_client.STATUS_UNAVAIL:
                    result[i] = f"{time.time() * 1000:.0f}"
                return
            time.sleep(0.002)
    result[i] = "never"


threads = [threading.Thread(target=watch, args=(i,)) for i in range(len(sockets))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*result, sep="\n")

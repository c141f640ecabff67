# SPDX-License-Identifier: BSD-2-Clause
"""Clients of patd that ask again and again, and note each answer.

usage: steady_load.py SOCKET CLIENTS PAUSE-MS LOG STATUS [TOKEN-FILE [USER]]

Each of CLIENTS asks whether the token is USER's, waits PAUSE-MS, and asks again, until it
gets SIGTERM. LOG gets a line for each: when it began and how long it took, in milliseconds,
and the answer's status, or "none" where there was no answer within 30 s. STATUS is made
once the first answer is there.
"""

import os
import signal
import sys
import threading
import time

import patd_client

path, clients, pause, log_name, first_answer, token_file = sys.argv[1:7]
user = (sys.argv[7] if len(sys.argv) > 7 else "bob").encode()
with open(token_file, "rb") as f:
    token = f.read().strip()
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
lock = threading.Lock()
log = open(log_name, "w", buffering=1)


def client():
    while not stop.is_set():
        began = time.time()
        try:
            with patd_client.connect(path) as s:
                s.settimeout(30 * patd_client.TIME_SCALE)
                s.sendall(patd_client.request(token, user))
                status = patd_client.read_answer(s)
        except OSError:
            status = None
        took = time.time() - began
        with lock:
            log.write(f"{began * 1000:.0f} {took * 1000:.0f} {'none' if status is None else status}\n")
            if not os.path.exists(first_answer):
                open(first_answer, "w").close()
        stop.wait(int(pause) / 1000)


threads = [threading.Thread(target=client) for _ in range(int(clients))]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    for thread in threads:
        thread.join(0.1)

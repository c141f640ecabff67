# SPDX-License-Identifier: BSD-2-Clause
"""One question to patd. usage: ask.py SOCKET TOKEN-FILE USER; prints the answer's status,
or "none" where there was none in 30 s, times PAT_TIME_SCALE."""

import sys

import patd_client

path, token_file, user = sys.argv[1:4]
with open(token_file, "rb") as f:
    token = f.read().strip()
try:
    with patd_client.connect(path) as s:
        s.settimeout(30 * patd_client.TIME_SCALE)
        s.sendall(patd_client.request(token, user.encode()))
        status = patd_client.read_answer(s)
except OSError:
    status = None
print("none" if status is None else status)

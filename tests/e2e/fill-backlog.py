# SPDX-License-Identifier: BSD-2-Clause
"""Connect to a unix socket until its backlog is full; say so by making a file, and wait."""

import resource
import signal
import socket
import sys

resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
held = []
try:
    while len(held) < 8000:
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        s.connect(sys.argv[1])
        held.append(s)
except BlockingIOError:
    open(sys.argv[2], "w").close()
signal.pause()

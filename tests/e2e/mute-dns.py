# SPDX-License-Identifier: BSD-2-Clause
"""A name server that hears every question and answers none; makes a file when it listens."""

import signal
import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
open(sys.argv[1], "w").close()
signal.pause()

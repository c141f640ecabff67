# SPDX-License-Identifier: BSD-2-Clause
"""Forward TCP connections from one address to another, port for port.

usage: forward.py NEAR FAR PORT READY [BYTES]

With BYTES the server is heard for so many bytes of each connection, and is silent then; after
them the file READY.silent is there.
"""

import socket
import sys
import threading

near_host, far_host, port, ready = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]


limit = int(sys.argv[5]) if len(sys.argv) > 5 else None


def pump(source, sink, left=None):
    while data := source.recv(65536):
        sink.sendall(data if left is None else data[:left])
        if left is not None:
            left = max(0, left - len(data))
            if left == 0:
                open(ready + ".silent", "w").close()
    sink.shutdown(socket.SHUT_WR)


listener = socket.create_server((near_host, port))
open(ready, "w").close()
while True:
    near, _ = listener.accept()
    far = socket.create_connection((far_host, port))
    threading.Thread(target=pump, args=(near, far), daemon=True).start()
    threading.Thread(target=pump, args=(far, near, limit), daemon=True).start()

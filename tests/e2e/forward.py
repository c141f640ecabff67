# SPDX-License-Identifier: BSD-2-Clause
"""Forward TCP connections from one loopback address to another, port for port."""

import socket
import sys
import threading

near_host, far_host, port, ready = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]


def pump(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


listener = socket.create_server((near_host, port))
open(ready, "w").close()
while True:
    near, _ = listener.accept()
    far = socket.create_connection((far_host, port))
    threading.Thread(target=pump, args=(near, far), daemon=True).start()
    threading.Thread(target=pump, args=(far, near), daemon=True).start()

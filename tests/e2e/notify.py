# SPDX-License-Identifier: BSD-2-Clause
"""Run a command as systemd would a service of Type=notify with one listening socket.

usage: notify.py SOCKET NOTIFY-LOG COMMAND [ARG...]

Binds SOCKET, passes it as descriptor 3, and writes what the command says to
$NOTIFY_SOCKET to NOTIFY-LOG, until it ends.
"""

import os
import signal
import socket
import sys
import threading

path, log, command = sys.argv[1], sys.argv[2], sys.argv[3:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
os.chmod(path, 0o666)
listener.listen(128)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path + ".notify")
os.chmod(path + ".notify", 0o666)

pid = os.fork()
if pid == 0:
    fd = os.dup(listener.fileno())
    os.dup2(fd, 3)
    os.set_inheritable(3, True)
    os.environ.update(
        LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=path + ".notify"
    )
    os.execv(command[0], command)


def record():
    with open(log, "w") as f:
        while True:
            f.write(notify.recv(4096).decode() + "\n")
            f.flush()


# Only this thread takes signals: in the other one they would not end our wait.
signals = {signal.SIGTERM, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
threading.Thread(target=record, daemon=True).start()
for number in signals:
    signal.signal(number, lambda number, _: os.kill(pid, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
_, status = os.waitpid(pid, 0)
threading.Event().wait(0.2)
sys.exit(os.waitstatus_to_exitcode(status))

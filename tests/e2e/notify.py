# SPDX-License-Identifier: BSD-2-Clause
"""Run a command as systemd would a service of Type=notify with listening sockets.

usage: notify.py SOCKET[,NAME=SOCKET]... NOTIFY-LOG COMMAND [ARG...]

Binds each SOCKET, passes them as descriptors 3 and up, with their names if any has one
(FileDescriptorName=), and writes what the command says to $NOTIFY_SOCKET to NOTIFY-LOG,
until it ends.
"""

import fcntl
import os
import signal
import socket
import sys
import threading

sockets, log, command = sys.argv[1].split(","), sys.argv[2], sys.argv[3:]
listeners, names = [], []
for text in sockets:
    name, path = text.split("=") if "=" in text else ("patd.socket", text)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(128)
    listeners.append(listener)
    names.append(name)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path + ".notify")
os.chmod(path + ".notify", 0o666)

pid = os.fork()
if pid == 0:
    copies = [fcntl.fcntl(l, fcntl.F_DUPFD, 100) for l in listeners]
    for i, fd in enumerate(copies):
        os.dup2(fd, 3 + i)
        os.close(fd)
    os.environ.update(
        LISTEN_FDS=str(len(listeners)),
        LISTEN_PID=str(os.getpid()),
        NOTIFY_SOCKET=path + ".notify",
    )
    if "=" in sys.argv[1]:
        os.environ["LISTEN_FDNAMES"] = ":".join(names)
    os.execv(command[0], command)


def record():
    with open(log, "w") as f:
        while text := notify.recv(4096).decode():
            f.write(text + "\n")
            f.flush()


# Only this thread takes signals: in the other one they would not end our wait.
signals = {signal.SIGTERM, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
recorder = threading.Thread(target=record, daemon=True)
recorder.start()
for number in signals:
    signal.signal(number, lambda number, _: os.kill(pid, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
_, status = os.waitpid(pid, 0)
# Behind all that it said: then that is recorded.
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"", path + ".notify")
recorder.join()
sys.exit(os.waitstatus_to_exitcode(status))

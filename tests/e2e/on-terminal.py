#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run a command on a terminal of its own: on-terminal.py COLUMNS ANSWER COMMAND..."""
import fcntl, os, pty, select, struct, sys, termios

columns, answer, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execvp(command[0], command)
seen, typed = b"", answer == ""
while True:
    if not typed and (b"[y/N]" in seen or b"assword: " in seen):
        os.write(fd, answer.encode() + b"\n")
        typed = True
    if not select.select([fd], [], [], 60)[0]:
        sys.exit("on-terminal: nothing came for a minute")
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

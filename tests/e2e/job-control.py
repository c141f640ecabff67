#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stop a command while it asks for a password: job-control.py CASE PASSWORD COMMAND...

A small shell with job control on a terminal of its own. CASE is what happens:
  suspend     Ctrl-Z in the middle of the password, then fg
  stop        SIGSTOP before it; the shell turns the echo on; then fg
  background  started in the background, then fg
  interrupt   Ctrl-C there

Says where the echo is wrong. Prints what the terminal showed; ends with the command's
status, 128 and the signal's number for a signal.
"""
import os, pty, select, signal, sys, termios, time

LIMIT = 60 * int(os.environ.get("PAT_TIME_SCALE", "1"))
case, password, command = sys.argv[1], sys.argv[2].encode(), sys.argv[3:]
seen = told = b""


def shell(orders, reports):
    """Runs the command as a job of its own, reports its stops, and obeys "fg"."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    terminal = os.open("/dev/tty", os.O_RDWR)
    usual = termios.tcgetattr(terminal)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        if case != "background":
            os.tcsetpgrp(terminal, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(command[0], command)
    try:
        os.setpgid(job, job)
    except OSError:
        pass
    os.write(reports, b"job %d\n" % job)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        os.tcsetpgrp(terminal, os.getpgrp())
        if not os.WIFSTOPPED(status):
            break
        if case == "stop":
            termios.tcsetattr(terminal, termios.TCSADRAIN, usual)
        os.write(reports, b"stopped\n")
        os.read(orders, 1)
        os.tcsetpgrp(terminal, job)
        os.kill(-job, signal.SIGCONT)
    code = os.waitstatus_to_exitcode(status)
    os.write(reports, b"ended %d\n" % (code if code >= 0 else 128 - code))
    os._exit(0)


def fail(text):
    sys.exit("job-control: %s; seen: %r" % (text, seen))


def wait(what, condition):
    """Collects what terminal and shell say until the condition holds."""
    global seen, told
    until = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > until or b"ended" in told:
            fail("no " + what)
        for fd in select.select([master, reports_in], [], [], 0.05)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:  # nobody has the terminal any more
                time.sleep(0.05)
                continue
            if fd == master:
                seen += data
            else:
                told += data


def report(word):
    """Waits for a report of the shell, and returns its last word."""
    global told
    wait("report %r" % word, lambda: word in told and told.endswith(b"\n"))
    line = next(x for x in told.split(b"\n") if x.startswith(word))
    told = b""
    return line.split()[-1]


def echoes():
    return bool(termios.tcgetattr(master)[3] & termios.ECHO)


def questions():
    return seen.count(b"assword: ") + seen.count(b"Token: ")


def asked(times):
    wait("question %d with the echo off" % times, lambda: questions() >= times and not echoes())


orders_out_in = os.pipe()
reports_in, reports_out = os.pipe()
pid, master = pty.fork()
if pid == 0:
    shell(orders_out_in[0], reports_out)
job = int(report(b"job"))
if case != "background":
    asked(1)
    # A terminal handles what is typed a moment later: SIGSTOP could come first, and the shell
    # would show it.
    if case != "stop":
        os.write(master, password[:4])
    if case == "suspend":
        os.write(master, b"\x1a")
    elif case == "interrupt":
        os.write(master, b"\x03")
    else:
        os.kill(job, signal.SIGSTOP)
if case != "interrupt":
    report(b"stopped")
    if not echoes():
        fail("the echo is off while the command is stopped")
    count = questions()
    os.write(orders_out_in[1], b"f")
    asked(count + 1)
    os.write(master, password + b"\n")
code = int(report(b"ended"))
if not echoes():
    fail("the echo is off at the end")
if password[:4] in seen:
    fail("the password was shown")
sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(code)

# SPDX-License-Identifier: BSD-2-Clause
"""A cable that is long and bad: delays packets, and loses some of them.

usage: slow_link.py NEAR FAR SETTINGS READY

Makes two network devices; what is sent into one comes out of the other. SETTINGS is a file
with the milliseconds that a packet takes one way, and how many of a hundred are lost; it is
read again at SIGHUP. READY is made when the devices are there. This does what the kernel's
netem does, which not every kernel has.
"""

import fcntl
import heapq
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000

near, far, settings, ready = sys.argv[1:]
delay = loss = 0.0


def read_settings(*_):
    global delay, loss
    with open(settings) as f:
        delay, loss = (float(word) for word in f.read().split())
    delay, loss = delay / 1000, loss / 100


def tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


ends = [tap(near), tap(far)]
signal.signal(signal.SIGHUP, read_settings)
read_settings()
chance = random.Random(7)
on_the_way = []  # (when it arrives, a number to keep the order, where, the packet)
number = 0
open(ready, "w").close()
while True:
    wait = max(0, on_the_way[0][0] - time.monotonic()) if on_the_way else None
    readable, _, _ = select.select(ends, [], [], wait)
    for fd in readable:
        try:
            packet = os.read(fd, 65536)
        except OSError:  # the device is down
            continue
        if chance.random() >= loss:
            number += 1
            other = ends[1] if fd == ends[0] else ends[0]
            heapq.heappush(on_the_way, (time.monotonic() + delay, number, other, packet))
    while on_the_way and on_the_way[0][0] <= time.monotonic():
        _, _, fd, packet = heapq.heappop(on_the_way)
        try:
            os.write(fd, packet)
        except OSError:
            pass

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""memcached_client.py PORT - talk to a memcached on 127.0.0.1 in its binary protocol

Each line of standard input is a command, and each answer is printed behind its name: the
status, 0 for success, and a value where there is one.

  MECHS                         which mechanisms there are
  PLAIN AUTHZID AUTHID SECRET   "-" is the empty name
  SET KEY VALUE
  GET KEY
  AGAIN                         another connection
"""

import socket
import struct
import sys

GET, SET, MECHS, AUTH = 0x00, 0x01, 0x20, 0x21
HEADER = ">BBHBBHIIQ"


def connect(port):
    return socket.create_connection(("127.0.0.1", port), 15).makefile("rwb")


def ask(server, opcode, key=b"", extras=b"", value=b""):
    body = extras + key + value
    request = (0x80, opcode, len(key), len(extras), 0, 0, len(body), 0, 0)
    try:
        server.write(struct.pack(HEADER, *request) + body)
        server.flush()
        header = server.read(24)
    except ConnectionError:
        header = b""
    if len(header) < 24:
        return "closed"
    fields = struct.unpack(HEADER, header)
    body = server.read(fields[6])
    return f"{fields[5]} {body[fields[3] + fields[2]:].decode()}".rstrip()


def run(server, name, words):
    if name == "MECHS":
        return ask(server, MECHS)
    if name == "PLAIN":
        words[0] = "" if words[0] == "-" else words[0]
        return ask(server, AUTH, b"PLAIN", value="\0".join(words).encode())
    if name == "SET":
        return ask(server, SET, words[0].encode(), bytes(8), words[1].encode())
    if name == "GET":
        return ask(server, GET, words[0].encode())
    raise ValueError(name)


def main(port):
    server = connect(port)
    for line in sys.stdin:
        name, *words = line.split()
        if name == "AGAIN":
            server = connect(port)
        else:
            print(name, run(server, name, words))


main(int(sys.argv[1]))

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""smtp_client.py [-s ADDRESS] PORT - talk to an SMTP server on 127.0.0.1

Each line of standard input is a command, and each answer is printed behind its first word:

  PLAIN AUTHZID AUTHID SECRET      with an initial response; "-" is the empty name
  PLAIN-LATER AUTHZID AUTHID SECRET    without
  LOGIN USER SECRET                the server asks for either
  LOGIN-NAME USER SECRET           with the name as an initial response
  OAUTHBEARER USER SECRET          "-" as a name is none
  XOAUTH2 USER SECRET
  RAW MECHANISM [HEX]              the bytes as an initial response
  MESSAGE                          DATA, and a short mail
  AGAIN                            another connection
  anything else                    as it is

A challenge is printed, too, decoded and in quotes; what was sent is not. -s is the
client's own address.
"""

import base64
import socket
import sys


class Client:
    def __init__(self, port, source):
        self.address = ("127.0.0.1", port)
        self.source = (source, 0)
        self.socket = None

    def connect(self):
        self.quit()
        self.socket = socket.create_connection(self.address, 15, self.source)
        self.file = self.socket.makefile("rb")
        self.answer()
        self.send("EHLO client.example.com")
        return self.answer()

    def quit(self):
        if self.socket:
            self.send("QUIT")
            self.answer()
            self.socket.close()

    def send(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def answer(self):
        """All lines of an answer, as text."""
        lines = []
        while True:
            line = self.file.readline().decode().rstrip("\r\n")
            if not line:
                return "the server has closed the connection"
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def auth(self, name, mechanism, initial, responses):
        """initial is None where the client waits for the server to ask."""
        line = "AUTH " + mechanism
        if initial is not None:
            line += " " + (encoded(initial) or "=")
        self.send(line)
        responses = list(responses)
        while True:
            answer = self.answer()
            if not answer.startswith("334"):
                print(name, answer)
                return
            challenge = base64.b64decode(answer[4:]).decode()
            print(name, 334, '"' + challenge + '"')
            self.send(encoded(responses.pop(0) if responses else b"\x01"))


def encoded(data):
    return base64.b64encode(data).decode()


def plain(authzid, authid, secret):
    return "\0".join((given(authzid), authid, secret)).encode()


def given(name):
    return "" if name == "-" else name


def oauthbearer(user, secret):
    header = "n,a=" + user if given(user) else "n,"
    return f"{header},\1host=127.0.0.1\1port=25\1auth=Bearer {secret}\1\1".encode()


def xoauth2(user, secret):
    return f"user={given(user)}\1auth=Bearer {secret}\1\1".encode()


def run(client, words, line):
    name = words[0]
    if name == "PLAIN":
        client.auth(name, "PLAIN", plain(*words[1:]), [])
    elif name == "PLAIN-LATER":
        client.auth(name, "PLAIN", None, [plain(*words[1:])])
    elif name == "LOGIN":
        client.auth(name, "LOGIN", None, [word.encode() for word in words[1:]])
    elif name == "LOGIN-NAME":
        client.auth(name, "LOGIN", words[1].encode(), [words[2].encode()])
    elif name == "OAUTHBEARER":
        client.auth(name, name, oauthbearer(*words[1:]), [])
    elif name == "XOAUTH2":
        client.auth(name, name, xoauth2(*words[1:]), [])
    elif name == "RAW":
        client.auth(name, words[1], bytes.fromhex("".join(words[2:])), [])
    elif name == "AGAIN":
        client.connect()
    elif name == "MESSAGE":
        client.send("DATA")
        if client.answer().startswith("354"):
            client.send("Subject: a test\r\n\r\nNothing.\r\n.")
            print(name, client.answer())
    else:
        client.send(line)
        print(name, client.answer())


def words(line):
    """Split at ASCII white space only: a password may have a no-break space in it."""
    return [word.decode() for word in line.encode().split()]


def main(args):
    source = "127.0.0.1"
    if args[0] == "-s":
        source = args[1]
        args = args[2:]
    client = Client(int(args[0]), source)
    client.connect()
    for line in sys.stdin:
        run(client, words(line), line.rstrip("\n"))
    client.quit()


main(sys.argv[1:])

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""imap_client.py PORT COMMAND USER - log in as curl does not

The first line of standard input is the secret. COMMAND is LOGIN, or XOAUTH2 for
AUTHENTICATE. Prints OK or what the server says.
"""

import imaplib
import sys


def main(port, command, user):
    secret = sys.stdin.readline().rstrip("\n")
    server = imaplib.IMAP4("127.0.0.1", port, 15)
    try:
        if command == "LOGIN":
            server.login(user, secret)
        else:
            message = f"user={user}\1auth=Bearer {secret}\1\1".encode()
            answers = iter((message, b""))
            server.authenticate(command, lambda challenge: next(answers))
        print("OK")
    except imaplib.IMAP4.error as error:
        print(error)


main(int(sys.argv[1]), *sys.argv[2:])

#!/usr/bin/env python3
"""A classic child for tests, written only from the tables of the wire; a master starts it by 'exec'. Answers
every client with one line that has its own id and the master's message about the client. Its behaviour is
selected by FOREIGN_CHILD, words separated by commas:

  max=N      announces that it takes N clients (default 1000)
  hold       keeps clients until they disconnect, instead of closing
  dying=N    sends DYING with the Nth client, and ends when it is idle
  bad        sends BAD_CFG and ends
  late-bad   sends BAD_CFG after its first client, and ends
  silent     never sends DONE
  mute       never sends anything, not even MAX"""

import array
import json
import os
import select
import socket
import struct
import sys

DONE, KEEPALIVE, MAY_DIE, DYING, BAD_CFG, MAX, ACCEPT = range(7)
EXIT_CONFIG = 78

options = dict(word.partition("=")[::2] for word in os.environ.get("FOREIGN_CHILD", "").split(",") if word)
wire = socket.socket(fileno=os.dup(0))
held = {}
state = {"mayDie": False, "accepted": 0}


def say(kind, count=0):
    wire.send(struct.pack("<Ii", kind, count))


def accept(message, fd):
    kind, tls, aaa, flags, realm, _, protocol = struct.unpack("<IIII16s4sI", message)
    client = socket.socket(fileno=fd)
    state["accepted"] += 1
    about = {
        "pid": os.getpid(),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "argv": sys.argv[1:],
        "tls": tls,
        "aaa": aaa,
        "flags": flags,
        "realm": realm.rstrip(b"\0").decode(),
        "protocol": protocol,
        "size": len(message),
    }
    client.setblocking(True)
    try:
        client.sendall(json.dumps(about).encode() + b"\n")
    except OSError:
        pass
    if int(options.get("dying", 0)) == state["accepted"]:
        say(DYING)
        state["mayDie"] = True
    if "hold" in options:
        held[client.fileno()] = client
    else:
        over(client)


def over(client):
    held.pop(client.fileno(), None)
    client.close()
    if "silent" not in options:
        say(DONE, 1)
    if "late-bad" in options:
        say(BAD_CFG)
        sys.exit(EXIT_CONFIG)


def receive():
    message, ancillary, _, _ = wire.recvmsg(4096, socket.CMSG_SPACE(4))
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:4])
    kind = struct.unpack("<I", message[:4])[0]
    if kind == ACCEPT:
        assert len(message) == 40 and len(fds) == 1, (len(message), len(fds))
        accept(message, fds[0])
    elif kind == MAY_DIE:
        state["mayDie"] = True


def main():
    if "bad" in options:
        say(BAD_CFG)
        sys.exit(EXIT_CONFIG)
    if "mute" not in options:
        say(MAX, int(options.get("max", 1000)))
    while not (state["mayDie"] and not held):
        readable, _, _ = select.select([wire, *held.values()], [], [], 1)
        for sock in readable:
            if sock is wire:
                receive()
            elif not sock.recv(65536):
                over(sock)
        if not readable:
            try:
                if "mute" not in options:
                    say(KEEPALIVE)
            except OSError:
                break


main()

#!/usr/bin/env python3
"""A classic child for datagrams, written only from the table of UDPDATA; a master starts it by 'exec'. Answers
each datagram on its socket with one JSON object that describes the message, closes the socket and sends DONE. Its
behaviour is selected by DATAGRAM_CHILD, words separated by commas:

  max=N      announces that it takes N clients (default 1000)
  hold       keeps the socket of a client and answers datagrams on it, until one is "bye", or until MAY_DIE"""

import array
import fcntl
import hashlib
import json
import os
import select
import socket
import struct

DONE, KEEPALIVE, MAY_DIE, DYING, BAD_CFG, MAX, ACCEPT, UDPDATA = range(8)
HEADER = struct.Struct("<IIII16sh6x")

options = dict(word.partition("=")[::2] for word in os.environ.get("DATAGRAM_CHILD", "").split(",") if word)
wire = socket.socket(fileno=os.dup(0))
held = {}
state = {"mayDie": False}


def say(kind, count=0):
    wire.send(struct.pack("<Ii", kind, count))


def about(data):
    return {
        "pid": os.getpid(),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "start": data[:32].decode("latin-1"),
    }


def answer(client, words):
    client.send(json.dumps(words).encode())


def udpdata(message, fd):
    kind, tls, aaa, flags, realm, length = HEADER.unpack_from(message)
    data = message[HEADER.size:]
    assert length == len(data), (length, len(data))
    client = socket.socket(fileno=fd)
    answer(client, {
        **about(data),
        "via": "wire",
        "header": message[:HEADER.size].hex(),
        "tls": tls,
        "aaa": aaa,
        "flags": flags,
        "realm": realm.rstrip(b"\0").decode(),
        "family": client.family,
        "type": client.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE),
        "protocol": client.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL),
        "tos": client.getsockopt(socket.IPPROTO_IP, socket.IP_TOS),
        "isBlocking": not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK,
        "local": client.getsockname()[:2],
        "peer": client.getpeername()[:2],
    })
    if "hold" in options:
        held[fd] = client
    else:
        over(client)


def over(client):
    held.pop(client.fileno(), None)
    client.close()
    say(DONE, 1)


def direct(client):
    try:
        data = client.recv(65536)
        answer(client, {**about(data), "via": "socket"})
    except ConnectionRefusedError:
        data = b"bye"
    if data == b"bye":
        over(client)


def receive():
    message, ancillary, flags, _ = wire.recvmsg(65536, socket.CMSG_SPACE(8 * 4))
    assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC), flags
    fds = array.array("i")
    for level, kind, data in ancillary:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        fds.frombytes(data)
    kind = struct.unpack("<I", message[:4])[0]
    if kind == MAY_DIE:
        state["mayDie"] = True
        return
    assert len(fds) == 1, fds
    if kind == UDPDATA:
        udpdata(message, fds[0])
    else:
        assert kind == ACCEPT and len(message) == 40, (kind, len(message))
        client = socket.socket(fileno=fds[0])
        client.setblocking(True)
        answer(client, {"via": "connection"})
        over(client)


def main():
    say(MAX, int(options.get("max", 1000)))
    # Clients of UDP have no end that could be waited for.
    while not state["mayDie"]:
        readable, _, _ = select.select([wire, *held.values()], [], [], 1)
        for sock in readable:
            if sock is wire:
                receive()
            else:
                direct(sock)
        if not readable:
            try:
                say(KEEPALIVE)
            except OSError:
                break


main()

"""Plain sockets for tests: executes commands, one JSON object a line, each in a thread of its own, and answers in
JSON lines. It shows what Node's sockets hide: how a connection ended, urgent data, buffer sizes."""

import errno
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time

PATIENCE_S = 60
# Connects with data in the SYN (tcp(7)).
MSG_FASTOPEN = 0x20000000
# Its period divides no buffer size, so lost, doubled or moved bytes change the checksum.
PATTERN = memoryview(os.urandom(4_000_037))

handles = {}
answering = threading.Lock()
state = {"last": 0}


def keep(sock):
    sock.settimeout(PATIENCE_S)
    with answering:
        state["last"] += 1
        handles[state["last"]] = sock
        return state["last"]


def buffers(sock, c):
    if c.get("receiveBytes"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, c["receiveBytes"])
    if c.get("sendBytes"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, c["sendBytes"])


def name_of(error):
    if isinstance(error, TimeoutError):
        return "nothing happens"
    return errno.errorcode.get(error.errno, str(error))


def family_of(c):
    return socket.AF_INET6 if ":" in c.get("host", "") else socket.AF_INET


def listen(c):
    sock = socket.socket(family_of(c), socket.SOCK_STREAM, c.get("protocol", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    buffers(sock, c)
    if c.get("fastOpen"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, c["fastOpen"])
    sock.bind((c.get("host", "127.0.0.1"), c.get("port", 0)))
    sock.listen(c.get("backlog", 4096))
    return {"handle": keep(sock), "port": sock.getsockname()[1]}


def accept(c):
    sock, peer = handles[c["handle"]].accept()
    return {"handle": keep(sock), "host": peer[0], "port": peer[1]}


def connect(c):
    sock = socket.socket(family_of(c), socket.SOCK_STREAM, c.get("protocol", 0))
    buffers(sock, c)
    sock.settimeout(PATIENCE_S)
    place = (c.get("host", "127.0.0.1"), c["port"])
    if "first" in c:
        sock.setblocking(True)
        sock.sendto(c["first"].encode("latin1"), MSG_FASTOPEN, place)
        sock.settimeout(PATIENCE_S)
    else:
        sock.connect(place)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return {"handle": keep(sock)}


def start_connect(c):
    """Begins to connect and does not wait."""
    sock = socket.socket(family_of(c), socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.connect_ex((c.get("host", "127.0.0.1"), c["port"]))
    return {"handle": keep(sock)}


def send(c):
    handles[c["handle"]].sendall(c["text"].encode("latin1"))
    return {}


def send_urgent(c):
    handles[c["handle"]].send(c["text"].encode("latin1"), socket.MSG_OOB)
    return {}


def send_much(c):
    """Sends that many bytes, or as many as possible before the connection breaks."""
    sock, sent, digest, ending = handles[c["handle"]], 0, hashlib.sha256(), "sent"
    while sent < c["bytes"]:
        at = sent % len(PATTERN)
        block = PATTERN[at : at + min(1 << 18, c["bytes"] - sent)]
        try:
            count = sock.send(block)
        except OSError as error:
            ending = name_of(error)
            break
        digest.update(block[:count])
        sent += count
    return {"bytes": sent, "sha256": digest.hexdigest(), "ending": ending}


def fill(c):
    """Sends until the peer takes no more."""
    sock, total = handles[c["handle"]], 0
    sock.settimeout(c.get("quietSeconds", 0.5))
    try:
        while True:
            total += sock.send(PATTERN)
    except TimeoutError:
        pass
    sock.settimeout(PATIENCE_S)
    return {"bytes": total}


def read(c):
    sock, data = handles[c["handle"]], b""
    while len(data) < c["bytes"]:
        try:
            got = sock.recv(c["bytes"] - len(data))
        except OSError as error:
            return {"text": data.decode("latin1"), "ending": name_of(error)}
        if not got:
            return {"text": data.decode("latin1"), "ending": "end"}
        data += got
    return {"text": data.decode("latin1"), "ending": "open"}


def read_to_end(c):
    """Reads to the end, or that many bytes."""
    sock, total, digest, ending = handles[c["handle"]], 0, hashlib.sha256(), "open"
    chunk, pause = c.get("chunkBytes", 1 << 20), c.get("pauseMs", 0) / 1000
    tail = b""
    while total < c.get("bytes", sys.maxsize):
        try:
            got = sock.recv(min(chunk, c.get("bytes", sys.maxsize) - total))
        except OSError as error:
            ending = name_of(error)
            break
        if not got:
            ending = "end"
            break
        total += len(got)
        digest.update(got)
        tail = (tail + got)[-64:]
        if pause:
            time.sleep(pause)
    return {"bytes": total, "sha256": digest.hexdigest(), "ending": ending, "tail": tail.decode("latin1")}


def end_writing(c):
    handles[c["handle"]].shutdown(socket.SHUT_WR)
    return {}


def listen_datagrams(c):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(c["path"])
    return {"handle": keep(sock)}


def read_datagram(c):
    return {"text": handles[c["handle"]].recv(65536).decode()}


def close(c):
    handles[c["handle"]].close()
    return {}


def reset(c):
    sock = handles[c["handle"]]
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return {}


def answer_all(c):
    """Serves that many connections of a listener: each gets the text, then its end: reset or close."""
    listener = handles[c["handle"]]
    for _ in range(c["count"]):
        sock, _ = listener.accept()
        if c["text"]:
            sock.sendall(c["text"].encode("latin1"))
        if c["isReset"]:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    return {}


COMMANDS = {
    f.__name__: f
    for f in (listen, accept, connect, start_connect, send, send_urgent, send_much, fill, read, read_to_end)
    + (end_writing, close, reset, answer_all, listen_datagrams, read_datagram)
}


def obey(command):
    try:
        answer = COMMANDS[command["do"]](command)
    except Exception as error:
        answer = {"error": name_of(error) if isinstance(error, OSError) else repr(error)}
    with answering:
        print(json.dumps({"id": command["id"], **answer}), flush=True)


for line in sys.stdin:
    threading.Thread(target=obey, args=(json.loads(line),), daemon=True).start()

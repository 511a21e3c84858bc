"""SCTP and TCP sockets for tests: executes commands, one JSON object a line, each in a thread of its own, and answers
in JSON lines. It is written from the kernel's headers only, so that it shares no bug with the program."""

import errno
import hashlib
import json
import os
import socket
import struct
import sys
import threading

PATIENCE_S = 20
SCTP = socket.IPPROTO_SCTP
INITMSG, NODELAY, STATUS, RECVRCVINFO, BINDX_ADD, CONNECTX = 2, 3, 14, 32, 100, 110
SNDINFO, RCVINFO = 2, 3
UNORDERED = 1
MESSAGE_BYTES_MAX = 1 << 20
PATTERN = os.urandom(1_000_003) * 2

handles = {}
answering = threading.Lock()
state = {"last": 0}


def keep(sock):
    sock.settimeout(PATIENCE_S)
    with answering:
        state["last"] += 1
        handles[state["last"]] = sock
        return state["last"]


def make(c):
    if c.get("tcp"):
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP)
    sock.setsockopt(SCTP, NODELAY, 1)
    sock.setsockopt(SCTP, RECVRCVINFO, 1)
    if c.get("streams"):
        sock.setsockopt(SCTP, INITMSG, struct.pack("=HHHH", c["streams"], c["streams"], 0, 0))
    if c.get("buffer"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, c["buffer"])
    return sock


def packed(hosts, port):
    return b"".join(
        struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8) for host in hosts
    )


def listen(c):
    sock = make(c)
    first, *further = c.get("hosts", ["127.0.0.1"])
    sock.bind((first, c.get("port", 0)))
    port = sock.getsockname()[1]
    if further:
        sock.setsockopt(SCTP, BINDX_ADD, packed(further, port))
    sock.listen(1024)
    return {"handle": keep(sock), "port": port}


def accept(c):
    sock, _ = handles[c["handle"]].accept()
    return {"handle": keep(sock)}


def connect(c):
    sock = make(c)
    sock.settimeout(PATIENCE_S)
    hosts = c.get("hosts", ["127.0.0.1"])
    if len(hosts) > 1:
        sock.setsockopt(SCTP, CONNECTX, packed(hosts, c["port"]))
    else:
        sock.connect((hosts[0], c["port"]))
    return {"handle": keep(sock), "port": sock.getsockname()[1]}


def bytes_of(c):
    if "text" in c:
        return c["text"].encode()
    seed = c.get("seed", 0)
    return PATTERN[seed : seed + c["bytes"]]


def send_message(sock, data, stream, ppid, unordered):
    info = struct.pack("=HHIII", stream, UNORDERED if unordered else 0, socket.htonl(ppid), 0, 0)
    sent = sock.sendmsg([data], [(SCTP, SNDINFO, info)])
    assert sent == len(data), (sent, len(data))


def send(c):
    sock, data = handles[c["handle"]], bytes_of(c)
    if sock.proto == SCTP:
        send_message(sock, data, c.get("stream", 0), c.get("ppid", 0), c.get("unordered", False))
    else:
        sock.sendall(data)
    return {"sha256": hashlib.sha256(data).hexdigest()}


def info_of(ancillary):
    for level, kind, data in ancillary:
        if level == SCTP and kind == RCVINFO:
            stream, _, flags, ppid = struct.unpack_from("=HHHxxI", data)
            return {"stream": stream, "ppid": socket.ntohl(ppid), "unordered": bool(flags & UNORDERED)}
    return {}


def receive_message(sock):
    """One whole message, reassembled if the kernel delivers it in parts."""
    data, info = b"", {}
    while True:
        part, ancillary, flags, _ = sock.recvmsg(MESSAGE_BYTES_MAX, 256)
        if not part:
            return None
        data += part
        info = info_of(ancillary)
        if flags & socket.MSG_EOR:
            return data, info


def receive(c):
    """The next message: its properties, and its text if it is short."""
    found = receive_message(handles[c["handle"]])
    if found is None:
        return {"ended": True}
    data, info = found
    text = data.decode("latin1") if len(data) <= 100 else ""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "text": text, **info}


def read(c):
    """That many bytes, in any pieces, or up to the end."""
    sock, wanted, total, digest, text = handles[c["handle"]], c["bytes"], 0, hashlib.sha256(), b""
    while total < wanted:
        part = sock.recv(min(1 << 18, wanted - total))
        if not part:
            return {"ended": True, "bytes": total, "sha256": digest.hexdigest()}
        digest.update(part)
        total += len(part)
        text = (text + part)[:100]
    return {"bytes": total, "sha256": digest.hexdigest(), "text": text.decode("latin1")}


def ending(c):
    """How the connection ends, after any other bytes."""
    try:
        while handles[c["handle"]].recv(1 << 18):
            pass
        return {"how": "end"}
    except OSError as error:
        return {"how": name_of(error)}


def fill(c):
    """Sends messages until the peer takes no more; returns how many bytes that were."""
    sock, size, total, digest = handles[c["handle"]], c["size"], 0, hashlib.sha256()
    sock.settimeout(c["quiet"])
    try:
        while True:
            data = PATTERN[total % 1000 : total % 1000 + size]
            send_message(sock, data, 0, 0, False) if sock.proto == SCTP else sock.sendall(data)
            total += size
            digest.update(data)
    except (TimeoutError, BlockingIOError):
        pass
    sock.settimeout(PATIENCE_S)
    return {"bytes": total, "sha256": digest.hexdigest()}


def shutdown(c):
    handles[c["handle"]].shutdown(socket.SHUT_WR)
    return {}


def close(c):
    handles.pop(c["handle"]).close()
    return {}


def abort(c):
    sock = handles.pop(c["handle"])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return {}


def streams(c):
    status = handles[c["handle"]].getsockopt(SCTP, STATUS, 256)
    return dict(zip(("in", "out"), struct.unpack_from("=HH", status, 16)))


def echo_one(sock):
    with sock:
        sock.settimeout(PATIENCE_S)
        while True:
            if sock.proto != SCTP:
                data = sock.recv(1 << 16)
                if not data:
                    return
                sock.sendall(data)
                continue
            found = receive_message(sock)
            if found is None:
                return
            data, info = found
            send_message(sock, data, info["stream"], info["ppid"], info["unordered"])


def quietly(work, *given):
    try:
        work(*given)
    except OSError:
        pass


def serve_echo(listener):
    listener.settimeout(None)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=quietly, args=(echo_one, sock), daemon=True).start()


def echo(c):
    """Echoes to all clients of a listener, for ever."""
    threading.Thread(target=quietly, args=(serve_echo, handles[c["handle"]]), daemon=True).start()
    return {}


def crowd(c):
    """That many concurrent clients, each with an exchange of its own; returns how many got their own text."""
    socks = []
    for _ in range(c["count"]):
        sock = make(c)
        sock.settimeout(PATIENCE_S)
        sock.connect(("127.0.0.1", c["port"]))
        socks.append(sock)
    for number, sock in enumerate(socks):
        sock.sendall(b"client %d" % number)
    good = sum(sock.recv(100) == b"client %d" % number for number, sock in enumerate(socks))
    for sock in socks:
        sock.close()
    return {"good": good}


def name_of(error):
    if isinstance(error, TimeoutError):
        return "nothing happens"
    return errno.errorcode.get(error.errno, str(error))


COMMANDS = {
    "abort": abort,
    "accept": accept,
    "close": close,
    "connect": connect,
    "crowd": crowd,
    "echo": echo,
    "ending": ending,
    "fill": fill,
    "listen": listen,
    "read": read,
    "receive": receive,
    "send": send,
    "shutdown": shutdown,
    "streams": streams,
}


def obey(c):
    try:
        answer = COMMANDS[c["do"]](c)
    except OSError as error:
        answer = {"error": name_of(error)}
    except Exception as error:
        answer = {"error": repr(error)}
    with answering:
        print(json.dumps({"id": c["id"], **answer}), flush=True)


for line in sys.stdin:
    threading.Thread(target=obey, args=(json.loads(line),), daemon=True).start()

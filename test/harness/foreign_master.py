"""A classic master for tests, written only from the tables of the wire. Runs one child, COMMAND of the command line,
with the wire on its descriptor 0: a blocking datagram socket. Reads commands, one JSON object a line, and answers
in JSON lines.

  {"do": "clients", "count": 3}   connects that many clients and hands them over; answers their echoes
  {"do": "hold"}                  the same with one client that stays; "unix": true makes it a Unix socket;
                                  "versions" and "flags" go into the message; "tls": "TLSv1_2" or "TLSv1_3" is
                                  what the client speaks, true: any; "sctp": true makes it a client of SCTP
  {"do": "port"}                  the port that other clients can connect to
  {"do": "take"}                  hands over the next of those; "versions" and "flags" as above
  {"do": "say", "text": "x"}      sends from that client, answers the reply; with SCTP on "stream"
  {"do": "release"}               closes that client
  {"do": "heard"}                 every message of the child so far, as [type, count]
  {"do": "send", "type": 2}       a small message; "hex": any bytes
  {"do": "close"}                 closes the master's end
  {"do": "wait"}                  waits for the child's end, answers its exit code"""

import array
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading

PATIENCE_S = 30
ACCEPT = 6
TCP = 6
SCTP = 132
SCTP_SNDINFO = 2

near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM, 0)
child = subprocess.Popen(sys.argv[1:], stdin=far.fileno(), stdout=subprocess.DEVNULL)
far.close()

heard = []
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listening.bind(("127.0.0.1", 0))
listening.listen(4096)
folder = os.environ["FOREIGN_FOLDER"]
unix_listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
unix_listening.bind(os.path.join(folder, "listening"))
unix_listening.listen(16)
state = {"held": None}


def listen_to_child():
    while True:
        try:
            message = near.recv(4096)
        except OSError:
            return
        if len(message) != 8:
            heard.append(["odd length", len(message)])
            continue
        kind, count = struct.unpack("<Ii", message)
        heard.append([kind, count])


def accept_message(realm=b"", versions=0, flags=0, protocol=TCP):
    """40 bytes; the 4 at offset 32 are undefined, as stack memory is."""
    return struct.pack("<IIII16s4sI", ACCEPT, versions, 0, flags, realm, os.urandom(4), protocol)


def hand_over(sock, **more):
    rights = array.array("i", [sock.fileno()])
    sent = near.sendmsg([accept_message(b"a realm", **more)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    assert sent == 40, sent
    sock.close()


def listening_for_sctp():
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP)
    sock.bind(("127.0.0.1", 0))
    sock.listen(16)
    return sock


def connect(is_unix=False, is_sctp=False, **more):
    listener = listening_for_sctp() if is_sctp else unix_listening if is_unix else listening
    if is_sctp:
        more["protocol"] = SCTP
    client = socket.socket(listener.family, socket.SOCK_STREAM, SCTP if is_sctp else 0)
    client.settimeout(PATIENCE_S)
    client.connect(listener.getsockname())
    accepted, _ = listener.accept()
    accepted.setblocking(True)
    hand_over(accepted, **more)
    return client


def exchange(client, text, stream=None):
    if stream is None:
        client.sendall(text.encode())
    else:
        client.sendmsg([text.encode()], [(SCTP, SCTP_SNDINFO, struct.pack("=HHIII", stream, 0, 0, 0, 0))])
    got = b""
    while len(got) < len(text):
        chunk = client.recv(65536)
        if not chunk:
            return got.decode() + " and then the end"
        got += chunk
    return got.decode()


def clients(c):
    """In groups, so that many are open at once within the descriptor limit."""
    answers = {}
    left = c["count"]
    while left > 0:
        group = [connect() for _ in range(min(left, 100))]
        left -= len(group)
        for number, client in enumerate(group):
            text = "client %d" % number
            answer = "right" if exchange(client, text) == text else "wrong"
            answers[answer] = answers.get(answer, 0) + 1
            client.close()
    return {"answers": answers}


def hold(c):
    more = {"versions": c.get("versions", 0), "flags": c.get("flags", 0)}
    client = connect(c.get("unix", False), c.get("sctp", False), **more)
    state["held"] = client
    if c.get("tls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if c["tls"] is not True:
            context.minimum_version = context.maximum_version = ssl.TLSVersion[c["tls"]]
        state["held"] = context.wrap_socket(client)
    return {}


def port(c):
    return {"port": listening.getsockname()[1]}


def take(c):
    listening.settimeout(PATIENCE_S)
    accepted, _ = listening.accept()
    accepted.setblocking(True)
    hand_over(accepted, versions=c.get("versions", 0), flags=c.get("flags", 0))
    return {}


def say(c):
    return {"text": exchange(state["held"], c["text"], c.get("stream"))}


def release(c):
    state["held"].close()
    return {}


def heard_so_far(c):
    return {"heard": heard}


def send(c):
    message = bytes.fromhex(c["hex"]) if "hex" in c else struct.pack("<Ii", c["type"], 0)
    near.send(message)
    return {}


def close(c):
    near.shutdown(socket.SHUT_RDWR)
    near.close()
    return {}


def wait(c):
    return {"code": child.wait(PATIENCE_S)}


COMMANDS = {
    "clients": clients,
    "hold": hold,
    "port": port,
    "take": take,
    "say": say,
    "release": release,
    "heard": heard_so_far,
    "send": send,
    "close": close,
    "wait": wait,
}


def main():
    threading.Thread(target=listen_to_child, daemon=True).start()
    print(json.dumps({"pid": child.pid}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = COMMANDS[command["do"]](command)
        except Exception as error:
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        print(json.dumps(answer), flush=True)
    if child.poll() is None:
        child.kill()
        child.wait()


main()

#!/usr/bin/env python3
"""A MAVIS helper whose answers come from a file. Written from the description of the protocol.

policy.py POLICY [ASKED]: each line of POLICY is `USER RESULT [COMMENT]`; each query appends a line `USER SERIAL IPADDR
REALM VHOST` to ASKED. RESULT: ACK, NAK, NFD, ERR, DOWN; `slow N RESULT`: the result after N seconds; `member GROUP`: ACK
with TACMEMBER; `deaf`: ACK, then ignores everything but SIGKILL; `die`; `hang`; `wait`: rereads the file until the rule
changes; `shout N,N,… RESULT`: writes that many bytes to standard error, each number in a chunk of its own, then answers;
`mumble TEXT RESULT`: writes TEXT to standard error. Users that are not in the file get DOWN.
"""
import array
import fcntl
import os
import signal
import sys
import termios
import time

TYPE, USER, RESULT, IPADDR, COMMENT, SERIAL, REALM, VHOST, TACMEMBER = 0, 4, 6, 14, 17, 21, 27, 30, 47
FINAL, DOWN = 0, 16


def questions(source):
    values = {}
    for line in source:
        text = line.decode().rstrip("\n")
        if text == "=":
            yield values
            values = {}
        else:
            number, value = text.split(" ", 1)
            values[int(number)] = value


def policy(user):
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            name, _, rest = line.strip().partition(" ")
            if name == user:
                return rest.split(" ")
    return ["DOWN"]


def shout(data):
    """Writes to standard error and returns when it was read, so that the next write is a separate chunk."""
    os.write(2, data)
    unread = array.array("i", [1])
    while unread[0] > 0:
        fcntl.ioctl(2, termios.FIONREAD, unread)
        time.sleep(0.001)


def note(values):
    if len(sys.argv) < 3:
        return
    words = [values.get(number, "-") for number in (USER, SERIAL, IPADDR, REALM, VHOST)]
    with open(sys.argv[2], "a", encoding="utf-8") as asked:
        asked.write(" ".join(words) + "\n")


def main():
    deaf = False
    for values in questions(sys.stdin.buffer):
        note(values)
        words = policy(values.get(USER, ""))
        if words[0] == "slow":
            time.sleep(float(words[1]))
            words = words[2:]
        while words[0] == "wait":
            time.sleep(0.02)
            words = policy(values.get(USER, ""))
        if words[0] == "shout":
            for count in words[1].split(","):
                shout(b"x" * int(count))
            shout(b"\n")
            words = words[2:]
        if words[0] == "mumble":
            shout(words[1].encode())
            words = words[2:]
        if words[0] == "die":
            os._exit(1)
        while words[0] == "hang":
            time.sleep(1000)
        code = FINAL
        if words[0] == "DOWN":
            code = DOWN
        elif words[0] == "deaf":
            deaf = True
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            values[RESULT] = "ACK"
        elif words[0] == "member":
            values[RESULT] = "ACK"
            values[TACMEMBER] = '"%s"' % words[1]
        else:
            values[RESULT] = words[0]
            if len(words) > 1:
                values[COMMENT] = " ".join(words[1:])
        lines = ["%d %s\n" % (number, values[number]) for number in sorted(values)]
        sys.stdout.write("".join(lines) + "=%d\n" % code)
        sys.stdout.flush()
    while deaf:
        time.sleep(1000)


main()

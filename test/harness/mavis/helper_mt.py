"""A helper of module external-mt, written from the description of its protocol. The first argument selects its behaviour."""

import os
import struct
import sys
import threading
import time

behaviour, *rest = sys.argv[1:]
MAGIC = 0x4D610001
writing = threading.Lock()


def take(count):
    data = sys.stdin.buffer.read(count)
    if len(data) < count:
        sys.exit(0)
    return data


def question():
    magic, length, _ = struct.unpack(">III", take(12))
    if magic != MAGIC:
        sys.exit(f"magic {magic:x}")
    lines = take(length).decode("latin-1").splitlines()
    return {int(number): value for number, value in (line.split(" ", 1) for line in lines)}


def frame(values, result="ACK", code=0, magic=MAGIC, length=None):
    values = {**values, 6: result}
    body = "".join(f"{number} {value}\n" for number, value in sorted(values.items())).encode("latin-1")
    return struct.pack(">III", magic, len(body) if length is None else length, code) + body


def say(data):
    with writing:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def first_time():
    """True on the first call for the file named by the second argument."""
    try:
        os.close(os.open(rest[0], os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


held = []
holding = threading.Lock()


def hold(data):
    """Collects this many answers and sends them in reverse order."""
    with holding:
        held.append(data)
        if len(held) == int(rest[0]):
            for other in reversed(held):
                say(other)
            held.clear()


def work(values):
    if behaviour == "backwards":
        hold(frame(values))
    elif behaviour == "dies in the middle once":
        if first_time():
            say(frame(values)[:20])
            os._exit(1)
        say(frame(values))
    elif behaviour == "wrong magic":
        say(frame(values, magic=0x4D610002))
    elif behaviour == "wrong length":
        say(frame(values, length=0x7FFFFFFF))
    elif behaviour == "text in chunks":
        for _ in range(100):
            say(b"Traceback (most recent call last):\n" * 100)
            time.sleep(0.001)
    elif behaviour == "missing serial":
        del values[21]
        say(frame(values))
    elif behaviour == "hangs on joe":
        if values[4] == "joe":
            time.sleep(1000)
        say(frame(values))
    elif behaviour == "hangs":
        time.sleep(1000)
    elif behaviour == "twice":
        say(frame(values) * 2)
    elif behaviour == "small writes":
        for byte in frame(values):
            say(bytes([byte]))
    elif behaviour == "not found":
        say(frame(values, "NFD", 16))
    else:
        say(frame(values))


if behaviour == "dies at once":
    sys.exit(3)
if behaviour == "reads nothing":
    time.sleep(1000)

while True:
    asked = question()
    if behaviour in ("in order", "backwards"):
        work(asked)
    else:
        threading.Thread(target=work, args=(asked,), daemon=True).start()

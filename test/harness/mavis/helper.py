"""A helper of module external, written from the description of its protocol. The first argument selects its behaviour."""

import os
import random
import signal
import sys
import time

behaviour, *rest = sys.argv[1:]


def say(text):
    sys.stdout.buffer.write(text.encode("latin-1"))
    sys.stdout.buffer.flush()


def question():
    """The attributes of the next query; None at the end of input."""
    values = {}
    for line in sys.stdin.buffer:
        text = line.decode("latin-1").rstrip("\n")
        if text == "=":
            return values
        number, value = text.split(" ", 1)
        values[int(number)] = value
    return None


def answer(values, result, code=0):
    if result is not None:
        values[6] = result
    lines = [f"{number} {value}\n" for number, value in sorted(values.items())]
    return "".join(lines) + f"={code}\n"


def first_time():
    """True on the first call for the file named by the second argument."""
    try:
        os.close(os.open(rest[0], os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


if behaviour == "dies at once":
    sys.exit(3)
if behaviour == "says hello":
    say("hello\n")
if behaviour == "reads nothing":
    time.sleep(1000)

while True:
    values = question()
    if values is None:
        if behaviour == "ends late":
            time.sleep(1000)
        break
    if behaviour == "answers slowly":
        time.sleep(float(rest[0]))
        say(answer(values, "ACK"))
    elif behaviour == "dies in the middle":
        say(answer(values, "ACK")[:20])
        sys.exit(1)
    elif behaviour == "dies in the middle once":
        if first_time():
            say(answer(values, "ACK")[:20])
            sys.exit(1)
        say(answer(values, "ACK"))
    elif behaviour == "hangs":
        time.sleep(1000)
    elif behaviour == "ignores SIGTERM":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say(answer(values, "ACK"))
        while True:
            time.sleep(1000)
    elif behaviour == "hangs once":
        if first_time():
            time.sleep(1000)
        say(answer(values, "ACK"))
    elif behaviour == "wrong serial":
        values[21] = "somebody else's"
        say(answer(values, "ACK"))
    elif behaviour == "wrong serial once":
        if first_time():
            values[21] = "somebody else's"
        say(answer(values, "ACK"))
    elif behaviour == "missing serial":
        del values[21]
        say(answer(values, "ACK"))
    elif behaviour == "garbage":
        say("what is that?\n=0\n")
    elif behaviour == "too long":
        say("17 " + "x" * 100_000 + "\n")
    elif behaviour == "NAK":
        values[32] = "go\raway"
        say(answer(values, "NAK"))
    elif behaviour == "not found":
        say(answer(values, "NFD"))
    elif behaviour == "down":
        say(answer(values, None, 16))
    elif behaviour == "odd code":
        say(answer(values, "ACK", "-7"))
    elif behaviour == "noise":
        # Valid answers, parts of them, and parts of others.
        chance = random.Random(f"{rest[0]} {values[21]}")
        parts = [answer(values, "ACK")] * chance.randint(0, 1)
        parts += [chance.choice(["=0\n", "4 ", "\n", "21 x\n", "\0", "=", "6 NAK\n", "x" * 9_000]) for _ in range(3)]
        say("".join(parts[: chance.randint(1, len(parts))]))
        if chance.random() < 0.3:
            sys.exit(0)
    elif behaviour == "stderr":
        with open("/dev/stderr", "w") as errors:
            errors.write(f"asked of {values[4]}\n")
        say(answer(values, "ACK"))
    elif behaviour == "small writes":
        for byte in answer(values, "ACK"):
            say(byte)
    elif behaviour == "twice":
        say(answer(values, "ACK") * 2)
    elif behaviour == "closes stdout":
        os.close(1)
        time.sleep(1000)
    elif behaviour == "environment":
        values[17] = "|".join(f"{name}={os.environ[name]}" for name in sorted(os.environ))
        values[19] = os.getcwd()
        values[9], values[10] = str(os.getuid()), str(os.getgid())
        values[26] = "|".join(sys.argv[2:])
        say(answer(values, "ACK"))
    else:
        say(answer(values, "ACK"))

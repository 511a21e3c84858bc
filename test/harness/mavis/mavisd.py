"""A mavisd, written from the description of its protocol: answers queries in datagrams.

mavisd.py [--quiet] [--key KEY] [--always BEHAVIOUR] udp ADDRESS PORT
mavisd.py [--quiet] [--key KEY] [--always BEHAVIOUR] unix PATH

Prints "listening PORT" when it serves, and "asked USER" for each datagram unless --quiet. The first word of USER, up to a
dash, or --always selects its behaviour. SIGUSR1: answers the queries that it holds back.
"""
import signal
import socket
import sys

USER, RESULT, COMMENT, SERIAL = 4, 6, 17, 21


def pi_words(count):
    """The fraction of pi in 32-bit words, by Euler's 20 atan(1/7) + 8 atan(3/79)."""
    bits = count * 32 + 64

    def arc_tangent(numerator, denominator):
        power = (numerator << bits) // denominator
        total, divisor = power, 1
        while power:
            power = -power * numerator * numerator // (denominator * denominator)
            divisor += 2
            total += power // divisor
            if abs(power) <= 1:
                break
        return total

    fraction = (20 * arc_tangent(1, 7) + 8 * arc_tangent(3, 79)) - (3 << bits)
    return [fraction >> (bits - 32 * (i + 1)) & 0xFFFFFFFF for i in range(count)]


class Cipher:
    """Blowfish with tables cut as in mavisd: 18 bytes of the key words, 256 bytes of each box."""

    def __init__(self, key):
        words = pi_words(18 + 1024)
        self.p = words[:4] + [words[4] & 0xFFFF] + [0] * 13
        self.s = [words[18 + 256 * i:18 + 256 * i + 64] + [0] * 192 for i in range(4)]
        repeated = (key[:72] * 72)[:72]
        for i in range(18):
            self.p[i] ^= int.from_bytes(repeated[4 * i:4 * i + 4], "big")
        left = right = 0
        for table in [self.p, *self.s]:
            for i in range(0, len(table), 2):
                left, right = self.block(left, right, self.p)
                table[i:i + 2] = left, right

    def block(self, left, right, keys):
        a, b, c, d = self.s
        for key in keys[:16]:
            left ^= key
            mixed = ((a[left >> 24] + b[left >> 16 & 255] & 0xFFFFFFFF) ^ c[left >> 8 & 255]) + d[left & 255]
            left, right = right ^ mixed & 0xFFFFFFFF, left
        return right ^ keys[17], left ^ keys[16]

    def run(self, data, keys):
        out = b""
        for i in range(0, len(data) // 8 * 8, 8):
            left, right = int.from_bytes(data[i:i + 4], "big"), int.from_bytes(data[i + 4:i + 8], "big")
            left, right = self.block(left, right, keys)
            out += left.to_bytes(4, "big") + right.to_bytes(4, "big")
        return out

    def encrypt(self, text):
        """The text and a NUL in whole blocks. A rest of four bytes or more is followed by four more bytes."""
        data = text + b"\0"
        extra = b"junk" if len(data) % 8 >= 4 else b""
        return self.run(data + b"stack.." [:-len(data) % 8], self.p) + extra

    def decrypt(self, data):
        return self.run(data, self.p[::-1])


def decode(data):
    values = {}
    for line in data.split(b"\0")[0].split(b"\n")[:-1]:
        number, value = line.split(b" ", 1)
        values[int(number)] = value
    return values


def encode(values):
    return b"".join(b"%d %s\n" % (number, values[number]) for number in sorted(values))


class Server:
    def __init__(self, sock, cipher, always, is_quiet):
        self.sock, self.cipher, self.always, self.is_quiet = sock, cipher, always, is_quiet
        self.held = []
        self.seen = set()

    def send(self, values, peer, sock=None):
        text = encode(values)
        (sock or self.sock).sendto(self.cipher.encrypt(text) if self.cipher else text, peer)

    def serve(self):
        while True:
            data, peer = self.sock.recvfrom(64999)
            if isinstance(peer, bytes):
                # The classic mavisd passes all 110 bytes of struct sockaddr_un to sendto(2), regardless of the length.
                peer = peer.ljust(108, b"\0")
            question = decode(self.cipher.decrypt(data) if self.cipher else data)
            if not self.is_quiet:
                print("asked", question[USER].decode("latin1"), flush=True)
            assert RESULT not in question, "a question has no result"
            behaviour = self.always or question[USER].decode("latin1").split("-")[0]
            getattr(self, behaviour)(question, peer)

    def answer(self, question, peer, result=b"ACK"):
        name = str(self.sock.getsockname()).encode("latin1")
        self.send({**question, RESULT: result, COMMENT: name}, peer)

    def nak(self, question, peer):
        self.answer(question, peer, b"NAK")

    def twice(self, question, peer):
        self.answer(question, peer)
        self.answer(question, peer, b"NAK")

    def never(self, question, peer):
        pass

    def hold(self, question, peer):
        self.held.append((question, peer))

    def release(self):
        held, self.held = self.held, []
        for question, peer in held:
            try:
                self.answer(question, peer)
            except OSError:
                pass  # the client has closed its socket
        print("released", len(held), flush=True)

    def second(self, question, peer):
        """Loses the first datagram."""
        if question[SERIAL] in self.seen:
            self.answer(question, peer)
        self.seen.add(question[SERIAL])

    def serial(self, question, peer):
        """Answers with a wrong serial, without one, then correctly."""
        self.send({**question, SERIAL: b"another", RESULT: b"NAK"}, peer)
        self.send({USER: question[USER], RESULT: b"NAK"}, peer)
        self.answer(question, peer)

    def forge(self, question, peer):
        """Also answers the query whose serial is the rest of USER, which another server got."""
        self.send({**question, SERIAL: question[USER].split(b"-")[1], RESULT: b"NAK"}, peer)
        self.answer(question, peer)

    def garbage(self, question, peer):
        for noise in b"", b"\xff" * 50, b"21 \n=0\n", b"x y\n", b"99 x\n", encode(question) + b"nonsense\n":
            self.sock.sendto(noise, peer)
        self.answer(question, peer)

    def noise(self, question, peer):
        self.sock.sendto(b"x y\n", peer)

    def echo(self, question, peer):
        """Sends the query back before it answers."""
        self.send(question, peer)
        self.answer(question, peer)

    def stranger(self, question, peer):
        """Sends the answer from another socket first."""
        with socket.socket(self.sock.family, socket.SOCK_DGRAM) as other:
            if self.sock.family != socket.AF_UNIX:
                other.bind((self.sock.getsockname()[0], 0))
            try:
                self.send({**question, RESULT: b"NAK"}, peer, other)
            except PermissionError:
                print("stranger refused", flush=True)
        self.answer(question, peer)

    def whence(self, question, peer):
        self.send({**question, RESULT: b"ACK", COMMENT: peer[0].encode()}, peer)

    def long(self, question, peer):
        self.send({**question, RESULT: b"ACK", COMMENT: b"x" * 60000}, peer)


def main(words):
    is_quiet = words[0] == "--quiet"
    words = words[is_quiet:]
    options = {"--key": None, "--always": None}
    while words[0] in options:
        options[words[0]] = words[1]
        words = words[2:]
    if words[0] == "unix":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(words[1])
        port = 0
    else:
        sock = socket.socket(socket.AF_INET6 if ":" in words[1] else socket.AF_INET, socket.SOCK_DGRAM)
        # Queries that arrive meanwhile are not lost.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind((words[1], int(words[2])))
        port = sock.getsockname()[1]
    key = options["--key"]
    server = Server(sock, key and Cipher(key.encode()), options["--always"], is_quiet)
    signal.signal(signal.SIGUSR1, lambda *_: server.release())
    print("listening", port, flush=True)
    server.serve()


main(sys.argv[1:])

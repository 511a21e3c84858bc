"""Connects to a Unix socket, says something and prints what comes back.

unix_client.py PLACE TEXT    PLACE is a path, or @NAME for an abstract name"""

import socket
import sys

place, text = sys.argv[1:]
client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
client.connect("\0" + place[1:] if place.startswith("@") else place)
try:
    client.sendall(text.encode())
    client.shutdown(socket.SHUT_WR)
    while data := client.recv(65536):
        sys.stdout.write(data.decode())
except OSError as error:
    print(error.strerror)

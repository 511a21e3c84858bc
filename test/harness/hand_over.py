"""Starts a program as inetd and systemd do: with a listening socket that is already open.

hand_over.py inetd COMMAND…          the socket is descriptor 0 (and blocking, as inetd's are)
hand_over.py systemd NAME COMMAND…   the socket is descriptor 3 and has that name (sd_listen_fds(3))
"""
import os
import socket
import sys

mode, *words = sys.argv[1:]
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(16)
if mode == "inetd":
    os.dup2(listener.fileno(), 0)
else:
    spare = os.dup(listener.fileno())
    listener.close()
    os.dup2(spare, 3)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=words.pop(0))
os.execvp(words[0], words)

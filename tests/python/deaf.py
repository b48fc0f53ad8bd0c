"""Listens on a Unix socket and accepts nobody. Writes 0 for a port, as it has none."""

import signal
import socket
import sys

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(0)
print(0, flush=True)
signal.pause()

"""Receives what `logging.handlers.SocketHandler` (tcp) or `DatagramHandler` (udp) send, as CPython's documentation shows, on a
loopback port that is given or free. Writes the port, and then a line of JSON for each record."""

import json
import logging
import pickle
import socketserver
import struct
import sys

ATTRIBUTES = ("name", "levelno", "levelname", "threadName", "filename", "lineno", "key")


def receive(data):
    record = logging.makeLogRecord(pickle.loads(data))
    seen = {name: getattr(record, name) for name in ATTRIBUTES}
    sys.stdout.write(json.dumps({"message": record.getMessage(), **seen}) + "\n")
    sys.stdout.flush()


class Stream(socketserver.StreamRequestHandler):
    def handle(self):
        while len(prefix := self.rfile.read(4)) == 4:
            (length,) = struct.unpack(">L", prefix)
            data = self.rfile.read(length)
            if len(data) == length:
                receive(data)


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        receive(self.request[0][4:])


class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Udp(socketserver.UDPServer):
    max_packet_size = 65536


server, handler = {"tcp": (Tcp, Stream), "udp": (Udp, Datagram)}[sys.argv[1]]
with server((sys.argv[2], int(sys.argv[3])), handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()

"""Receives what `logging.handlers.HTTPHandler` sends, and JSON and lines of JSON, on a loopback port that is given or free.
Writes the port, and then a line of JSON for each record."""

import json
import logging
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl

ATTRIBUTES = ("msg", "name", "levelno", "levelname", "threadName", "filename", "lineno", "n")


def form(body):
    record = logging.makeLogRecord(dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)))
    return [{name: getattr(record, name) for name in ATTRIBUTES}]


def lines(body):
    return [json.loads(line) for line in body.splitlines()]


FORMATS = {"application/x-www-form-urlencoded": form, "application/json": lines, "application/x-ndjson": lines}


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for record in FORMATS[self.headers["Content-Type"]](body):
            sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


with HTTPServer((sys.argv[1], int(sys.argv[2])), Receiver) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()

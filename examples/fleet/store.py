"""A store of logs: receives OTLP over HTTP and answers each request after its bytes are in a file.

`rows` reads them back. run.py has DuckDB count them.
"""

import contextlib
import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

ANSWER = ExportLogsServiceResponse().SerializeToString()


def value(any_value):
    """The value of an AnyValue, which is one of its fields."""
    kind = any_value.WhichOneof("value")
    return None if kind is None else getattr(any_value, kind)


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


def rows(body):
    """The records of a request, each as a row of a table."""
    for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
        known = attributes(resource.resource.attributes)
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield {
                    "time": record.time_unix_nano,
                    "severity": record.severity_text,
                    "logger": scope.scope.name,
                    "body": value(record.body),
                    "worker": known.get("worker"),
                    "instance": known.get("service.instance.id"),
                    "pid": known.get("process.pid"),
                    "n": attributes(record.attributes).get("n"),
                }


class Store:
    """Serves on a free port of the loopback interface."""

    def __init__(self, path):
        self.records = 0
        self.file = open(path, "w+b")
        self.lock = threading.Lock()
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                store.add(body)
                # A collector that was killed in the meantime asks for no answer.
                with contextlib.suppress(ConnectionError):
                    self.send_response(200)
                    self.send_header("Content-Type", "application/x-protobuf")
                    self.send_header("Content-Length", str(len(ANSWER)))
                    self.end_headers()
                    self.wfile.write(ANSWER)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, body):
        request = ExportLogsServiceRequest.FromString(body)
        scopes = (scope for resource in request.resource_logs for scope in resource.scope_logs)
        count = sum(len(scope.log_records) for scope in scopes)
        with self.lock:
            self.file.write(len(body).to_bytes(4, "big") + body)
            self.file.flush()
            self.records += count

    def rows(self):
        """All records, in the order in which they arrived."""
        self.file.seek(0)
        while length := self.file.read(4):
            yield from rows(self.file.read(int.from_bytes(length, "big")))

    def close(self):
        self.server.shutdown()
        self.file.close()

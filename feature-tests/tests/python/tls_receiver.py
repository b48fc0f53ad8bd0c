"""Receives lines by TLS from clients that show a certificate, on a loopback port that is given or free. Writes the port and then
every line. Arguments: address, port, certificate, key, the clients' authority, and the latest version of TLS, 1.2 or 1.3."""

import socketserver
import ssl
import sys

address, port, certificate, key, authority, version = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.load_verify_locations(authority)
context.verify_mode = ssl.CERT_REQUIRED
context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]


class Lines(socketserver.StreamRequestHandler):
    def setup(self):
        self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self):
        for line in self.rfile:
            if line.endswith(b"\n"):
                sys.stdout.buffer.write(line)
                sys.stdout.flush()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_):
        pass


with Server((address, int(port)), Lines) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()

"""Reads messages from standard input, each behind its length in four bytes, in the format that the first argument names,
and writes what Python makes of each as a line of JSON: a list of names, types and texts."""

import json
import struct
import sys


class Reader:
    """Decodes one message; imports what it takes."""

    def pickle(self):
        import io
        import logging
        import pickle

        class Strict(pickle.Unpickler):
            def find_class(self, module, name):
                raise pickle.UnpicklingError(f"{module}.{name}")

        def decode(data):
            stream = io.BytesIO(data)
            attributes = Strict(stream).load()
            assert not stream.read()
            record = logging.makeLogRecord(attributes)
            assert record.getMessage() == attributes["msg"]
            logging.Formatter("%(asctime)s %(levelname)s %(process)d %(message)s").format(record)
            return attributes

        return decode

    def msgpack(self):
        import msgpack

        return lambda data: msgpack.unpackb(data, timestamp=0, strict_map_key=False)

    def cbor(self):
        import cbor2

        return cbor2.loads


def plain(value):
    if isinstance(value, dict):
        return ["dict", [[plain(key), plain(inner)] for key, inner in value.items()]]
    if isinstance(value, (list, tuple)):
        return ["list", [plain(inner) for inner in value]]
    if isinstance(value, float):
        return ["float", struct.pack(">d", value).hex()]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    return [type(value).__name__, str(value)]


def main():
    decode = getattr(Reader(), sys.argv[1])()
    print("ready", flush=True)
    while head := sys.stdin.buffer.read(4):
        (length,) = struct.unpack(">I", head)
        print(json.dumps(plain(decode(sys.stdin.buffer.read(length)))))


main()

"""Sends records by CPython's `HTTPHandler`: their number is the second argument, the server's port the first."""

import logging
import logging.handlers
import sys

port, records = map(int, sys.argv[1:])
logger = logging.getLogger("bench")
logger.setLevel(logging.INFO)
logger.propagate = False
handler = logging.handlers.HTTPHandler(f"127.0.0.1:{port}", "/", method="POST")
logger.addHandler(handler)
for i in range(records):
    logger.info("%s of %s took %s", i, 7, 0.5)
logging.shutdown()

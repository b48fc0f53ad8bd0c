"""Logs as many records as the second argument says through CPython's `SocketHandler` to a loopback port, and ends when the
receiver closes the connection."""

import logging.handlers
import sys

handler = logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1]))
logger = logging.getLogger("bench")
logger.setLevel(logging.INFO)
logger.addHandler(handler)
for i in range(int(sys.argv[2])):
    logger.info("%d of %d took %f", i, 7, 0.5)
handler.close()

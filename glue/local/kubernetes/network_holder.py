"""Holds a pod's network, inside of it: `network_holder PORT SOCKET`, standard library only.

It listens on a port of the pod's loopback, hands that over through a socket in a folder, and
stays until whoever took it is gone, and a little longer: an engine does not remove a container
whose network others still have. So it ends with the stand-in, however that ends.
"""

from __future__ import annotations

import socket
import sys
import time

LINGER_SECONDS = 5.0


def main(words: list[str]) -> int:
    """Hand the port over and wait."""
    port, path = words
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        way = socket.socket(socket.AF_UNIX)
        with way:
            way.connect(path)
            socket.send_fds(way, [b"."], [listener.fileno()])
            listener.close()
            way.recv(1)
    time.sleep(LINGER_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

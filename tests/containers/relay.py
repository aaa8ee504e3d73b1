"""The pod's only way out: what calls a port of its network comes out of a socket in a folder.

`python3 relay.py PORT SOCKET`, inside the pod's network, which has nothing but loopback.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def carry(inside: socket.socket, outside: socket.socket) -> None:
    back = threading.Thread(target=copy, args=(outside, inside))
    back.start()
    copy(inside, outside)
    back.join()
    inside.close()
    outside.close()


def relay(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Carry every connection to another, until the listener is closed."""
    while True:
        try:
            inside, _ = listener.accept()
            outside = connect()
        except OSError:
            return
        threading.Thread(target=carry, args=(inside, outside), daemon=True).start()


def to_socket(path: str) -> socket.socket:
    outside = socket.socket(socket.AF_UNIX)
    outside.connect(path)
    return outside


if __name__ == "__main__":
    port, path = sys.argv[1:]
    print("ready", flush=True)
    relay(socket.create_server(("127.0.0.1", int(port))), lambda: to_socket(path))

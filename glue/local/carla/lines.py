"""How the stand-ins speak to each other: a line asks, a line answers, over TCP.

A line is at most LONGEST bytes of ASCII with a line feed. The first word says what is asked or
answered, the second about what: `route RouteScenario_3_rep0`, `driven RouteScenario_3_rep0`.

The containers of a pod share a loopback address and nobody else has it. Where pods are mere
processes of one machine, STAND_IN_HOST gives each pod a loopback address of its own.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 1024  # bytes of a line
_PAUSE = 0.05  # seconds between looks at a port that does not answer yet


def host() -> str:
    """Return the address on which the containers of this pod listen."""
    return os.environ.get("STAND_IN_HOST", "") or "127.0.0.1"


class Lost(Exception):  # noqa: N818 - reads as a finding
    """The other side ended, went silent or spoke nonsense; the message says which."""


class Line:
    """One conversation."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._held = b""

    def ask(self, question: str, answer: str, seconds: float) -> None:
        """Say a line and wait for that answer. Raises Lost without it."""
        try:
            self.say(question)
            found = self.hear(seconds)
        except TimeoutError:
            raise Lost(f"it did not answer {question!r} for {seconds:g} seconds") from None
        except OSError as error:
            raise Lost(f"it ended on {question!r} ({type(error).__name__})") from None
        if found is None:
            raise Lost(f"it ended on {question!r}")
        if found != answer:
            raise Lost(f"it answered {question!r} with {found[:60]!r}")

    def say(self, text: str) -> None:
        """Send a line. Raises OSError when the other side is gone."""
        self.connection.sendall(text.encode("ascii", "backslashreplace") + b"\n")

    def hear(self, seconds: float | None = None) -> str | None:
        """Return the next line, None at the end. Raises OSError, TimeoutError after `seconds`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._held:
            if len(self._held) > LONGEST:
                raise OSError("a line without an end")
            if deadline is not None and deadline <= time.monotonic():
                raise TimeoutError
            self.connection.settimeout(
                None if deadline is None else max(deadline - time.monotonic(), 0.001)
            )
            received = self.connection.recv(LONGEST)
            if not received:
                return None
            self._held += received
        line, _, self._held = self._held.partition(b"\n")
        return line.decode("ascii", "backslashreplace").strip()

    def close(self) -> None:
        """End the conversation."""
        self.connection.close()


def call(port: int, seconds: float) -> Line:
    """Return a conversation with what listens on a port, once it does. Raises Lost if never."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return Line(socket.create_connection((host(), port), timeout=max(seconds, _PAUSE)))
        except OSError:
            if time.monotonic() >= deadline:
                raise Lost(f"nothing listened on port {port} for {seconds:g} seconds") from None
            time.sleep(_PAUSE)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port, 0 for a free one. Raises OSError if it is taken."""
    return socket.create_server((host(), port), backlog=8)


def answer(listener: socket.socket, reply: Callable[[str], str]) -> None:
    """Answer every line of everybody who calls; never returns.

    What `reply` raises ends the program, as it would end a real one.
    """
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_converse, args=(Line(connection), reply), daemon=True).start()


def _converse(line: Line, reply: Callable[[str], str]) -> None:
    try:
        while (question := line.hear()) is not None:
            line.say(reply(question))
    except OSError:
        pass  # who called has gone
    finally:
        line.close()

"""The stand-in's server: a thread of this process, or a process of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from werkzeug.serving import WSGIRequestHandler, make_server

from glue.errors import InputError
from glue.local.configuration import HOST
from glue.local.evalai.application import NAME, Application
from glue.local.evalai.callers import CALLS_A_MINUTE
from glue.local.evalai.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHUTDOWN_POLL = 0.02  # seconds between two looks at whether the server is to end


class Handler(WSGIRequestHandler):
    """One connection for each call, so that none outlives the server; the journal is the log."""

    protocol_version = "HTTP/1.0"

    def version_string(self) -> str:
        """Return what the header Server says."""
        return NAME

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Server:
    """The stand-in on a port of the loopback address; port 0 takes a free one.

    Everything it knows is in the file `state`. Raises InputError when the port cannot be had.
    """

    def __init__(
        self,
        state: Path,
        port: int = 0,
        calls_a_minute: int = CALLS_A_MINUTE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = Store(state)
        application = Application(self._store, calls_a_minute, clock)
        try:
            self._server = make_server(
                HOST, port, application, threaded=True, request_handler=Handler
            )
        except (OSError, SystemExit) as error:  # werkzeug ends the process when it is taken
            self._store.close()
            raise InputError("port", f"{port} cannot be had", "write a free one, or 0") from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(SHUTDOWN_POLL,), daemon=True
        )

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://{HOST}:{self._server.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._store.close()

    def serve(self) -> None:
        """Answer until the process is told to end."""
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()
            self._store.close()

"""HTTP requests over connections that are kept open, one per thread and host.

The standard library's client, and not httpx: a shipper runs beside a recording, and httpx takes
10 MB of memory where the whole shipper takes 42; and a part of a file can go from the page cache
to the socket without passing through Python.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from glue.client.retries import TemporaryError, check_certificate

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    Send = Callable[[socket.socket], None]

TIMEOUT = 60.0  # seconds without a byte moving
PORTS = {"http": 80, "https": 443}


class Connections:
    """Open connections; may be shared by threads."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._mine = threading.local()
        self._all: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()

    @contextmanager
    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], send: Send = lambda _: None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request, its body by `send`, and yield the answer, whatever its status.

        Raises `TemporaryError` when the network fails, also while the answer is being read;
        `InputError` when the server cannot prove who it is.
        """
        split = urlsplit(url)
        place = split.scheme, split.hostname or "", split.port or PORTS[split.scheme]
        connection, was_open = self._connection(*place)
        try:
            target = f"{split.path or '/'}?{split.query}" if split.query else split.path or "/"
            request = method, target, {**headers, "Host": split.netloc}
            try:
                answer = _request(connection, *request, send)
            except (ConnectionError, http.client.BadStatusLine):
                if not was_open:
                    raise
                # A server may close a connection that has been idle; that says nothing.
                connection.close()
                answer = _request(connection, *request, send)
            yield answer
            if not answer.isclosed():
                answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            check_certificate(error, split.netloc)
            reason = str(error) or type(error).__name__
            raise TemporaryError(f"{split.netloc}: {reason}") from error
        except BaseException:
            connection.close()  # half a request, or half an answer, is in it
            raise

    def _connection(
        self, scheme: str, host: str, port: int
    ) -> tuple[http.client.HTTPConnection, bool]:
        """Return this thread's connection to a host, and whether it is open."""
        kept: dict[tuple[str, str, int], http.client.HTTPConnection]
        kept = self._mine.__dict__.setdefault("kept", {})
        found = kept.get((scheme, host, port))
        if found is None:
            found = kept[scheme, host, port] = self._new(scheme, host, port)
            with self._lock:
                self._all.append(found)
        return found, found.sock is not None

    def _new(self, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        proxy = urllib.request.getproxies().get("https")
        if not proxy or urllib.request.proxy_bypass(host):
            return http.client.HTTPSConnection(
                host, port, timeout=self._timeout, context=self._tls()
            )
        split = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        made = http.client.HTTPSConnection(
            split.hostname or "", split.port or 3128, timeout=self._timeout, context=self._tls()
        )
        made.set_tunnel(host, port)
        return made

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = ssl.create_default_context()
            return self._context


def _request(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    send: Send,
) -> http.client.HTTPResponse:
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        send(cast("socket.socket", connection.sock))
    except (BrokenPipeError, ConnectionResetError) as error:
        # A server may refuse a request before it has read all of it, and hang up.
        try:
            return connection.getresponse()
        except (OSError, http.client.HTTPException):
            raise error from None
    return connection.getresponse()

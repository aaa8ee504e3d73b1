"""Bytes to and from presigned addresses."""

from __future__ import annotations

import os
import re
import select
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, Protocol

from glue.client.connections import TIMEOUT, Connections
from glue.client.retries import AGAIN, TemporaryError, retry_after

if TYPE_CHECKING:
    import http.client
    from collections.abc import Callable, Mapping
    from typing import Self

    Receive = Callable[[http.client.HTTPResponse], None]

BLOCK = 256 * 1024  # bytes read at once where sendfile cannot be used
STRIDE = 1024 * 1024  # bytes sent between two calls of `moved`
_CODE = re.compile(rb"<Code>([^<]{1,100})</Code>")
_TEXT = re.compile(rb"<Message>([^<]{1,300})</Message>")


class RefusedError(Exception):
    """S3 answers with an error that trying the same again cannot change."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"S3 answers with {status} {code}: {message}".rstrip(": "))
        self.status = status
        self.code = code


class FileShrankError(Exception):
    """A file ended before the bytes that were to be sent."""


class Body(Protocol):
    """What can be sent, as often as need be."""

    @property
    def length(self) -> int:
        """The number of bytes."""

    def send(self, connection: socket.socket, moved: Callable[[int], None]) -> None:
        """Write all bytes to the socket, telling `moved` how many at a time."""


class Content:
    """A body that is in memory."""

    def __init__(self, content: memoryview) -> None:
        self._content = content

    @property
    def length(self) -> int:
        """The number of bytes."""
        return len(self._content)

    def send(self, connection: socket.socket, moved: Callable[[int], None]) -> None:
        """Write all bytes to the socket."""
        for start in range(0, self.length, STRIDE):
            block = self._content[start : start + STRIDE]
            connection.sendall(block)
            moved(len(block))


class Slice:
    """A body that is a part of a file; never more than one block of it is in memory."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = length

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self._length

    def send(self, connection: socket.socket, moved: Callable[[int], None]) -> None:
        """Write the part to the socket: by sendfile, or block by block through TLS.

        Raises `FileShrankError` when the bytes are not there any more. The file is read by
        position, so that several threads can share it.
        """
        position, end = self._start, self._start + self._length
        plain = type(connection) is socket.socket
        while position < end:
            if plain:
                sent = _sendfile(connection, self._file, position, min(STRIDE, end - position))
            else:
                block = os.pread(self._file.fileno(), min(BLOCK, end - position), position)
                connection.sendall(block)
                sent = len(block)
            if sent == 0:
                raise FileShrankError
            position += sent
            moved(sent)


def _sendfile(connection: socket.socket, file: BinaryIO, start: int, count: int) -> int:
    """Send up to `count` bytes of a file from `start`, and return how many; 0 at its end.

    Not `socket.sendfile`: when a connection breaks before its first byte, that reads on from the
    file's own position, which several threads share, and takes the end of it for ours.
    """
    while True:
        try:
            return os.sendfile(connection.fileno(), file.fileno(), start, count)
        except BlockingIOError:
            # A socket with a timeout never blocks; the waiting is left to its owner.
            ready = select.poll()
            ready.register(connection, select.POLLOUT)
            timeout = connection.gettimeout()
            if not ready.poll(None if timeout is None else timeout * 1000):
                raise TimeoutError("the other side takes no more bytes") from None


class Transport:
    """Connections to S3; may be shared by threads."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self._connections = Connections(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def put(
        self,
        url: str,
        headers: Mapping[str, str],
        body: Body,
        moved: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Send `body` to `url`.

        `moved` hears how many bytes went, and a negative number when they have to go again; what
        it raises ends the sending. Raises `TemporaryError` or `RefusedError`.
        """
        gone = 0

        def take_back() -> None:
            nonlocal gone
            back, gone = gone, 0
            if back:
                moved(-back)

        def count(sent: int) -> None:
            nonlocal gone
            gone += sent
            moved(sent)

        def send(connection: socket.socket) -> None:
            take_back()
            body.send(connection, count)

        length = {"Content-Length": str(body.length)}
        try:
            with self._connections.exchange("PUT", url, {**headers, **length}, send) as answer:
                _check(answer, url)
        except BaseException:
            take_back()
            raise

    def get(self, url: str, headers: Mapping[str, str], receive: Receive) -> None:
        """Hand the answer at `url` to `receive`; raise `TemporaryError` or `RefusedError`."""
        with self._connections.exchange("GET", url, headers) as answer:
            _check(answer, url)
            receive(answer)


def _check(answer: http.client.HTTPResponse, url: str) -> None:
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    content = answer.read()
    code, text = _CODE.search(content), _TEXT.search(content)
    word = code[1].decode(errors="replace") if code else ""
    if answer.status in AGAIN or word == "RequestTimeout":
        host = url.split("/")[2]
        told = f"{host} answers with {answer.status} {word}".rstrip()
        wait = retry_after(answer.headers.get("Retry-After"))
        raise TemporaryError(told, wait, answered=True)
    raise RefusedError(answer.status, word, text[1].decode(errors="replace") if text else "")

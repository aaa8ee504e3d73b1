"""Sending one file with a form: multipart/form-data over HTTPS, from disk, in small pieces."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import ssl
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.uploader.form import Form

TIMEOUT_SECONDS = 30.0  # without a byte going or coming
_PIECE = 64 * 1024
_LONGEST_ANSWER = 64 * 1024
_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,80})</Code>")
# What says something about the file and not about the form.
_ABOUT_THE_FILE = {"EntityTooLarge", "EntityTooSmall", "KeyTooLongError"}
# Nobody's fault, though the status says so.
_PASSING = {"RequestTimeout", "IncompleteBody", "SlowDown", "InternalError", "OperationAborted"}
_OK, _REDIRECT, _REQUEST, _SERVER = 200, 300, 400, 500
_TOO_LARGE, _PASSING_STATUSES = 413, {404, 408, 409, 425, 429}


class Verdict(Enum):
    """What became of a file."""

    SENT = "sent"
    OLD_FORM = "the form was refused"
    REFUSED = "S3 refused the file"
    FAILED = "it may work another time"
    CUT = "the file became shorter while it was read"
    STOPPED = "something else goes first"


class Outcome(NamedTuple):
    """What became of a file, and why."""

    verdict: Verdict
    reason: str = ""


class Poster:
    """Sends files, over one connection as long as that lasts."""

    def __init__(self, timeout: float = TIMEOUT_SECONDS) -> None:
        self.timeout = timeout
        self._connection: http.client.HTTPConnection | None = None
        self._place: tuple[str, str] | None = None
        self._context: ssl.SSLContext | None = None

    def post(
        self, form: Form, key: str, file: int, size: int, is_stopped: Callable[[], bool]
    ) -> Outcome:
        """Send the first `size` bytes of an open file as `key`, which begins with the prefix."""
        boundary = secrets.token_hex(16)  # cannot be known beforehand, so no file can hold it
        head, tail = _around(form, key, boundary)
        os.lseek(file, 0, os.SEEK_SET)
        try:
            connection = self._connect(form)
            connection.putrequest("POST", form.address.path or "/", skip_accept_encoding=True)
            connection.putheader("Content-Type", f"multipart/form-data; boundary={boundary}")
            connection.putheader("Content-Length", str(len(head) + size + len(tail)))
            connection.endheaders()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Outcome(Verdict.FAILED, f"no connection ({_name(error)})")
        try:
            connection.send(head)
            ended = _stream(connection, file, size, is_stopped)
            if ended is not None:
                self.close()
                return ended
            connection.send(tail)
        except OSError as error:
            # A server that refuses a file may hang up before all of it has come.
            return self._answer(connection, f"sending broke off ({_name(error)})")
        return self._answer(connection, "")

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self, form: Form) -> http.client.HTTPConnection:
        place = (form.address.scheme, form.address.netloc)
        if self._connection is not None and self._place == place:
            return self._connection
        self.close()
        host, port = form.address.hostname or "", form.address.port
        if form.address.scheme == "https":
            if self._context is None:
                self._context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(
                host, port, timeout=self.timeout, context=self._context
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=self.timeout)
        self._place = place
        return self._connection

    def _answer(self, connection: http.client.HTTPConnection, trouble: str) -> Outcome:
        try:
            response = connection.getresponse()
            body = response.read(_LONGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Outcome(Verdict.FAILED, trouble or f"no answer ({_name(error)})")
        if trouble or not response.isclosed() or response.will_close:
            self.close()
        return _outcome(response.status, body, trouble)


def _around(form: Form, key: str, boundary: str) -> tuple[bytes, bytes]:
    """Return what stands before the file's content and behind it."""
    parts = []
    for name, value in (("key", key), *form.fields):
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n')
        parts.append(f"{value}\r\n")
    parts.append(
        f"--{boundary}\r\n"
        # The name is the same for all: S3 would put it in the place of `${filename}`.
        'Content-Disposition: form-data; name="file"; filename="file"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()


def _stream(
    connection: http.client.HTTPConnection, file: int, size: int, is_stopped: Callable[[], bool]
) -> Outcome | None:
    """Send so many bytes, however long the file has become. Return why they were not sent."""
    left = size
    while left:
        if is_stopped():
            return Outcome(Verdict.STOPPED)
        try:
            piece = os.read(file, min(left, _PIECE))
        except OSError as error:
            return Outcome(Verdict.REFUSED, f"cannot be read ({_name(error)})")
        if not piece:
            return Outcome(Verdict.CUT)
        connection.send(piece)
        left -= len(piece)
    return None


def _outcome(status: int, body: bytes, trouble: str) -> Outcome:
    match = _CODE.search(body)
    code = match[1].decode() if match else ""
    said = " ".join(filter(None, (f"answer {status}", code)))
    if _OK <= status < _REDIRECT:
        # An answer of success to half a file is none.
        return Outcome(Verdict.FAILED, trouble) if trouble else Outcome(Verdict.SENT)
    if code in _ABOUT_THE_FILE or status == _TOO_LARGE:
        return Outcome(Verdict.REFUSED, f"S3 refuses it: {said}")
    is_passing = status in _PASSING_STATUSES or code in _PASSING
    if _REQUEST <= status < _SERVER and not is_passing:
        # 403, or 400 with ExpiredToken: a form ends with the credentials that signed it.
        return Outcome(Verdict.OLD_FORM, said)
    return Outcome(Verdict.FAILED, said)


def _name(error: BaseException) -> str:
    return type(error).__name__

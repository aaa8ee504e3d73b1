"""The server in front of the `Fake`: takes requests apart, and lets happen what a fault says."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from tests.unit.client.fake import Fake


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass
class Body:
    """What came with a PUT."""

    sha256: str
    size: int
    content: bytes


class Server(ThreadingHTTPServer):
    """Threads that end with the process; no delay of small answers."""

    daemon_threads = True
    request_queue_size = 64
    fake: Fake
    begun = ended = 0  # connections

    def process_request(self, request: Any, client_address: Any) -> None:
        self.begun += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self.fake.lock:
            self.ended += 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up here all the time."""


class Handler(BaseHTTPRequestHandler):
    """Takes requests apart and hands them to the `Fake`."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        self.serve()

    def do_PUT(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def serve(self) -> None:
        fake = self.server.fake
        fault = fake.pick(f"{self.command} {self.path}")
        kind = fault.kind if fault else ""
        if kind == "drop":
            self.hang_up()
            return
        if kind == "early":  # an answer before the body was read, as S3 gives it
            self.answer(403, b"<Error><Code>AccessDenied</Code></Error>", {"Connection": "close"})
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        body = self.read_body(fake)
        if kind == "slow":
            time.sleep(0.3)
        if kind == "cut":
            self.hang_up()
            return
        if kind == "junk":
            self.answer(200, b"<html>hello</html>", {})
            return
        if fault and kind.isdigit():
            more = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            error = f"<Error><Code>{fault.code}</Code><Message>so</Message></Error>"
            told = b'{"message": "so"}' if not fault.code else error.encode()
            self.answer(int(kind), told, more)
            return
        split = urlsplit(self.path)
        try:
            if split.path.startswith("/s3/"):
                self.s3(fake, split.path, split.query, body, kind)
            else:
                document = json.loads(body.content) if body.content else None
                status, answer = fake.api(
                    self.command, split.path.removeprefix("/v1"), parse_qs(split.query),
                    self.headers, document,
                )  # fmt: skip
                self.answer(status, json.dumps(answer).encode(), {})
        except RefusedError as refused:
            if isinstance(refused.body, tuple):
                code, text = refused.body
                error = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
                self.answer(refused.status, error.encode(), {})
            else:
                self.answer(refused.status, json.dumps(refused.body).encode(), {})

    def s3(self, fake: Fake, path: str, query: str, body: Body, kind: str) -> None:
        values = {name: value[0] for name, value in parse_qs(query).items()}
        if self.command == "GET":
            status, content = fake.get(path, values, self.headers)
            if kind == "damage":
                content = b"\0" * len(content)
            if kind == "short":
                self.answer(status, content[: len(content) // 2], {}, len(content))
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.answer(status, content, {})
            return
        if kind == "damage":
            body = Body("0" * 64, body.size, body.content)
        fake.put(path, values, self.headers, body)
        if kind == "lost":  # it is stored, and nobody hears of it
            self.hang_up()
            return
        self.answer(200, b"", {})

    def read_body(self, fake: Fake) -> Body:
        left = int(self.headers.get("Content-Length") or 0)
        digest, blocks, size = hashlib.sha256(), [], 0
        keep = fake.keep or self.command == "POST" or left < 1_000_000
        while left and (block := self.rfile.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
            size += len(block)
            if keep:
                blocks.append(block)
        if left:
            raise ConnectionError("the client hung up")
        return Body(digest.hexdigest(), size, b"".join(blocks))

    def answer(
        self, status: int, content: bytes, headers: dict[str, str], length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

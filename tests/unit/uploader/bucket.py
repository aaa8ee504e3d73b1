"""A bucket that takes POST forms, and can be told to be in a bad mood."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PREFIX = "99/attempt-1/"


@dataclass
class Bucket:
    """What has arrived. `moods` are answers to the next requests: a status and S3's code."""

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)  # in the order they came
    fields: list[dict[str, str]] = field(default_factory=list)
    moods: list[tuple[int, str]] = field(default_factory=list)
    good: set[str] = field(default_factory=lambda: {"first"})  # policies that still hold
    largest: int = 10_000_000
    heard: Callable[[], None] = lambda: None  # when a request has come, before its answer
    before: Callable[[str], None] = lambda key: None
    calls: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/bucket"

    def form(self, policy: str = "first", **changes: Any) -> dict[str, Any]:
        return {
            "address": self.address,
            "fields": {"policy": policy, "x-amz-signature": "0a"},
            "prefix": PREFIX,
            "largest_bytes": self.largest,
        } | changes

    def take(self, handler: BaseHTTPRequestHandler) -> tuple[int, str]:
        """Take a request; return the status and the code."""
        self.calls += 1
        length = int(handler.headers["Content-Length"])
        body = handler.rfile.read(length)
        if len(body) < length:
            return 400, "IncompleteBody"
        self.heard()
        if self.moods:
            status, code = self.moods.pop(0)
            if status != 204:
                return status, code
        fields, content = parse(handler.headers["Content-Type"], body)
        self.fields.append(fields)
        key = fields["key"]
        self.before(key)
        if fields["policy"] not in self.good:
            return 403, "AccessDenied"
        if not key.startswith(PREFIX) or fields["x-amz-signature"] != "0a":
            return 403, "AccessDenied"
        if len(content) > self.largest:
            return 400, "EntityTooLarge"
        self.objects[key] = content
        self.keys.append(key.removeprefix(PREFIX))
        return 204, ""


def parse(kind: str, body: bytes) -> tuple[dict[str, str], bytes]:
    """Return the fields and the file of a form, read as strictly as a form can be."""
    match = re.fullmatch(r"multipart/form-data; boundary=([0-9a-f]{32})", kind)
    assert match is not None, kind
    mark = b"--" + match[1].encode()
    first, *parts, last = (b"\r\n" + body).split(b"\r\n" + mark)
    assert (first, last) == (b"", b"--\r\n")
    found: list[tuple[str, bytes]] = []
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name is not None, head
        found.append((name[1].decode(), content))
    assert found[0][0] == "key"
    assert found[-1][0] == "file"
    return {name: content.decode() for name, content in found[:-1]}, found[-1][1]


def serve(bucket: Bucket) -> ThreadingHTTPServer:
    """Begin to listen; the caller ends it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, code = bucket.take(self)
            if status == 0:  # hang up without a word
                self.close_connection = True
                return
            body = f"<Error><Code>{code}</Code></Error>".encode() if code else b""
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # who called has gone
    bucket.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    return server


def put_form(path: Path, form: object) -> None:
    """Write the form's file as Kubernetes renews one: another file in its place."""
    fresh = path.with_suffix(".new")
    fresh.write_text(form if isinstance(form, str) else json.dumps(form))
    fresh.replace(path)

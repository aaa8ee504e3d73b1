"""The little of HTTP that the stand-in needs on top of its server: requests and answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from glue.local.kubernetes.problems import Problem, bad_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

LARGEST_BODY = 3 * 1024 * 1024  # what Kubernetes' own server takes
JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """A request that was read to its end."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body, which must be an object; empty without a body."""
        if not self.body:
            return {}
        try:
            found = json.loads(self.body)
        except ValueError as error:
            raise bad_request(f"the body is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise bad_request("the body is no object")
        return found


@dataclass(frozen=True)
class Answer:
    """An answer; `is_cut` sends less than it announces, as when a connection breaks."""

    body: bytes
    status: int = 200
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False


def answer(found: Any, status: int = 200) -> Answer:
    """Return an answer in JSON."""
    return Answer(json.dumps(found).encode(), status)


def of_problem(problem: Problem) -> Answer:
    """Return the answer that a problem is."""
    headers = {"retry-after": str(problem.retry_after)} if problem.retry_after else {}
    return Answer(json.dumps(problem.to_dict()).encode(), problem.code, headers=headers)


async def read(scope: dict[str, Any], receive: Receive) -> Request:
    """Read a request. Raises Problem 413 when its body is too large."""
    body, length = b"", 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        length += len(chunk)
        # The rest is read all the same: who still sends does not listen to an answer.
        body = body + chunk if length <= LARGEST_BODY else b""
        if not message.get("more_body"):
            break
    if length > LARGEST_BODY:
        raise Problem(413, "RequestEntityTooLarge", "the request is too large")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
    return Request(scope["method"], scope["path"], query, headers, body)


async def write(send: Send, found: Answer) -> None:
    """Send an answer."""
    length = len(found.body) + (1 if found.is_cut else 0)
    headers = {"content-type": found.kind, "content-length": str(length), **found.headers}
    await send(
        {
            "type": "http.response.start",
            "status": found.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    if found.is_cut:
        # The end that was announced never comes: the server closes the connection.
        await send({"type": "http.response.body", "body": found.body[:1], "more_body": True})
        raise ConnectionAbortedError("cut on purpose")
    await send({"type": "http.response.body", "body": found.body})

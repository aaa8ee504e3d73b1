"""The conversation with the HTTP API: token, API key, retries and clear errors."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from glue.client.connections import TIMEOUT, Connections
from glue.client.retries import (
    AGAIN,
    GaveUpError,
    TemporaryError,
    attempts,
    retry_after,
)
from glue.errors import Conflict, Forbidden, InputError, NotFound, Unauthorised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from glue.client.profile import Profile

Json = dict[str, Any]
Parameters = list[tuple[str, str]]

_ERRORS: dict[int, type[InputError]] = {
    401: Unauthorised,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}
_GENERIC = {
    401: ("credentials", "the API does not accept them", "check device and secret in the profile"),
    403: ("api_key", "the API refuses the request", "check api_key and the device's group"),
    404: ("url", "the API knows no such address", "check the url in the profile"),
    413: ("request", "it is too large", "ship fewer files in one recording"),
}


def path_of(*segments: str) -> str:
    """Return an API path; each segment is one element, whatever characters it holds."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request."""

    status: int
    content: bytes
    retry_after: float | None = None

    @property
    def document(self) -> Json | None:
        """The JSON object that the answer holds, or None when it holds something else."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    @property
    def told(self) -> str | None:
        """What the answer says in words."""
        message = (self.document or {}).get("message")
        return str(message) if message else None

    def error(self) -> InputError:
        """Return the error that the answer carries."""
        kind = _ERRORS.get(self.status, InputError)
        document = self.document or {}
        if "message" in document and "field" in document:
            return kind(
                str(document["field"]),
                str(document["message"]),
                str(document.get("remedy", "correct the value")),
                str(document.get("code", "invalid")),
            )
        field, message, remedy = _GENERIC.get(
            self.status,
            ("url", f"the API answers with {self.status}", "check the url in the profile"),
        )
        return kind(field, f"{message} ({self.told})" if self.told else message, remedy)


class Session:
    """Calls of the API as one device; may be shared by threads.

    `patience` is how long, in seconds, to go on while the API cannot be reached (None: for
    ever). A set `stop` ends the waiting at the next try.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        patience: float | None = 60.0,
        stop: threading.Event | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.profile = profile
        self.patience = patience
        self.stop = stop or threading.Event()
        self._connections = Connections(timeout)
        self._base = profile.url.rstrip("/")
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def get(self, path: str, parameters: Parameters | None = None) -> Json:
        """Return the document at `path`; raise `InputError` as the API says it."""
        return self._call("GET", path, parameters, None)

    def post(self, path: str, document: Mapping[str, object] | None = None) -> Json:
        """Post a document and return the answer; raise `InputError` as the API says it."""
        return self._call("POST", path, None, document)

    def pages(self, path: str, parameters: Parameters) -> Iterator[Json]:
        """Yield the pages of a listing, following its cursor."""
        cursor: str | None = None
        while True:
            page = self.get(path, [*parameters, *([("cursor", cursor)] if cursor else [])])
            yield page
            cursor = page.get("next")
            if not cursor:
                return

    def _call(
        self,
        method: str,
        path: str,
        parameters: Parameters | None,
        document: Mapping[str, object] | None,
    ) -> Json:
        try:
            for attempt in attempts(self.patience, self.stop):
                with attempt:
                    return self._with_token(method, path, parameters, document)
        except TemporaryError as error:
            raise GaveUpError(
                "network",
                error,
                "check the network and run the command again; what is done is not done twice",
            ) from error
        raise AssertionError(path)  # attempts() ends by returning or raising

    def _with_token(
        self,
        method: str,
        path: str,
        parameters: Parameters | None,
        document: Mapping[str, object] | None,
    ) -> Json:
        token = self._current_token()
        query = f"?{urlencode(parameters)}" if parameters else ""
        answer = self._send(method, path + query, token, document)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            # The clock of this machine may be wrong, or the user pool signed everybody out.
            token = self._current_token(rejected=token)
            answer = self._send(method, path + query, token, document)
        return self._checked(answer)

    def _current_token(self, rejected: str | None = None) -> str:
        with self._lock:
            if not self._token or self._token == rejected or time.monotonic() >= self._renew_at:
                who = {"device": self.profile.device, "secret": self.profile.secret}
                answer = self._checked(self._send("POST", "/token", None, who))
                lifetime = float(answer.get("expires_in", 0))
                self._token = str(answer["token"])
                self._renew_at = time.monotonic() + max(lifetime - 60, lifetime * 0.8)
            return self._token

    def _send(
        self, method: str, path: str, token: str | None, document: Mapping[str, object] | None
    ) -> Answer:
        body = json.dumps(document).encode() if document is not None else b""
        headers = {"x-api-key": self.profile.api_key, "Accept": "application/json"}
        if token:
            headers["Authorization"] = token
        if method != "GET":
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        with self._connections.exchange(
            method, self._base + path, headers, lambda connection: connection.sendall(body)
        ) as answer:
            wait = retry_after(answer.headers.get("Retry-After"))
            return Answer(answer.status, answer.read(), wait)

    def _checked(self, answer: Answer) -> Json:
        if answer.status in AGAIN:
            told = f" ({answer.told})" if answer.told else ""
            raise TemporaryError(f"the API answers with {answer.status}{told}", answer.retry_after)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise answer.error()
        document = answer.document
        if document is None:
            raise InputError(
                "url",
                f"{self._base} does not answer as the API does",
                "check the url in the profile",
            )
        return document

"""One call to EvalAI over HTTP, and which error each kind of bad answer is.

The token goes into the Authorization header and nowhere else: no error and no log line has it.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from glue.errors import InputError
from glue.leaderboard.evalai.errors import (
    EvalAIBusy,
    EvalAIRefused,
    EvalAIRejected,
    EvalAIUnavailable,
)

if TYPE_CHECKING:
    from pydantic import SecretStr

    from glue.leaderboard.evalai.budget import Budget

TIMEOUT = httpx.Timeout(10.0, connect=5.0)  # seconds
MOST_WORDS = 1000  # characters of an explanation
DEFAULT_WAIT = 60.0  # seconds: EvalAI counts by the minute
HOST = re.compile(r"[A-Za-z0-9.:-]+")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# EvalAI answers a stranger's update with 400 and these words.
NOT_AUTHORISED = "not authorized"
WAIT_IN_WORDS = re.compile(r"available in (\d+) seconds?")


class Transport:
    """Authorised calls to one EvalAI server; they are taken from the budget by the caller."""

    def __init__(
        self,
        server: str,
        token: SecretStr,
        budget: Budget,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._budget = budget
        address = check_server(server)
        self._http = httpx.Client(
            base_url=address,
            headers={
                "Authorization": f"Bearer {token.get_secret_value()}",
                "Accept": "application/json",
                "User-Agent": "proving-ground",
            },
            timeout=TIMEOUT,
            transport=transport,
            follow_redirects=False,  # a redirected PUT would become a GET
            trust_env=httpx.URL(address).host not in LOOPBACK,  # a proxy does not reach ourselves
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """Make one call and return the JSON that EvalAI answers.

        Raises EvalAIBusy, EvalAIUnavailable, EvalAIRejected and EvalAIRefused.
        """
        try:
            answer = self._http.request(method, path, json=content)
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            raise EvalAIUnavailable(f"EvalAI does not answer {method} {path}: {reason}") from error
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            seconds = seconds_to_wait(answer)
            self._budget.hold(seconds)
            raise EvalAIBusy(seconds, "EvalAI allows no more calls at this moment")
        if answer.is_success:
            with contextlib.suppress(ValueError):
                return answer.json()
            raise EvalAIUnavailable(f"EvalAI answers {method} {path} with something but JSON")
        raise error_of(answer)


def check_server(server: str) -> str:
    """Return the address of a server without a slash at its end.

    Raises InputError unless it is https, or http on this machine.
    """
    try:
        url = httpx.URL(server.strip())
    except httpx.InvalidURL:
        url = httpx.URL("")
    is_safe = url.scheme == "https" or (url.scheme == "http" and url.host in LOOPBACK)
    is_bare = HOST.fullmatch(url.host) and url.path == "/" and not url.query and not url.userinfo
    if not (is_safe and is_bare):
        # The address itself is not repeated: it may hold a password.
        raise InputError(
            "api_server",
            "it is not the address of a server reached by https",
            "write it like https://eval.ai, without a path",
        )
    return str(url).rstrip("/")


def seconds_to_wait(answer: httpx.Response) -> float:
    """Return for how many seconds a 429 asks to wait, from its header or its words."""
    with contextlib.suppress(KeyError, ValueError):
        seconds = float(answer.headers["Retry-After"])
        if math.isfinite(seconds):
            return max(seconds, 1.0)
    found = WAIT_IN_WORDS.search(words_of(answer))
    return max(float(found[1]), 1.0) if found else DEFAULT_WAIT


def words_of(answer: httpx.Response) -> str:
    """Return EvalAI's own explanation: `error` or `detail` of the JSON, or the text."""
    text = answer.text
    with contextlib.suppress(ValueError, RecursionError):
        content = answer.json()
        if isinstance(content, dict):
            content = content.get("error") or content.get("detail") or content
        text = content if isinstance(content, str) else json.dumps(content)
    return text[:MOST_WORDS]


def error_of(answer: httpx.Response) -> Exception:
    """Return the error that an answer other than a success or a 429 is."""
    status, words = answer.status_code, words_of(answer)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return EvalAIRefused(words)
    if answer.is_redirect:
        return EvalAIRefused(f"it sends us on to {answer.headers.get('Location', '?')}")
    if status == HTTPStatus.REQUEST_TIMEOUT or answer.is_server_error:
        return EvalAIUnavailable(f"EvalAI answers {status}: {words[:200]}")
    if status == HTTPStatus.BAD_REQUEST and NOT_AUTHORISED in words:
        return EvalAIRefused(words)
    return EvalAIRejected(words, status)

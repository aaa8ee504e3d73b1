"""Requests to one cluster's API: sent, repeated where that changes nothing, and understood.

Whoever answers must hold the cluster's certificate: only then does it get to see a token.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import httpx
import stamina
from pydantic import BaseModel, ConfigDict

from glue.errors import InputError
from glue.leaderboard.kubernetes.errors import (
    Conflict,
    Gone,
    KubernetesError,
    KubernetesRefused,
    KubernetesUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.leaderboard.kubernetes.token import Tokens

Manifest = dict[str, Any]
Taken = TypeVar("Taken")

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
ATTEMPTS, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 3, 0.2, 2.0
PAGE = 200
LOOPBACK = ("127.0.0.1", "::1", "localhost")
UNAUTHORISED, NOT_FOUND, CONFLICT, GONE, BUSY, FAULT = 401, 404, 409, 410, 429, 500
BAD_REQUEST, FORBIDDEN = 400, 403


class Cluster(BaseModel):
    """A cluster as the leaderboard's secret names it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    endpoint: str
    certificate_authority: str


class Connection:
    """Connections to one cluster's API. `close` closes them."""

    def __init__(
        self,
        cluster: Cluster,
        tokens: Tokens,
        *,
        transport: httpx.BaseTransport | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Prepare connections; what may be repeated is tried `attempts` times.

        Raises InputError when the cluster's endpoint or certificate cannot be used.
        """
        self._tokens = tokens
        self._attempts = attempts
        self._http = httpx.Client(
            base_url=cluster.endpoint,
            verify=_trust(cluster),
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,  # no proxy of the surroundings gets to see the token
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def all(self, path: str, **parameters: str) -> list[Manifest]:
        """Return every entry of a list, page by page."""
        found: list[Manifest] = []
        asked = {name: value for name, value in parameters.items() if value}
        asked["limit"] = str(PAGE)
        while True:
            try:
                page = self.repeat("GET", path, take=json_of, parameters=asked)
            except Gone as gone:
                if "continue" not in asked:
                    raise
                # The list lay open for minutes and its next page is not kept any longer.
                raise KubernetesUnavailable(gone.message, gone.reason, gone.status) from gone
            found += page.get("items") or []
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return found
            asked["continue"] = following

    def repeat(
        self, method: str, path: str, *, take: Callable[[httpx.Response], Taken], **options: Any
    ) -> Taken:
        """Send a request whose repetition changes nothing, a few times if need be."""
        for attempt in stamina.retry_context(
            on=KubernetesUnavailable,
            attempts=self._attempts,
            timeout=None,
            wait_initial=FIRST_WAIT_SECONDS,
            wait_max=LONGEST_WAIT_SECONDS,
        ):
            with attempt:
                return self.send(method, path, take=take, **options)
        raise AssertionError("the last attempt returns or raises")

    def send(
        self,
        method: str,
        path: str,
        *,
        take: Callable[[httpx.Response], Taken],
        body: Manifest | None = None,
        parameters: dict[str, str] | None = None,
    ) -> Taken:
        """Send a request once, and once more with a fresh token if the token was refused.

        `take` reads what it wants of a good answer, which need not fit into memory.
        """
        token = self._tokens.current()
        for is_second in (False, True):
            headers = {"authorization": f"Bearer {token.get_secret_value()}"}
            request = self._http.build_request(
                method, path, params=parameters, json=body, headers=headers
            )
            try:
                response = self._http.send(request, stream=True)
                try:
                    if response.is_success:
                        return take(response)
                    response.read()
                finally:
                    response.close()
            except httpx.HTTPError as error:
                said = str(error) or type(error).__name__
                raise KubernetesUnavailable(f"{method} {path}: {said}") from error
            if response.status_code != UNAUTHORISED or is_second:
                raise _error(response)
            token = self._tokens.renew(token)
        raise AssertionError("the second time returns or raises")


def json_of(response: httpx.Response) -> Manifest:
    """Return the object that an answer is. Raises KubernetesUnavailable when it is none."""
    response.read()
    try:
        found = response.json()
    except ValueError as error:
        raise KubernetesUnavailable(
            "the answer is no JSON: something else than Kubernetes answers there",
            status=response.status_code,
        ) from error
    if not isinstance(found, dict):
        raise KubernetesUnavailable("the answer is no object", status=response.status_code)
    return found


def _trust(cluster: Cluster) -> ssl.SSLContext | bool:
    """Return what makes a connection to this cluster, and to nothing else, believable."""
    address = urlsplit(cluster.endpoint)
    if address.scheme == "http" and address.hostname in LOOPBACK:
        return True  # the stand-in on this machine
    if address.scheme != "https" or not address.hostname:
        raise InputError(
            "endpoint",
            f"{cluster.endpoint!r} is no address of a cluster",
            "write it as Terraform puts it out: https://….eks.amazonaws.com",
        )
    try:
        text = base64.b64decode(cluster.certificate_authority, validate=True).decode("ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody yet
        context.load_verify_locations(cadata=text)
    except (binascii.Error, ValueError, ssl.SSLError) as error:
        raise InputError(
            "certificate_authority",
            "is no certificate in PEM form, encoded in base64",
            "write it as Terraform puts it out",
        ) from error
    return context


def _error(response: httpx.Response) -> KubernetesError:
    """Return what an answer means, with Kubernetes' own words where it gave any."""
    status = response.status_code
    message, reason = f"answered {status}", ""
    try:
        said = response.json()
    except ValueError:
        said = None
    is_status = isinstance(said, dict) and said.get("kind") == "Status"
    if isinstance(said, dict) and is_status:
        message = str(said.get("message") or message)
        reason = str(said.get("reason") or "")
    if status == BUSY or status >= FAULT:
        after = response.headers.get("retry-after", "")
        seconds = float(after) if after.isdigit() else None
        return KubernetesUnavailable(message, reason, status, seconds)
    # Without Kubernetes' own form a proxy or a stranger answered: that says nothing of the Job.
    if not is_status:
        return KubernetesUnavailable(f"{message}, not in Kubernetes' form", reason, status)
    if status == FORBIDDEN and "exceeded quota" in message:
        return KubernetesUnavailable(message, reason, status)  # there is room another time
    if status == CONFLICT:
        return Conflict(message, reason, status)
    if status in (NOT_FOUND, GONE):
        return Gone(message, reason, status)
    return KubernetesRefused(message, reason, status)

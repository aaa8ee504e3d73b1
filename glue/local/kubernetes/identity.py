"""Who sends a request: the token is a signed question to STS, and the local STS answers it.

As on EKS the name of the cluster is part of what was signed, so that a token for another cluster
is worthless here, and a token is good for 15 minutes after it was signed.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx

from glue.local.kubernetes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "k8s-aws-v1."
HEADER = "x-k8s-aws-id"
LIFETIME_SECONDS, CLOCK_SECONDS = 15 * 60, 5 * 60
LONGEST_TOKEN, MOST_KNOWN = 16 * 1024, 1000
ARN = re.compile(r"<Arn>(arn:[^<]+)</Arn>")
OK = 200


def unauthorised() -> Problem:
    """Return the answer to every token that is not good; it does not say why, as on EKS."""
    return Problem(401, "Unauthorized", "Unauthorized")


class Identities:
    """Turns tokens into ARNs with the help of one STS. `clock` tells seconds since 1970."""

    def __init__(
        self,
        endpoint: str,
        cluster: str,
        clock: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.cluster, self.clock = cluster, clock
        self._known: dict[str, tuple[str, float]] = {}
        self._http = httpx.AsyncClient(transport=transport, timeout=10.0, trust_env=False)

    async def of(self, authorization: str) -> str:
        """Return the ARN of who signed a request's token. Raises Problem 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.startswith(PREFIX) or len(token) > LONGEST_TOKEN:
            raise unauthorised()
        known = self._known.get(token)
        if known is not None and self.clock() < known[1]:
            return known[0]
        query, until = self._question(token)
        # Only ever this STS is asked, whatever address the token names.
        try:
            answer = await self._http.get(
                f"{self.endpoint}/?{query}", headers={HEADER: self.cluster}
            )
        except httpx.HTTPError as error:
            raise Problem(500, "InternalError", f"STS does not answer: {error}") from error
        found = ARN.search(answer.text)
        if answer.status_code != OK or found is None:
            raise unauthorised()
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[token] = (found[1], until)
        return found[1]

    async def close(self) -> None:
        """Close the connections to STS."""
        await self._http.aclose()

    def _question(self, token: str) -> tuple[str, float]:
        """Return the signed query of a token and when it ends. Raises Problem 401."""
        encoded = token.removeprefix(PREFIX)
        try:
            padded = encoded + "=" * (-len(encoded) % 4)
            address = urlsplit(base64.b64decode(padded, b"-_", validate=True).decode("ascii"))
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            signed = datetime.strptime(asked["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            seconds = int(asked["X-Amz-Expires"])
        except (ValueError, KeyError, binascii.Error) as error:
            raise unauthorised() from error
        headers = asked.get("X-Amz-SignedHeaders", "").split(";")
        until = signed.timestamp() + LIFETIME_SECONDS
        is_good = (
            asked.get("Action") == "GetCallerIdentity"
            and {"host", HEADER} <= set(headers)
            and 0 < seconds <= LIFETIME_SECONDS
            and signed.timestamp() - CLOCK_SECONDS <= self.clock() < until
            and address.netloc == urlsplit(self.endpoint).netloc
        )
        if not is_good:
            raise unauthorised()
        return address.query, until

"""A stranger's request, sent over real HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 20.0
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def status_of(method: str, url: str, headers: Mapping[str, str]) -> int:
    """Return the status that a request is answered with; a POST carries an empty JSON object.

    Raises OSError when nobody answers.
    """
    body = json.dumps({}).encode() if method == "POST" else None
    request = urllib.request.Request(  # noqa: S310 - the address is Terraform's
        url, data=body, method=method, headers={"Content-Type": "application/json", **headers}
    )
    # No proxy stands between this machine and itself, whatever the shell says.
    proxies = [urllib.request.ProxyHandler({})] if urlsplit(url).hostname in LOOPBACK else []
    try:
        with urllib.request.build_opener(*proxies).open(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code

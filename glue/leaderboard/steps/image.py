"""The image of a submission from the file that EvalAI keeps of it.

EvalAI's message leaves the image out when EvalAI could not read that file; a little later it may
be readable.
"""

from __future__ import annotations

import json

import httpx

from glue.leaderboard.evalai.messages import IMAGE
from glue.leaderboard.evalai.transport import HOST, LOOPBACK
from glue.leaderboard.telemetry import logger

KEY = "submitted_image_uri"
TIMEOUT = httpx.Timeout(5.0)
LARGEST = 64 * 1024  # bytes of a file that holds one address


def image_of(address: str | None, transport: httpx.BaseTransport | None = None) -> str | None:
    """Return the image that the file at an address names, or None if that cannot be found out.

    The file is fetched without EvalAI's token: it may lie anywhere.
    """
    try:
        url = httpx.URL(address or "")
    except httpx.InvalidURL:
        return None
    is_local = url.scheme == "http" and url.host in LOOPBACK
    if not (is_local or url.scheme == "https") or not HOST.fullmatch(url.host):
        return None
    try:
        with (
            httpx.Client(timeout=TIMEOUT, transport=transport, trust_env=not is_local) as client,
            client.stream("GET", url) as answer,
        ):
            answer.raise_for_status()
            content = b""
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    return None
        found = json.loads(content)
    except (httpx.HTTPError, ValueError, RecursionError) as error:
        logger.info("the submission's file cannot be read", error=type(error).__name__)
        return None
    image = found.get(KEY) if isinstance(found, dict) else None
    return image if isinstance(image, str) and IMAGE.fullmatch(image) else None

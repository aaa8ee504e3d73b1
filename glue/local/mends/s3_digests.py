"""Large bodies are hashed beside the event loop.

On AWS S3 serves many requests at once. MiniStack 1.5.33 does everything on one thread, also the MD5
of each body for its ETag and the checksums it is sent with: 35 ms for a part of 16 MiB, during
which nobody else is served. Here threads do that before the request is handled, for every
request with a large body, whoever sends it; what is compared and stored stays the same.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

HASHED_ASIDE_FROM = 256 * 1024  # bytes; a smaller body is hashed sooner than handed over
EXPECTED_S3 = {
    "handle_request": "0856144f19e7",
    "_compute_s3_checksum": "54107acfb75c",
    "_merge_hoisted_amz_headers": "a5a59e787af3",
    "md5_hash": "684497c2d6dd",
}

threads = ThreadPoolExecutor(max(2, os.cpu_count() or 2), "bodies")


@dataclass
class Digests:
    """What is known of the body of the request at hand, by algorithm (MD5 as hex)."""

    body: Any
    values: dict[str, str | None] = field(default_factory=dict)


_known: ContextVar[Digests | None] = ContextVar("known_digests", default=None)


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the hashing of bodies. Raises MendError if it is another emulator."""
    from ministack.services import s3

    expect(s3, EXPECTED_S3)
    compute, md5_hash, handle_request = s3._compute_s3_checksum, s3.md5_hash, s3.handle_request

    def compute_checksum(algorithm: str, body: Any) -> str | None:
        known, name = _known.get(), _name(algorithm)
        if known is not None and known.body is body and name in known.values:
            return known.values[name]
        result: str | None = compute(algorithm, body)
        return result

    def compute_md5(body: Any) -> str:
        known = _known.get()
        if known is not None and known.body is body and (found := known.values.get("MD5")):
            return found
        result: str = md5_hash(body)
        return result

    async def hashing_first(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        *others: Any,
        **named: Any,
    ) -> Any:
        if method != "PUT" or len(body) < HASHED_ASIDE_FROM:
            return await handle_request(method, path, headers, body, query_params, *others, **named)
        names = algorithms(s3, headers, query_params)
        loop = asyncio.get_running_loop()
        work = [loop.run_in_executor(threads, md5_hash, body)]
        work += [loop.run_in_executor(threads, compute, name, body) for name in names]
        values = await asyncio.gather(*work)
        token = _known.set(Digests(body, dict(zip(("MD5", *names), values, strict=True))))
        try:
            return await handle_request(method, path, headers, body, query_params, *others, **named)
        finally:
            _known.reset(token)

    s3._compute_s3_checksum = compute_checksum
    s3.md5_hash = compute_md5
    s3.handle_request = hashing_first


def algorithms(s3: Any, headers: dict[str, str], query: dict[str, Any]) -> list[str]:
    """Return the checksums that handling a request will ask for."""
    merged = s3._merge_hoisted_amz_headers(headers, query)
    names = {
        _name(name) for name in s3._S3_CHECKSUM_HEADERS if merged.get(f"x-amz-checksum-{name}")
    }
    names.add(_name(merged.get("x-amz-sdk-checksum-algorithm") or ""))
    upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
    names.add(_name((upload or {}).get("checksum_algorithm") or ""))
    return sorted(names - {""})


def _name(algorithm: str) -> str:
    return (algorithm or "").upper().replace("_", "")

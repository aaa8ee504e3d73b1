"""Times as the table keeps them: UTC in ISO 8601, all of one length, so that they sort as text."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_text(seconds: float) -> str:
    """Return seconds since 1970 as text such as `2026-11-20T17:05:00.000Z`."""
    time = datetime.fromtimestamp(seconds, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(text: str) -> float:
    """Return a time written by `utc_text` (or any ISO 8601 with a zone) as seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()

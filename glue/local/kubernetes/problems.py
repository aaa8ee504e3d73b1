"""What the stand-in answers instead of what was asked for, in Kubernetes' own form."""

from __future__ import annotations

from typing import Any


class Problem(Exception):  # noqa: N818 - reads as a finding
    """An answer of kind `Status`."""

    def __init__(self, code: int, reason: str, message: str, retry_after: int | None = None):
        super().__init__(code, reason, message)
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the answer."""
        details = {"details": {"retryAfterSeconds": self.retry_after}} if self.retry_after else {}
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
            **details,
        }


def not_found(kind: str, name: str) -> Problem:
    """Return the answer for an object that there is not."""
    return Problem(404, "NotFound", f'{kind} "{name}" not found')


def invalid(kind: str, name: str, what: str) -> Problem:
    """Return the answer for an object that is against the schema or its rules."""
    return Problem(422, "Invalid", f'{kind} "{name}" is invalid: {what}')


def bad_request(what: str) -> Problem:
    """Return the answer for a request that cannot be understood."""
    return Problem(400, "BadRequest", what)


def forbidden(what: str) -> Problem:
    """Return the answer for what is understood and not allowed."""
    return Problem(403, "Forbidden", what)


def unsupported(what: str) -> Problem:
    """Return the answer for what a cluster can do and this stand-in cannot."""
    return Problem(501, "NotImplemented", f"this is a stand-in for Kubernetes: {what}")

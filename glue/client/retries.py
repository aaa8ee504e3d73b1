"""When to try again, and how long to go on trying."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import stamina
import stamina.instrumentation

from glue.errors import InputError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

FIRST_WAIT = 0.2  # seconds before the second try; it doubles from there
JITTER = 0.5  # seconds, at random on top of it
LONGEST_WAIT = 20.0  # seconds between two tries; longer only when the server asks for it
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers that may change by waiting
LONGEST_RETRY_AFTER = 300.0  # seconds

# The callers say what happens; stamina's own log lines would only tear the progress bar.
stamina.instrumentation.set_on_retry_hooks([])


class TemporaryError(Exception):
    """Something that may go well the next time: a broken connection, 429, 5xx.

    `retry_after` is the number of seconds the server asks to wait, if it did. `answered` tells
    that the server said no; without an answer the request may have been carried out all the same.
    """

    def __init__(
        self, message: str, retry_after: float | None = None, *, answered: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.answered = answered


class GaveUpError(InputError):
    """What was temporary has lasted longer than the caller's patience."""

    def __init__(self, field: str, cause: TemporaryError, remedy: str) -> None:
        super().__init__(field, str(cause), remedy, "unreachable")


class StoppedError(Exception):
    """The work was called off from outside: another part failed, or somebody pressed Ctrl-C."""


def attempts(
    patience: float | None, stop: threading.Event | None = None, most: int | None = None
) -> Iterator[stamina.Attempt]:
    """Yield attempts with growing, jittered waits while `TemporaryError` is raised in them.

    `patience` is in seconds (None: for ever), `most` limits the number of attempts, and a set
    `stop` ends the trying. The last `TemporaryError` is let through.
    """

    def decide(error: Exception) -> bool | float:
        if not isinstance(error, TemporaryError) or (stop is not None and stop.is_set()):
            return False
        if error.retry_after is not None:
            return min(max(error.retry_after, 0.0), LONGEST_RETRY_AFTER)
        return True

    return iter(
        stamina.retry_context(
            on=decide,
            attempts=most,
            timeout=patience,
            wait_initial=FIRST_WAIT,
            wait_max=LONGEST_WAIT,
            wait_jitter=JITTER,
        )
    )


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for; None for none or a date."""
    try:
        return float(value) if value else None
    except ValueError:
        return None


def check_certificate(error: BaseException | None, address: str) -> None:
    """Raise `InputError` when a connection failed because the server cannot prove who it is.

    Such a failure does not go away by waiting.
    """
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            raise InputError(
                "url",
                f"{address} cannot prove its identity: {error.verify_message}",
                "correct the url in the profile, or set SSL_CERT_FILE to your own authorities",
                "certificate",
            ) from error
        error = error.__cause__ or error.__context__

"""What is known about one folder: what of it was sent, and what is left out.

Only digests of names are kept, and no more than may be sent, so that memory stays small whatever
somebody puts there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from glue.uploader.log import say, show
from glue.uploader.settings import RESULTS

if TYPE_CHECKING:
    from pathlib import Path

    from glue.uploader.settings import Limits
    from glue.uploader.walk import Signature

LONGEST_KEY = 1024  # bytes, S3's own limit
LONGEST_PAUSE = 600.0  # seconds between two sendings of a file that never rests
# A file may change again within the same tick of the clock that dates its changes.
TICK_NANOSECONDS = 100_000_000
_MOST_NAMED = 20  # of what is left out; the rest is counted


class Sent(NamedTuple):
    """A file as it was sent last: `again` is when it may go the next time, if it has changed."""

    size: int
    times: int
    again: float
    signature: Signature | None  # None: it changed meanwhile


class Folder:
    """One folder and what has become of what was in it."""

    def __init__(self, key: str, path: Path, limits: Limits) -> None:
        self.key, self.path, self.limits = key, path, limits
        self.is_results = key.rpartition("/")[2] == RESULTS
        self.files_sent = self.bytes_sent = 0
        self.left_out: Counter[str] = Counter()
        self._sent: dict[bytes, Sent] = {}
        self._refused: dict[bytes, tuple[Signature, str]] = {}
        self._stored = 0
        self._named = 0
        self._seen: set[bytes] = set()

    def begin(self) -> None:
        """Begin a pass: what is left out is counted anew."""
        self.left_out.clear()

    def leave_out(self, path: str, reason: str) -> None:
        """Count what is not sent, and say so, at most once and not for ever."""
        self.left_out[reason] += 1
        digest = _digest(path)
        if digest in self._seen or self._named > _MOST_NAMED:
            return
        self._named += 1
        if self._named > _MOST_NAMED:
            say(f"{self.key}: more is left out, and counted at the end")
            return
        self._seen.add(digest)
        say(f"{self.key}: left out {show(path)}: {reason}")

    def refusal(self, path: str, signature: Signature, prefix: str, largest: int) -> str | None:
        """Return why a file may not be sent, None if it may."""
        if len(f"{prefix}{self.key}/{path}".encode()) > LONGEST_KEY:
            return "its name is too long for S3"
        if signature.size > largest:
            return f"larger than {largest} bytes"
        digest = _digest(path)
        held = self._sent.get(digest)
        if held is None and len(self._sent) >= self.limits.files:
            return f"more than {self.limits.files} files"
        if self._stored - (held.size if held else 0) + signature.size > self.limits.bytes:
            return f"more than {self.limits.bytes} bytes in all"
        refused = self._refused.get(digest)
        if refused is not None and refused[0] == signature:
            return refused[1]
        return None

    def is_due(self, path: str, signature: Signature, now: float) -> bool:
        """Tell whether a file is to be sent: it is new, or it has changed and rested enough."""
        held = self._sent.get(_digest(path))
        return held is None or (held.signature != signature and now >= held.again)

    def is_sent(self, path: str, signature: Signature) -> bool:
        """Tell whether a file stands in S3 as it is."""
        held = self._sent.get(_digest(path))
        return held is not None and held.signature == signature

    def note_sent(
        self, path: str, signature: Signature, *, is_settled: bool, now: float, period: float
    ) -> None:
        """Remember what was sent.

        Results go whenever they change. Another file that changes all the time goes at growing
        intervals, so that it cannot keep the uploader and S3 busy.
        """
        digest = _digest(path)
        held = self._sent.get(digest)
        times = held.times + 1 if held else 1
        pause = 0.0 if self.is_results else min(period * 2 ** min(times - 1, 20), LONGEST_PAUSE)
        self._stored += signature.size - (held.size if held else 0)
        again = now + pause
        self._sent[digest] = Sent(signature.size, times, again, signature if is_settled else None)
        self.files_sent += 1
        self.bytes_sent += signature.size

    def note_refused(self, path: str, signature: Signature, reason: str) -> None:
        """Remember that S3 does not want a file as it is."""
        if len(self._refused) < self.limits.files:
            self._refused[_digest(path)] = (signature, reason)

    def summary(self) -> str:
        """Return a line about what was sent and what was not."""
        text = f"{self.key}: {len(self._sent)} files, {self._stored} bytes"
        if self.left_out:
            counts = ", ".join(f"{n} {reason}" for reason, n in sorted(self.left_out.items()))
            text += f"; left out: {counts}"
        return text


def _digest(path: str) -> bytes:
    return hashlib.blake2b(path.encode(errors="surrogatepass"), digest_size=16).digest()

"""Which leaderboard and track a phase of a challenge belongs to: the secret `evalai-tracks`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "evalai-tracks"  # noqa: S105 - a name
LEADERBOARD = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
CODENAME = re.compile(r"[A-Z][A-Z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Track:
    """A track such as SENSORS of a leaderboard such as leaderboard-10."""

    leaderboard: str
    codename: str

    @classmethod
    def read(cls, text: str) -> Track:
        """Return the track that a value of the secret names.

        It is written `leaderboard-10-SENSORS` or `leaderboard-10:SENSORS`. Raises InputError for
        anything else.
        """
        separator = ":" if ":" in text else "-"
        leaderboard, _, codename = text.rpartition(separator)
        if not LEADERBOARD.fullmatch(leaderboard) or not CODENAME.fullmatch(codename):
            raise InputError(
                "track",
                f"{text[:80]!a} does not name a leaderboard and a track",
                "write it like leaderboard-10-SENSORS or leaderboard-10:SENSORS",
            )
        return cls(leaderboard, codename)

    def __str__(self) -> str:
        return f"{self.leaderboard}-{self.codename}"


def find_track(tracks: Mapping[str, str], phase: int) -> Track:
    """Return the track of a phase; `tracks` is the content of the secret `evalai-tracks`.

    Raises InputError when the phase is not in the secret, or its value names no track.
    """
    text = tracks.get(str(phase))
    if text is None:
        known = ", ".join(sorted(tracks)[:20]) or "none"
        raise InputError(
            "phase_pk",
            f"phase {phase} belongs to no track (known phases: {known})",
            f'add "{phase}": "<leaderboard>-<TRACK>" to the secret {SECRET}',
        )
    return Track.read(text)

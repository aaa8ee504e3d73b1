"""What the catalogue knows of a recording, as plain immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

State = Literal["incomplete", "complete", "quarantined", "processed"]
Kind = Literal["raw", "processed"]

STATES: tuple[State, ...] = ("incomplete", "complete", "quarantined", "processed")
FINDABLE: tuple[State, ...] = ("complete", "processed")
LARGEST_EXACT_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class Attribute:
    """One named value of a recording's metadata: either `number` or `text` is set."""

    name: str
    number: float | None = None
    text: str | None = None
    unit: str | None = None

    @property
    def value(self) -> float | int | str:
        """The value as JSON shows it: 3 rather than 3.0."""
        if self.number is None:
            return self.text or ""
        if self.number.is_integer() and abs(self.number) <= LARGEST_EXACT_INTEGER:
            return int(self.number)
        return self.number


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object in S3 that belongs to a recording.

    `size` is in bytes, `sha256` the hex digest of the whole file, `step` names the processing
    step and its version (None for raw objects), `source_version_id` the raw version that a
    processed object was made from.
    """

    key: str
    kind: Kind
    size: int
    sha256: str | None
    version_id: str | None
    step: str | None = None
    source_version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording with its state; `reason` says why it is not complete or not processed."""

    recording: str
    state: State
    device: str | None
    reason: str | None = None
    recorded_at: datetime | None = None
    attributes: tuple[Attribute, ...] = ()
    objects: tuple[StoredObject, ...] = field(default=())

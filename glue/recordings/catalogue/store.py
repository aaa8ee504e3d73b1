"""Changes to the catalogue: each is one transaction, safe to repeat and to run in parallel.

States go one way: incomplete, then complete or quarantined, then processed. Events arrive twice
and in any order, so a change that an older event asks for leaves what is settled as it is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from glue.errors import Conflict
from glue.recordings.catalogue import statements
from glue.recordings.catalogue.search import Search, recording_of
from glue.recordings.records import FINDABLE, Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glue.recordings.catalogue.engine import Session, Statement
    from glue.recordings.records import Attribute, State, StoredObject

LONGEST_REASON = 2000  # characters
CLAIMED = "nothing has arrived yet"

Result = TypeVar("Result")


def _now() -> datetime:
    return datetime.now(UTC)


def _fit(reason: str | None) -> str | None:
    """Return a reason that every database can keep: no NUL, no lone surrogates, not too long."""
    if reason is None:
        return None
    text = reason.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 3]}..."


class Catalogue(Search):
    """The catalogue of an engine, to read and to change."""

    def claim(self, recording: str, device: str) -> Recording:
        """Give a name to a device; raise `Conflict` when another one has it."""

        def work(change: _Change) -> Recording:
            before = change.before
            if before is None:
                return change.write(Recording(recording, "incomplete", device, CLAIMED))
            if before.device is None:
                return change.write(replace(before, device=device))
            if before.device != device:
                raise Conflict(
                    "recording",
                    f"{recording!r} belongs to another device",
                    "ship the folder under another name, such as one with the rig's name in it",
                )
            return before

        return self._change(recording, work)

    def hold(self, recording: str, state: State, reason: str, *, again: bool = False) -> Recording:
        """Note that a recording is incomplete or quarantined, and why.

        What is complete stays so, and what is quarantined does not become incomplete, unless
        `again` says that the recording is being looked at anew on request.
        """
        fitted = _fit(reason)

        def work(change: _Change) -> Recording:
            before = change.before
            if before is None:
                return change.write(Recording(recording, state, None, fitted))
            if before.state in FINDABLE:
                return before
            if before.state == state:
                return change.explain(fitted)
            if before.state == "quarantined" and not again:
                return before
            return change.write(replace(before, state=state, reason=fitted))

        return self._change(recording, work)

    def settle(
        self,
        recording: str,
        recorded_at: datetime | None,
        attributes: Sequence[Attribute],
        objects: Sequence[StoredObject],
    ) -> bool:
        """Note that a recording is complete, with all there is to know about it.

        Returns whether this call did it: False when it was complete already.
        """

        def work(change: _Change) -> bool:
            before = change.before
            if before is not None and before.state in FINDABLE:
                # A second attempt may follow a commit whose answer was lost: then it was us.
                return change.attempt > 1
            change.run(statements.delete_attributes(recording))
            change.run(*statements.insert_attributes(recording, attributes))
            change.run(statements.delete_objects(recording, "raw"))
            change.run(*statements.insert_objects(recording, objects))
            device = before.device if before is not None else None
            change.write(Recording(recording, "complete", device, None, recorded_at))
            return True

        return self._change(recording, work)

    def add_processed(
        self, recording: str, objects: Sequence[StoredObject], *, finished: bool
    ) -> None:
        """Note processed objects, and that the current step is finished with the recording."""

        def work(change: _Change) -> None:
            if change.before is None or change.before.state not in FINDABLE:
                return
            if objects:
                keys = [stored.key for stored in objects]
                for start in range(0, len(keys), statements.ROWS_PER_INSERT):
                    some = keys[start : start + statements.ROWS_PER_INSERT]
                    change.run(statements.delete_objects(recording, "processed", some))
                change.run(*statements.insert_objects(recording, objects))
            if finished:
                change.write(replace(change.before, state="processed", reason=None))

        self._change(recording, work)

    def explain(self, recording: str, reason: str) -> None:
        """Note why a complete recording is not processed yet."""

        def work(change: _Change) -> None:
            if change.before is not None and change.before.state == "complete":
                change.explain(_fit(reason))

        self._change(recording, work)

    def _change(self, recording: str, work: Callable[[_Change], Result]) -> Result:
        def run(session: Session, attempt: int) -> Result:
            return work(_Change(session, recording, attempt))

        return self._with_schema(lambda: self._engine.exclusive(recording, run))


class _Change:
    """One transaction on one recording, with what it was before."""

    def __init__(self, session: Session, recording: str, attempt: int) -> None:
        self._session = session
        self.attempt = attempt
        rows = session.rows(statements.read_recordings([recording]))
        self.before = recording_of(rows[0]) if rows else None

    def run(self, *changes: Statement) -> None:
        for change in changes:
            self._session.rows(change)

    def write(self, after: Recording) -> Recording:
        if after != self.before:
            known = self.before is not None
            self.run(statements.write_recording(after, _now(), known=known))
        return after

    def explain(self, reason: str | None) -> Recording:
        """Change the reason only, so that the time of the last change of state stays."""
        if self.before is None:
            raise TypeError("only a known recording can be explained")
        if reason != self.before.reason:
            self.run(statements.write_reason(self.before.recording, reason))
        return replace(self.before, reason=reason)

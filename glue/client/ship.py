"""A folder to the platform: data first, then the manifest, the metadata text last."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from glue.client.journal import Journal, default_path
from glue.client.progress import progress_for
from glue.client.retries import GaveUpError
from glue.client.scan import compare_digests, scan
from glue.client.session import path_of
from glue.client.transfer import Options, Transfer
from glue.client.transport import Transport
from glue.client.upload import Tally
from glue.client.watch import Watcher
from glue.errors import Conflict, Forbidden, InputError, NotFound, Unauthorised
from glue.recordings.names import MANIFEST_NAME, object_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from glue.client.progress import Progress
    from glue.client.scan import Plan
    from glue.client.session import Json, Session

__all__ = ["Options", "Shipped", "Shipper", "plan_folders", "ship_folders", "watch_folder"]

Outcome = Literal["shipped", "already there", "planned", "failed"]


@dataclass(frozen=True, slots=True)
class Shipped:
    """How the shipping of one folder ended; sizes in bytes.

    `temporary` says that trying again may help, with no change to the folder.
    """

    recording: str
    state: Outcome
    bytes: int
    bytes_sent: int
    parts_sent: int
    seconds: float
    reason: str | None = None
    temporary: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return the form of `glue recordings ship --json`."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


class Shipper:
    """Ships folders one after the other over shared connections."""

    def __init__(
        self,
        session: Session,
        transport: Transport,
        journal: Journal,
        progress: Progress,
        options: Options,
    ) -> None:
        self._session = session
        self._transport = transport
        self.journal = journal
        self.progress = progress
        self._options = options
        self.address = session.profile.url

    def ship(self, folder: Path) -> Shipped:
        """Ship a folder. What fails for good is written down here and reported to the platform."""
        began = time.monotonic()
        tally = Tally(self.progress.moved)
        try:
            return self._ship(folder, began, tally)
        except (InputError, OSError) as problem:
            error = problem if isinstance(problem, InputError) else _from_system(problem)
            reason = str(error)
            name = folder.absolute().name
            self._report(name, folder, error)
            return Shipped(
                name,
                "failed",
                0,
                tally.bytes_sent,
                tally.parts_sent,
                time.monotonic() - began,
                reason,
                _may_pass(error),
            )

    def _report(self, name: str, folder: Path, error: InputError) -> None:
        _say_error(self.progress, error)
        path = self.journal.record_failure(name, folder, str(error))
        self.progress.say(f"  written to {path}")
        if isinstance(error, GaveUpError):
            return  # who cannot be reached cannot be told
        try:
            self._session.post("/failures", {"recording": name[:300], "reason": str(error)[:1000]})
        except InputError as problem:
            self.progress.say(f"  the platform could not be told: {problem}")

    def _ship(self, folder: Path, began: float, tally: Tally) -> Shipped:
        plan = scan(folder, self._options.metadata, self._options.check)
        _say_remarks(self.progress, plan)
        outcome: Outcome = "failed"
        self.progress.begin(plan.recording, plan.size)
        try:
            with self.journal.hold(plan.folder):
                outcome, reason = self._transfer(plan, tally)
        finally:
            self.progress.end(outcome)
        return Shipped(
            plan.recording,
            outcome,
            plan.size,
            tally.bytes_sent,
            tally.parts_sent,
            time.monotonic() - began,
            reason,
        )

    def _transfer(self, plan: Plan, tally: Tally) -> tuple[Outcome, str | None]:
        work = Transfer(plan, self._session, self.journal, tally, self._options)
        work.hashed = self.progress.hashed
        with work:
            claim = self._session.post("/recordings", {"recording": plan.recording})
            if plan.own_manifest is not None or claim.get("state") in ("complete", "processed"):
                digests = {file.name: work.entry(file).sha256 for file in plan.files}
                if plan.own_manifest is not None and self._options.check:
                    compare_digests(plan.own_manifest, digests)
                if self._known(plan, digests):
                    tally.moved(plan.size)
                    return "already there", None
            sent = work.run(self._transport)
        reason = None
        if not sent:
            try:
                found = self._session.get(path_of("recordings", plan.recording))
                reason = found.get("reason")
            except NotFound:
                reason = None  # not ingested yet
        return ("shipped" if sent else "already there"), reason

    def _known(self, plan: Plan, digests: dict[str, str]) -> bool:
        """Tell whether the catalogue has just these files; raise `Conflict` when it has others."""
        try:
            recording = self._session.get(path_of("recordings", plan.recording))
        except NotFound:
            return False
        if recording.get("state") not in ("complete", "processed"):
            return False
        stored = _raw_digests(recording)
        if stored == {object_key(plan.recording, name): sha for name, sha in digests.items()}:
            return True
        for name, sha in digests.items():
            if stored.get(object_key(plan.recording, name)) != sha:
                raise _other_content(plan.recording, name)
        here = {object_key(plan.recording, name) for name in digests}
        missing = min(stored.keys() - here)
        raise _other_content(plan.recording, missing.rpartition("/")[2])


def plan_folders(
    folders: Sequence[Path], options: Options, progress: Progress | None = None
) -> list[Shipped]:
    """Check folders as shipping would, without sending or reporting anything."""
    say = progress or progress_for()
    results = []
    for folder in folders:
        began = time.monotonic()
        try:
            plan = scan(folder, options.metadata, options.check)
        except InputError as error:
            _say_error(say, error)
            name, reason = folder.absolute().name, str(error)
            results.append(Shipped(name, "failed", 0, 0, 0, time.monotonic() - began, reason))
        else:
            _say_remarks(say, plan)
            took = time.monotonic() - began
            results.append(Shipped(plan.recording, "planned", plan.size, 0, 0, took))
    return results


def _say_error(progress: Progress, error: InputError) -> None:
    progress.say(f"error: {error.field}: {error.message}")
    progress.say(f"  what to do: {error.remedy}")


def _say_remarks(progress: Progress, plan: Plan) -> None:
    for warning in plan.warnings:
        progress.say(f"warning: {plan.recording}: {warning} (shipped unchecked)")
    for name in plan.ignored:
        progress.say(f"{plan.recording}: {name} is left out: its name starts with a dot")


def _from_system(error: OSError) -> InputError:
    return InputError(
        str(error.filename or "system"),
        error.strerror or str(error),
        "mend what the system complains of, then ship the folder again",
        "system",
    )


def ship_folders(
    folders: Sequence[Path], session: Session, options: Options, progress: Progress | None = None
) -> list[Shipped]:
    """Ship folders with the user's own journal; one that fails does not keep back the others."""
    with _shipper(session, options, progress) as shipper:
        return [shipper.ship(folder) for folder in folders]


def watch_folder(
    root: Path,
    session: Session,
    options: Options,
    quiet: float,
    progress: Progress | None = None,
) -> list[Shipped]:
    """Ship the sub folders of `root` as they become quiet, until SIGTERM or the session's stop."""
    with _shipper(session, options, progress) as shipper:
        watcher = Watcher(root, shipper, quiet)
        before = signal.signal(signal.SIGTERM, _stop_watching)
        try:
            return watcher.run(session.stop)
        except _StopWatching:
            shipper.progress.say("stopped; what is unfinished goes on at the next start")
            return list(watcher.shipped)
        finally:
            signal.signal(signal.SIGTERM, before)


class _StopWatching(BaseException):  # like KeyboardInterrupt, it is no error
    """SIGTERM has come."""


def _stop_watching(*_: object) -> None:
    raise _StopWatching


@contextmanager
def _shipper(session: Session, options: Options, progress: Progress | None) -> Iterator[Shipper]:
    with Transport() as transport, Journal(default_path()) as journal:
        yield Shipper(session, transport, journal, progress or progress_for(), options)


def _may_pass(error: InputError) -> bool:
    """Tell whether the cause of a failure lies outside the folder."""
    if isinstance(error, GaveUpError | Unauthorised | Forbidden):
        return True
    return error.code in ("busy", "changed", "lost", "certificate", "system")


def _raw_digests(recording: Json) -> dict[str, str]:
    manifest = object_key(str(recording["recording"]), MANIFEST_NAME)
    return {
        item["key"]: item["sha256"]
        for item in recording.get("objects", ())
        if item["kind"] == "raw" and item["key"] != manifest
    }


def _other_content(recording: str, name: str) -> Conflict:
    return Conflict(
        name,
        f"recording {recording} is complete already, and this file differs from what it holds",
        "raw data is never changed: ship the folder under another name",
    )

"""One look through all folders, sending what is due: results first, and again meanwhile."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from glue.uploader.folder import TICK_NANOSECONDS
from glue.uploader.log import say, show
from glue.uploader.post import Outcome, Poster, Verdict
from glue.uploader.walk import Refused, Signature, look, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glue.uploader.folder import Folder
    from glue.uploader.form import Form
    from glue.uploader.walk import Entry

ATTEMPTS = 4  # at one file, when the fault is nobody's
FIRST_PAUSE = 0.5  # seconds before the second attempt; it doubles
MOST_REFUSALS = 3  # of the form, one after the other, before a folder waits for the next form
MOST_CUTS = 3  # a file that becomes shorter each time it is read


class Unreachable(Exception):  # noqa: N818 - reads as a finding
    """S3 cannot be reached, or does not want to: another pass may."""


class Interrupted(Exception):  # noqa: N818 - reads as a finding
    """The pass is to end here."""


class Pass:
    """One look. `is_over` says when something else goes first; `is_last` sends what rests not.

    `unsent` counts files that may be sent and were not.
    """

    def __init__(  # noqa: PLR0913 - what a look needs
        self,
        folders: Sequence[Folder],
        form: Form,
        poster: Poster,
        *,
        period: float,
        is_over: Callable[[], bool],
        pause: Callable[[float], None],
        is_last: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.results = [folder for folder in folders if folder.is_results]
        self.others = [folder for folder in folders if not folder.is_results]
        self.form, self.poster, self.period, self.is_last = form, poster, period, is_last
        self.is_over, self.pause, self.clock = is_over, pause, clock
        self.unsent = self.refusals = 0
        self.trouble = ""
        self._next_results = 0.0

    def run(self) -> None:
        """Send what is due. Raises Interrupted, Unreachable."""
        self._send_results()
        for folder in self.others:
            self._folder(folder)

    def _send_results(self) -> None:
        for folder in self.results:
            self._folder(folder)
        self._next_results = self.clock() + self.period

    def _folder(self, folder: Folder) -> None:
        folder.begin()
        refusals = 0
        try:
            for entry in walk(str(folder.path), folder.limits.entries):
                if self.is_over():
                    raise Interrupted
                if not folder.is_results and self.clock() >= self._next_results:
                    self._send_results()
                verdict = self._entry(folder, entry)
                if verdict is Verdict.OLD_FORM:
                    refusals += 1
                    if refusals >= MOST_REFUSALS:
                        return
                elif verdict is Verdict.SENT:
                    refusals = 0
        except OSError as error:
            self.unsent += 1
            self._note(f"{folder.key}: {folder.path} cannot be read ({type(error).__name__})")

    def _entry(self, folder: Folder, entry: Entry) -> Verdict | None:
        """Send what an entry is, if it is due; return what became of it."""
        if entry.signature is None:
            folder.leave_out(entry.path, entry.refusal)
            return None
        if not self._may(folder, entry.path, entry.signature):
            return None
        for _ in range(MOST_CUTS):
            try:
                file, signature = entry.open()
            except Refused as refused:
                folder.leave_out(entry.path, str(refused))
                return None
            try:
                if not self._may(folder, entry.path, signature):
                    return None
                outcome = self._send(folder, entry, file, signature)
            finally:
                os.close(file)
            if outcome.verdict is not Verdict.CUT:
                return self._conclude(folder, entry.path, signature, outcome)
            if not self.is_last:
                break
        folder.leave_out(entry.path, Verdict.CUT.value)
        return None

    def _may(self, folder: Folder, path: str, signature: Signature) -> bool:
        if folder.is_sent(path, signature):
            return False
        largest = folder.limits.largest_bytes
        if self.form.largest_bytes is not None:
            largest = min(largest, self.form.largest_bytes)
        refusal = folder.refusal(path, signature, self.form.prefix, largest)
        if refusal is not None:
            folder.leave_out(path, refusal)
            return False
        return self.is_last or folder.is_due(path, signature, self.clock())

    def _send(self, folder: Folder, entry: Entry, file: int, signature: Signature) -> Outcome:
        """Send an open file, again and again while the fault is nobody's."""
        key = f"{self.form.prefix}{folder.key}/{entry.path}"
        opened = time.time_ns()
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            outcome = self.poster.post(self.form, key, file, signature.size, self.is_over)
            if outcome.verdict is not Verdict.FAILED or attempt == ATTEMPTS:
                break
            self.pause(pause)
            if self.is_over():
                raise Interrupted
            pause *= 2
        if outcome.verdict is Verdict.SENT:
            try:
                is_same = look(os.fstat(file), entry.device) == signature
            except Refused:
                is_same = False
            folder.note_sent(
                entry.path, signature, now=self.clock(), period=self.period,
                is_settled=is_same and signature.changed < opened - TICK_NANOSECONDS,
            )  # fmt: skip
        return outcome

    def _conclude(
        self, folder: Folder, path: str, signature: Signature, outcome: Outcome
    ) -> Verdict:
        verdict = outcome.verdict
        if verdict is Verdict.REFUSED:
            folder.note_refused(path, signature, outcome.reason)
            folder.leave_out(path, outcome.reason)
            return verdict
        if verdict is not Verdict.SENT:
            self.unsent += 1
        if verdict is Verdict.OLD_FORM:
            self.refusals += 1
            self._note(f"{folder.key}: {show(path)}: the form was refused: {outcome.reason}")
        elif verdict is Verdict.STOPPED:
            raise Interrupted
        elif verdict is Verdict.FAILED:
            self._note(f"{folder.key}: {show(path)}: {outcome.reason}")
            raise Unreachable
        return verdict

    def _note(self, trouble: str) -> None:
        if not self.trouble:
            self.trouble = trouble
            say(f"not sent: {trouble}")

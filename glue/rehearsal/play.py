"""Playing the steps in order, telling each as it ends, and ending the cloud whatever happens."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, Protocol

from glue.errors import InputError
from glue.rehearsal import farewell, steps, trouble
from glue.rehearsal.copied import copy_sources
from glue.rehearsal.report import Report, Told
from glue.rehearsal.stage import alone, prepare
from glue.rehearsal.verbs import RehearsalError, Verbs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from glue.deploy.project import Project
    from glue.rehearsal.stage import Stage
    from glue.rehearsal.steps import Step
    from glue.rehearsal.verbs import Outcome

UP_TO_PEACE = (*steps.STEPS, *trouble.STEPS)
WHOLE = (*UP_TO_PEACE, *farewell.STEPS)


class Onlooker(Protocol):
    """Is told what happens."""

    def begins(self, told: Told) -> None:
        """Hear that a step begins."""

    def runs(self, outcome: Outcome) -> None:
        """Hear that a verb has ended."""

    def sees(self, sentence: str) -> None:
        """Hear what a step has seen."""

    def ends(self, told: Told) -> None:
        """Hear that a step has ended, well or not."""


class Play:
    """One rehearsal of a project, in a folder below its build folder.

    With `is_kept` nothing is destroyed at the end, and the cloud goes on running.
    """

    def __init__(self, project: Project, onlooker: Onlooker, *, is_kept: bool = False) -> None:
        self.folder = project.build / "rehearsal"
        self.report = Report()
        self.stage: Stage | None = None
        self._project = project
        self._onlooker = onlooker
        self._is_kept = is_kept

    @property
    def sources(self) -> Path:
        """The copy of the repository that is rehearsed."""
        return self.folder / "repository"

    def run(self) -> Report:
        """Play everything and return the report, of a rehearsal that failed too.

        Raises Conflict when another rehearsal plays in the same folder and InputError when it
        cannot even begin. An interruption is passed on once everything has been ended.
        """
        began = time.monotonic()
        with alone(self.folder):
            copy_sources(self._project.repository, self.sources)
            verbs = Verbs(self.sources, self.folder / "logs", self._hear)
            self.stage = prepare(self.folder, self._project, verbs)
            try:
                self._play(self.stage, UP_TO_PEACE if self._is_kept else WHOLE)
            finally:
                with undisturbed():
                    verbs.stop()
                    if not self._is_kept:
                        self.stage.cloud.down()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _play(self, stage: Stage, whole: Sequence[Step]) -> None:
        for step in whole:
            told = Told(step.name, step.title)
            self.report.steps.append(told)
            self._onlooker.begins(told)
            began = time.monotonic()
            try:
                for sentence in step.act(stage):
                    told.found.append(sentence)
                    self._onlooker.sees(sentence)
                told.is_ok = True
            except InputError as error:
                self.report.failure = error.to_dict() | {"step": step.name}
                if isinstance(error, RehearsalError) and error.log:
                    self.report.failure["log"] = error.log
            finally:
                told.seconds = time.monotonic() - began
                self._onlooker.ends(told)
            if not told.is_ok:
                return

    def _hear(self, outcome: Outcome) -> None:
        self.report.steps[-1].commands.append(outcome)
        self._onlooker.runs(outcome)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C break off the clearing up; where a thread plays, none can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

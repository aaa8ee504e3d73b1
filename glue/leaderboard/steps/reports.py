"""What EvalAI is asked and told while a submission runs. None of it may hold up the watch.

Whether EvalAI is down or busy, the watch has a Job to look after. So what cannot be told now is
told at a later look, and after one failure EvalAI is left alone until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from glue.errors import InputError
from glue.leaderboard import verdict
from glue.leaderboard.evalai.errors import EvalAIError
from glue.leaderboard.evalai.models import CLOSED, UNDER_WAY, WITHDRAWN, Logs, Status
from glue.leaderboard.names import job_name
from glue.leaderboard.results.stdout import stdout_text
from glue.leaderboard.telemetry import logger
from glue.leaderboard.times import seconds_of, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.leaderboard.results.parsed import Parsed
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem

_Answer = TypeVar("_Answer")
# What an item says of EvalAI once that was told that the submission runs, and once it is closed.
TOLD = frozenset(status.value for status in UNDER_WAY)
CLOSED_THERE = frozenset(status.value for status in CLOSED)


class Reports:
    """One look's dealings with EvalAI.

    `closed` is what EvalAI holds if it turns out that nothing more is waited for: cancelled by its
    participant, most often. `looked_at` is when EvalAI last said that this is not so.
    """

    def __init__(self, services: Services, run: Run, item: SubmissionItem) -> None:
        self._services, self._run = services, run
        self.item = item
        self.looked_at = run.looked_at
        self.closed: Status | None = None
        self._is_out = False

    def look(self) -> None:
        """Ask how the submission stands, if that is due."""
        if not self.closed and self._is_due(self.looked_at):
            found = self._ask(lambda: self._services.evalai.submission(self._run.submission))
            if found is not None:
                self._heed(found.status)

    def running(self) -> None:
        """Tell that the submission runs, once."""
        if self.item.evalai_status in TOLD or self.closed:
            return
        services, run = self._services, self._run
        job = job_name(services.leaderboard, run.submission, run.attempt)
        outcome = self._ask(lambda: services.evalai.set_running(run.key, job, reopen=run.reopen))
        if outcome is None:
            return
        if outcome.status.is_closed:
            self.closed = outcome.status
            return
        self.item = services.table.note(self.item, evalai_status=Status.RUNNING.value)
        self._heed(outcome.status)

    def interim(self, parsed: Parsed) -> None:
        """Show what the routes so far amount to, if that is due."""
        services, run = self._services, self._run
        if (
            self.closed
            or self.item.evalai_status not in TOLD
            or not (parsed.routes_done and parsed.interim)
            or not self._is_due(self.item.interim_at)
        ):
            return
        try:
            text = verdict.for_evalai(services.evaluation, parsed.interim)
        except InputError as error:  # the final result may be right all the same
            logger.warning("the interim result is not fit for EvalAI", error=str(error))
            return
        logs = Logs(stdout=stdout_text(parsed))
        outcome = self._ask(lambda: services.evalai.report_interim(run.key, text, logs))
        # A result that EvalAI does not take is not taken a moment later either.
        now = utc_text(services.clock())
        if outcome is None:
            self.item = services.table.note(self.item, interim_at=now)
        elif outcome.status.is_closed:
            self.closed = outcome.status
        else:
            self.looked_at = now
            self.item = services.table.note(
                self.item, interim_at=now, evalai_status=outcome.status.value
            )

    def _heed(self, status: Status) -> None:
        """Take note of what EvalAI holds."""
        is_ours = not self._run.reopen or self.item.evalai_status in TOLD
        # Until EvalAI is told that a re-run runs, it holds what came of the attempt before.
        if status in WITHDRAWN or (status.is_closed and is_ours):
            self.closed = status
        else:
            self.looked_at = utc_text(self._services.clock())

    def _is_due(self, last: str | None) -> bool:
        if last is None:
            return True
        return self._services.clock() - seconds_of(last) >= self._services.pod.interim_seconds

    def _ask(self, call: Callable[[], _Answer]) -> _Answer | None:
        """Return EvalAI's answer, or None if it gives none."""
        if self._is_out:
            return None
        try:
            return call()
        except EvalAIError as error:
            self._is_out = True
            logger.warning("EvalAI is asked later", error=f"{type(error).__name__}: {error}")
            return None

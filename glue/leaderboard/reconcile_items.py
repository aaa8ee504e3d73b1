"""What the reconciler does about one submission: nothing, most often.

An item is listed from an index that may be behind. So before anything is done it is read again,
and whatever is done is done by the table's conditional writes and by names that exist once: the
execution that comes to life meanwhile, or another reconciler, wins or loses as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from glue.leaderboard.attempts import Attempts, run_of
from glue.leaderboard.evalai.errors import EvalAIBusy, EvalAIRefused, EvalAIUnavailable
from glue.leaderboard.evalai.models import CLOSED as CLOSED_THERE
from glue.leaderboard.evalai.models import WITHDRAWN, Status
from glue.leaderboard.kubernetes.errors import KubernetesUnavailable
from glue.leaderboard.reasons import OURS, closed_there
from glue.leaderboard.reconcile_executions import Executions, run_towards
from glue.leaderboard.reconcile_findings import Finding, deadline, explain, parse, patience
from glue.leaderboard.run import Failure
from glue.leaderboard.states import State
from glue.leaderboard.steps.fail import fail
from glue.leaderboard.steps.finish import finish
from glue.leaderboard.steps.reports import TOLD
from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from glue.leaderboard.reconcile_executions import Execution
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem

Answer = TypeVar("Answer")
# What was done: the words of the reconciler's answer.
Deed = Literal[
    "settled",  # it was closed since it was listed, or has nothing open
    "young",  # it changed a moment ago; whoever changed it is at work
    "at_work",  # its execution takes care of it
    "stuck",  # its execution is at work and gets nowhere: a person is told
    "started",  # it had no execution, and has one now
    "failed",  # nobody took care of it any more, so it was failed
    "finished",  # its results were there, and nobody had closed it
    "told",  # it was closed, and EvalAI had not heard of it
    "noticed",  # EvalAI has closed it; its watch is to notice
    "unmended",  # it could not be mended: its finding says why
    "postponed",  # EvalAI or the cluster does not answer: the next run looks again
]
# EvalAI and the cluster are there for all submissions or for none: after one of these the others
# wait for the next run, instead of each for its own timeout.
OUTAGES = (EvalAIBusy, EvalAIUnavailable, EvalAIRefused, KubernetesUnavailable)
CLOSED_AT_EVALAI = "EvalAI holds it as"
CLOSED_WORDS = frozenset(status.value for status in CLOSED_THERE)


# Participants read it; what broke is in the log.
BROKEN_OFF = Failure(code="execution_ended", message=f"What ran it broke off. {OURS}")


class Postponed(Exception):  # noqa: N818 - reads as a finding
    """Nothing was done, because an earlier submission met an outage."""


class Items:
    """Looks after the items of one leaderboard. `grace` is in seconds: younger ones are left.

    Its methods raise what the steps raise, and Postponed once a step has met an outage.
    """

    def __init__(self, services: Services, grace: float) -> None:
        self._services = services
        self._grace = grace
        self._executions = Executions(services.states, services.state_machine_arn)
        self._is_out = False

    def mend(self, listed: SubmissionItem, now: datetime) -> Deed:
        """Do what an open item needs."""
        item = self._again(listed)
        if item is None or item.state.is_closed:
            return "settled"
        execution = self._executions.newest(item)
        if execution.is_at_work:
            return self._look_after(item, execution, now)
        if self.is_young(item, now):
            return "young"
        if execution.is_missing and item.state is State.SUBMITTED:
            return self._start(item)
        return self._take_over(item, execution)

    def tell(self, listed: SubmissionItem, now: datetime) -> Deed:
        """Tell EvalAI how a closed item ended, if it was not told."""
        item = self._again(listed)
        if item is None or not is_untold(item):
            return "settled"
        if self.is_young(item, now):
            return "young"
        logger.warning("EvalAI was not told", submission=item.submission, state=item.state)
        if item.state is State.FINISHED:
            self._finish(item)
        else:
            failure = Failure(code=item.reason_code or "unknown", message=item.reason)
            self._guarded(lambda: fail(self._services, run_towards(item, "fail", failure)))
        return "told"

    def heed(self, listed: SubmissionItem, _now: datetime) -> Deed:
        """Ask EvalAI about an open item.

        What EvalAI has closed the watch notices by itself: only when it has not done so by the
        second look is it closed here.
        """
        evalai = self._services.evalai
        status = self._guarded(lambda: evalai.submission(listed.submission)).status
        item = self._again(listed)
        if item is None or item.state.is_closed:
            return "settled"
        if not is_over_there(item, status):
            if item.finding.startswith(CLOSED_AT_EVALAI):
                self._write(item, Finding())
            return "at_work"
        if item.state is State.FINISHING:
            return "at_work"  # its results have just been told
        if not item.finding.startswith(CLOSED_AT_EVALAI):
            self._write(
                item,
                Finding(
                    f"{CLOSED_AT_EVALAI} {status}, and its run has not noticed",
                    "none is needed: its watch notices, or the next run of the reconciler ends it",
                ),
            )
            return "noticed"
        failure = closed_there(status.value, is_withdrawn=status in WITHDRAWN)
        return self._fail(item, self._executions.newest(item), failure)

    def adopt(self, stray: Run, why: str) -> Deed:
        """Fail an attempt whose execution ended before it had an item; that makes one."""
        logger.warning("taken over", submission=stray.submission, reason=why)
        self._guarded(lambda: fail(self._services, stray.then("fail", failure=BROKEN_OFF)))
        return "failed"

    def is_young(self, item: SubmissionItem, now: datetime) -> bool:
        """Tell whether an item changed so lately that it is left alone."""
        changed = parse(item.updated_at)
        return changed is not None and (now - changed).total_seconds() < self._grace

    def blame(self, item: SubmissionItem, error: Exception) -> None:
        """Write to an item what keeps the reconciler from mending it."""
        self._write(
            item,
            Finding(
                f"it cannot be mended: {error}"[:1000],
                "mend what the message names; it is tried again with every run of the reconciler",
            ),
        )

    def _again(self, listed: SubmissionItem) -> SubmissionItem | None:
        return self._services.table.get(listed.team, listed.submission)

    def _look_after(self, item: SubmissionItem, execution: Execution, now: datetime) -> Deed:
        """Leave an item to its execution, unless that has had its time."""
        services = self._services
        end = deadline(item, execution.begun, services.pod)
        # A run that has ended has its results; these are never thrown away for being late.
        if end is not None and now > end and item.state is not State.FINISHING:
            message = f"It was not over by {end:%Y-%m-%d %H:%M} UTC, its last deadline. {OURS}"
            return self._fail(item, execution, Failure(code="deadline", message=message))
        found = explain(item, execution.begun, now, patience(services.pod))
        if not found.what and item.finding.startswith(CLOSED_AT_EVALAI):
            return "at_work"  # that is for whoever asks EvalAI to take back
        self._write(item, found)
        return "stuck" if found.what else "at_work"

    def _start(self, item: SubmissionItem) -> Deed:
        logger.warning("submitted, and nobody had begun", submission=item.submission)
        services = self._services
        attempts = Attempts(services.table, services.states, services.state_machine_arn)
        return "started" if attempts.begin(run_of(item)) == "started" else "at_work"

    def _take_over(self, item: SubmissionItem, execution: Execution) -> Deed:
        """Close an item whose execution has ended without closing it."""
        current = self._again(item)  # closing it may have been the execution's last deed
        if current is None or current.state.is_closed or current.attempt != item.attempt:
            return "settled"
        if current.state is State.FINISHING:
            run = self._finish(current, execution.arn)
            if run.next != "fail":
                return "finished"
            if run.failure is not None:
                return self._fail(current, execution, run.failure)
        logger.error(
            "an execution left its submission open", status=execution.status, error=execution.error
        )
        return self._fail(current, execution, BROKEN_OFF)

    def _fail(self, item: SubmissionItem, execution: Execution, failure: Failure) -> Deed:
        logger.warning("taken over", submission=item.submission, reason=failure.message)
        run = run_towards(item, "fail", failure, execution.arn)
        self._guarded(lambda: fail(self._services, run))
        return "failed"

    def _finish(self, item: SubmissionItem, arn: str | None = None) -> Run:
        run = run_towards(item, "finish", arn=arn)
        return self._guarded(lambda: finish(self._services, run))

    def _guarded(self, call: Callable[[], Answer]) -> Answer:
        """Call EvalAI or the cluster, unless that was in vain before."""
        if self._is_out:
            raise Postponed
        try:
            return call()
        except OUTAGES:
            self._is_out = True
            raise

    def _write(self, item: SubmissionItem, found: Finding) -> None:
        """Write a finding, or take it back; an unchanged one is not written again.

        It is true of the state that the item was read in: one that was closed meanwhile keeps
        the reason and the remedy that it was closed with.
        """
        if (item.finding, item.remedy) != found:
            self._services.table.remark(item, finding=found.what, remedy=found.remedy)


def is_over_there(item: SubmissionItem, status: Status) -> bool:
    """Tell whether EvalAI waits for nothing more of an open item.

    Until EvalAI is told that a re-run runs, it holds what came of the attempt before.
    """
    is_ours = not item.reopen or item.evalai_status in TOLD
    return status in WITHDRAWN or (status.is_closed and is_ours)


def is_untold(item: SubmissionItem) -> bool:
    """Tell whether EvalAI waits for a submission that is closed here.

    Only EvalAI itself tells us that one was cancelled.
    """
    return item.state in (State.FINISHED, State.FAILED) and item.evalai_status not in CLOSED_WORDS

"""An operator's re-run: the next attempt at a submission, wherever the last one ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.errors import Conflict, NotFound
from glue.leaderboard.attempts import Attempts, run_of
from glue.leaderboard.reconcile_executions import Executions
from glue.leaderboard.states import State
from glue.leaderboard.table import Superseded

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from glue.leaderboard.run import Run
    from glue.leaderboard.table import Table


def rerun(
    table: Table,
    states: SFNClient,
    state_machine_arn: str,
    submission: int,
    *,
    reopen: bool = True,
) -> Run:
    """Begin the next attempt at a submission and return it as its execution takes it.

    With `reopen` EvalAI's `finished` or `failed` is set running again. What an earlier call has
    begun and not finished is finished. Raises Conflict while an attempt is at work or when the
    participant has cancelled, and NotFound when nothing is known of the submission.
    """
    attempts = Attempts(table, states, state_machine_arn)
    item = table.find(submission)
    if item is None:
        return _rerun_unlisted(attempts, submission, reopen=reopen)
    if item.state is State.CANCELLED:
        raise Conflict(
            "submission",
            f"{submission} has been cancelled, and EvalAI does not take it again",
            "have it submitted once more: EvalAI's own re-run makes a new number",
            "cancelled",
        )
    if not item.state.is_closed:
        newest = Executions(states, state_machine_arn).newest(item)
        if newest.is_at_work:
            raise _at_work(submission, item.attempt)
        if item.state is State.SUBMITTED and newest.is_missing:
            run = run_of(item)
            if attempts.begin(run) != "ended":
                return run
    try:
        return run_of(attempts.next(item, reopen=reopen))
    except Superseded as superseded:
        now = superseded.item.attempt if superseded.item else item.attempt
        raise _at_work(submission, now) from None


def _rerun_unlisted(attempts: Attempts, submission: int, *, reopen: bool) -> Run:
    """Begin again what failed before it got into the table, by what its execution was given."""
    newest = attempts.newest(submission)
    if newest is None or newest.given is None:
        raise NotFound(
            "submission",
            f"nothing is known of {submission} here",
            "see `glue leaderboard submissions`; if EvalAI has it, look for its message "
            "among the dead letters of the queue",
        )
    following = newest.given.model_copy(update={"attempt": newest.attempt + 1, "reopen": reopen})
    if newest.is_at_work or attempts.begin(following) != "started":
        raise _at_work(submission, newest.attempt)
    return following


def _at_work(submission: int, attempt: int) -> Conflict:
    return Conflict(
        "submission",
        f"attempt {attempt} at {submission} is at work",
        "wait for its end, or have it cancelled at EvalAI",
        "at_work",
    )

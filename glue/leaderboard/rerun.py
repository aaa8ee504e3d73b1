"""An operator's re-run: the next attempt at a submission, wherever the last one ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.errors import Conflict, NotFound
from glue.leaderboard.attempts import run_of
from glue.leaderboard.reconcile_executions import Executions
from glue.leaderboard.states import State
from glue.leaderboard.table import Superseded

if TYPE_CHECKING:
    from glue.leaderboard.attempts import Attempts
    from glue.leaderboard.run import Run


def rerun(
    attempts: Attempts,
    submission: int,
    *,
    reopen: bool = True,
    judge_only: bool = False,
) -> Run:
    """Begin the next attempt at a submission and return it as its execution takes it.

    With `reopen` EvalAI's `finished` or `failed` is set running again. With `judge_only` nothing
    is run: the results that the last run has stored are judged again, and told. What an earlier
    call has begun and not finished is finished. Raises Conflict while an attempt is at work, when
    the participant has cancelled, or when there is no run to judge, and NotFound when nothing is
    known of the submission.
    """
    item = attempts.table.find(submission)
    if item is None:
        if judge_only:
            raise _no_results(submission)
        return _rerun_unlisted(attempts, submission, reopen=reopen)
    if item.state is State.CANCELLED:
        raise Conflict(
            "submission",
            f"{submission} has been cancelled, and EvalAI does not take it again",
            "have it submitted once more: EvalAI's own re-run makes a new number",
            "cancelled",
        )
    if not item.state.is_closed:
        newest = Executions(attempts.states, attempts.state_machine_arn).newest(item)
        if newest.is_at_work:
            raise _at_work(submission, item.attempt)
        if item.state is State.SUBMITTED and newest.is_missing:
            run = run_of(item)
            if attempts.begin(run) != "ended":
                return run
    if judge_only and item.results_of is None:
        raise _no_results(submission)
    try:
        results_of = item.results_of if judge_only else None
        return run_of(attempts.next(item, reopen=reopen, results_of=results_of))
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


def _no_results(submission: int) -> Conflict:
    # A run that was broken off may have left a file that looks complete; it decides nothing.
    return Conflict(
        "submission",
        f"no run of {submission} has come to its end, so there is nothing to judge",
        "run it again, without --judge-only",
        "no_results",
    )


def _at_work(submission: int, attempt: int) -> Conflict:
    return Conflict(
        "submission",
        f"attempt {attempt} at {submission} is at work",
        "wait for its end, or have it cancelled at EvalAI",
        "at_work",
    )

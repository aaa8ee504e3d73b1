"""A participant cancels, at each step: it stays cancelled, and nothing runs on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from glue.leaderboard.states import State
from tests.local.leaderboards import EVALUATOR, Leaderboards, Submission


def before_anything(leaderboards: Leaderboards) -> Submission:
    submission = leaderboards.prepare()
    leaderboards.cancel(submission)
    leaderboards.deliver(submission)
    return submission


def while_preparing(leaderboards: Leaderboards) -> Submission:
    leaderboards.break_evalai("slow", seconds=2.0, method="GET")
    submission = leaderboards.submit()
    leaderboards.until(leaderboards.met, "EvalAI is being asked")
    leaderboards.cancel(submission)
    return submission


def while_launching(leaderboards: Leaderboards) -> Submission:
    leaderboards.break_cluster(api=[{"kind": "slow", "seconds": 2.0, "verbs": ["create"]}])
    submission = leaderboards.submit()
    leaderboards.until(leaderboards.met, "the Job is being made")
    leaderboards.cancel(submission)
    return submission


def while_waiting(leaderboards: Leaderboards) -> Submission:
    leaderboards.break_cluster(gpu_nodes=0)
    submission = leaderboards.submit()
    leaderboards.until_in(submission, State.WAITING)
    leaderboards.cancel(submission)
    return submission


def while_running(leaderboards: Leaderboards) -> Submission:
    leaderboards.evaluator([*EVALUATOR[:-1], "1"])
    submission = leaderboards.submit()
    leaderboards.cancel_running(submission)
    return submission


def while_evalai_is_told_that_it_runs(leaderboards: Leaderboards) -> Submission:
    """EvalAI checks no transitions: that overwrites the cancel, and the participant sees it."""
    leaderboards.break_evalai("slow", seconds=2.0, method="PATCH", path="/update_submission/")
    leaderboards.evaluator([*EVALUATOR[:-1], "1"])
    submission = leaderboards.submit()
    leaderboards.until(leaderboards.met, "EvalAI is being told")
    leaderboards.cancel(submission)
    leaderboards.until(
        lambda: leaderboards.ground.held(submission.number)["status"] != "cancelled",
        "the cancel is overwritten",
    )
    leaderboards.cancel_running(submission)
    return submission


def while_finishing(leaderboards: Leaderboards) -> Submission:
    leaderboards.evaluator([*EVALUATOR[:-1], "0.3"])  # ends well after EvalAI was broken
    submission = leaderboards.submit()
    leaderboards.until_in(submission, State.RUNNING)
    leaderboards.break_evalai("down", method="GET", times=40)
    leaderboards.until_in(submission, State.FINISHING)
    leaderboards.cancel(submission)
    leaderboards.mend()
    return submission


@pytest.mark.parametrize(
    "cancel",
    [
        before_anything, while_preparing, while_launching, while_waiting, while_running,
        while_evalai_is_told_that_it_runs, while_finishing,
    ],
)  # fmt: skip
def test_it_stays_cancelled(
    leaderboards: Leaderboards, cancel: Callable[[Leaderboards], Submission]
) -> None:
    submission = cancel(leaderboards)
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.CANCELLED)
    assert "cancelled" in item.reason
    assert leaderboards.ends(submission) == ["SUCCEEDED"]


def test_what_is_finished_cannot_be_cancelled(leaderboards: Leaderboards) -> None:
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    with pytest.raises(Exception, match="finished already"):
        leaderboards.cancel(submission)
    leaderboards.assert_sound(submission, State.FINISHED)

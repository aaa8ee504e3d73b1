"""EvalAI away, slow, busy or refusing: it hears the end of each submission all the same, once."""

from __future__ import annotations

from typing import Any

import pytest

from glue.leaderboard.states import State
from tests.local.leaderboards import FINAL, Leaderboards


# The client tries four times by itself: one more, and the state machine has to try again.
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "down", "times": 5},
        {"kind": "slow", "seconds": 4.0, "times": 1},
        {"kind": "status", "status": 429, "times": 2},
        {"kind": "status", "status": 500, "words": "<html>", "times": 5},
    ],
    ids=lambda fault: str(fault.get("status") or fault["kind"]),
)
@pytest.mark.parametrize("when", ["from-the-beginning", "at-the-end"])
def test_for_a_while(leaderboards: Leaderboards, fault: dict[str, Any], when: str) -> None:
    if when == "at-the-end":
        leaderboards.break_evalai(**fault, path=FINAL, method="PUT")
    else:
        leaderboards.break_evalai(**fault)
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    leaderboards.assert_sound(submission, State.FINISHED)
    assert leaderboards.met()


def test_an_answer_that_is_lost_repeats_the_same_words_at_most(leaderboards: Leaderboards) -> None:
    leaderboards.break_evalai("lost", path=FINAL, method="PUT", times=2)
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    leaderboards.assert_sound(submission, State.FINISHED)


def test_a_result_that_evalai_does_not_take_is_kept(leaderboards: Leaderboards) -> None:
    leaderboards.break_evalai(
        "status", status=400, words="Following metrics are missing: x", path=FINAL, method="PUT"
    )
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.reason_code == "rejected_by_evalai"
    assert "metrics are missing" in item.reason
    assert "rerun" in item.remedy
    keys = leaderboards.ground.keys("leaderboard-10", submission.number)
    assert f"{submission.number}/results.json" in keys, "the result is not lost"
    # The hosts correct the phase at EvalAI, and nobody has to drive all that again.
    leaderboards.mend()
    leaderboards.platform.glue(
        "leaderboard", "rerun", "leaderboard-10", str(submission.number), "--judge-only"
    )
    item = leaderboards.until_in(submission, State.FINISHED)
    assert (item.attempt, item.results_of, item.launched_at) == (2, 1, None)
    assert item.routes_done == item.routes_expected
    told = leaderboards.ground.final_words(submission.number)
    assert [one["submission_status"] for one in told] == ["FAILED", "FINISHED"]
    held = leaderboards.ground.held(submission.number)
    (score,) = held["scores"].values()
    assert (held["status"], score["accuracies"]["Driving score"]) == (
        "finished",
        item.metrics["driving_score"],
    )


def test_a_token_that_is_refused_leaves_it_open_until_it_is_mended(
    leaderboards: Leaderboards,
) -> None:
    leaderboards.break_evalai("status", status=401, times=None)
    submission = leaderboards.submit()
    leaderboards.until(
        lambda: leaderboards.executions(submission) == ["FAILED"], "its execution is given up"
    )
    assert leaderboards.ground.held(submission.number)["status"] == "submitted"
    leaderboards.until(
        lambda: "EvalAIRefused" in str(leaderboards.reconcile()), "the reconciler tells why"
    )
    leaderboards.mend()
    leaderboards.until(lambda: leaderboards.reconcile() and leaderboards.item(submission), "mended")
    leaderboards.until_closed(submission)
    leaderboards.assert_sound(submission, State.FAILED)

"""The function of the steps is killed in the middle of each of them; the submission goes on."""

from __future__ import annotations

import time
from typing import Any

import pytest

from glue.leaderboard.states import State
from tests.local.leaderboards import EVALUATOR, FINAL, Leaderboards

SLOW = 3.0  # seconds that the step hangs in the call during which it is killed
TELLING = {"path": FINAL, "method": "PUT"}

# In which call of EvalAI or of the cluster each step is killed, and what the submission comes to.
MOMENTS: dict[str, dict[str, Any]] = {
    "prepare": {"evalai": {"method": "GET"}},
    "launch-secret-or-job": {"cluster": ["create"]},
    "watch": {"cluster": ["list"]},
    # The run outlasts the call: EvalAI checks no transitions, a late `running` undoes a result.
    "watch-telling-that-it-runs": {"evalai": {"method": "PATCH"}, "route_seconds": "0.3"},
    "finish": {"evalai": TELLING},
    "fail": {"evalai": TELLING, "crash": True},
    "close": {"cluster": ["delete"]},
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in(leaderboards: Leaderboards, moment: str) -> None:
    told = MOMENTS[moment]
    if "route_seconds" in told:
        leaderboards.evaluator([*EVALUATOR[:-1], told["route_seconds"]])
    if told.get("crash"):
        leaderboards.break_cluster(containers=[{"kind": "crash", "container": "evaluator-*"}])
    if "evalai" in told:
        leaderboards.break_evalai("slow", seconds=SLOW, **told["evalai"])
    else:
        leaderboards.break_cluster(
            api=[{"kind": "slow", "seconds": SLOW, "verbs": told["cluster"]}]
        )
    submission = leaderboards.submit()
    leaderboards.until(leaderboards.met, "the step hangs")
    time.sleep(SLOW / 10)
    assert leaderboards.kill("run_submission") >= 1
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(
        submission, State.FAILED if told.get("crash") else State.FINISHED
    )
    assert item.attempt == 1


def test_the_function_of_messages_killed(leaderboards: Leaderboards) -> None:
    with leaderboards.seen_again_after(3):
        submission = leaderboards.submit()
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            leaderboards.kill("start_submission")
        leaderboards.until_closed(submission)
    leaderboards.assert_sound(submission, State.FINISHED)
    assert leaderboards.ends(submission) == ["SUCCEEDED"]


def test_an_execution_that_somebody_stops_is_taken_over(leaderboards: Leaderboards) -> None:
    leaderboards.break_cluster(gpu_nodes=0)
    submission = leaderboards.submit()
    item = leaderboards.until_in(submission, State.WAITING)
    client = leaderboards.platform.client("stepfunctions")
    client.stop_execution(executionArn=item.execution, cause="by hand")
    leaderboards.until(
        lambda: leaderboards.reconcile().get("failed"), "the reconciler takes it over"
    )
    item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.reason_code == "execution_ended"

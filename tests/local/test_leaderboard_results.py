"""Results that cannot be believed: nothing of them reaches EvalAI's board, and they are kept."""

from __future__ import annotations

import pytest

from glue.leaderboard.states import State
from tests.local.leaderboards import Leaderboards

FLAWS = (
    "empty", "half-written", "missing", "inconsistent", "too-few-routes", "wrong-version",
    "not-a-number",
)  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_file_with_a_flaw(leaderboards: Leaderboards, flaw: str) -> None:
    leaderboards.spoil_results(flaw)
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.reason_code in {"results_unusable", "results_incomplete"}
    assert item.metrics == {}
    (told,) = leaderboards.ground.final_words(submission.number)
    assert (told["submission_status"], told["result"]) == ("FAILED", "[]")
    keys = leaderboards.ground.keys("leaderboard-10", submission.number)
    kept = f"{submission.number}/attempt-1/worker-1/results/simulation_results.json"
    # Of one that was deleted in the end, an earlier state may have been sent.
    assert kept in keys or flaw == "missing"


def test_one_of_two_workers_without_results(leaderboards: Leaderboards) -> None:
    leaderboards.break_cluster(
        containers=[{"kind": "crash", "container": "evaluator-2", "exit_code": 3}]
    )
    submission = leaderboards.submit("leaderboard-20-SENSORS")
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.FAILED)
    assert "evaluator-2" in item.reason

"""An operator's re-run: the next attempt, once, and only when nothing is at work."""

from __future__ import annotations

from typing import Any

import pytest

from glue.errors import Conflict, NotFound
from glue.leaderboard.attempts import run_of
from glue.leaderboard.names import execution_arn
from glue.leaderboard.rerun import rerun
from glue.leaderboard.run import Run
from glue.leaderboard.states import CLOSED, OPEN, State
from tests.unit.leaderboard.start.samples import IMAGE, attempts_of, end, executions
from tests.unit.leaderboard.store.ground import Ground, item_of


def run_again(ground: Ground, submission: int = 99, **more: Any) -> Run:
    return rerun(attempts_of(ground), submission, **more)


@pytest.mark.parametrize("state", sorted(CLOSED - {State.CANCELLED}))
@pytest.mark.parametrize("reopen", [True, False])
def test_after_the_end(ground: Ground, state: State, reopen: bool) -> None:
    item = ground.table.open(item_of(image=IMAGE, team_name="Racers", is_static_dataset=True))
    ground.table.move(item, state, reason="why", metrics={"driving_score": 2.0}, pod="p")
    run = run_again(ground, reopen=reopen)
    assert executions(ground) == {"submission-99-attempt-2": run.model_dump(mode="json")}
    assert (run.attempt, run.reopen, run.image, run.team) == (2, reopen, IMAGE, "5")
    stored = ground.table.find(99)
    assert stored is not None
    assert run_of(stored) == run
    assert (stored.state, stored.reason, stored.metrics, stored.pod) == ("submitted", "", {}, None)


def test_judging_what_the_last_run_has_stored(ground: Ground) -> None:
    item = ground.table.open(item_of(attempt=3))
    ground.table.move(item, State.FAILED, results_of=2)
    run = run_again(ground, judge_only=True)
    assert (run.attempt, run.next, run.results_of, run.reopen) == (4, "finish", 2, True)
    assert executions(ground) == {"submission-99-attempt-4": run.model_dump(mode="json")}
    stored = ground.table.find(99)
    assert stored is not None
    assert run_of(stored) == run
    with pytest.raises(Conflict, match="attempt 4 at 99 is at work"):
        run_again(ground, judge_only=True)
    # Whoever runs it again after that runs all of it.
    end(ground, "submission-99-attempt-4")
    ground.table.move(stored, State.FAILED)
    run = run_again(ground)
    assert (run.attempt, run.next, run.results_of) == (5, "prepare", None)


def test_nothing_to_judge(ground: Ground) -> None:
    with pytest.raises(Conflict, match="no run of 99 has come to its end"):
        run_again(ground, judge_only=True)
    ground.table.move(ground.table.open(item_of()), State.FAILED)
    with pytest.raises(Conflict, match="no run of 99 has come to its end") as raised:
        run_again(ground, judge_only=True)
    assert raised.value.remedy == "run it again, without --judge-only"
    assert executions(ground) == {}


def test_asked_twice(ground: Ground) -> None:
    ground.table.move(ground.table.open(item_of()), State.FAILED)
    run_again(ground)
    with pytest.raises(Conflict, match="attempt 2 at 99 is at work"):
        run_again(ground)
    assert len(executions(ground)) == 1


def test_killed_between_table_and_execution(ground: Ground) -> None:
    ground.table.open(item_of(attempt=2, reopen=True))
    run = run_again(ground)
    assert (run.attempt, run.reopen) == (2, True)
    assert list(executions(ground)) == ["submission-99-attempt-2"]


@pytest.mark.parametrize("state", OPEN)
def test_open_with_a_dead_execution(ground: Ground, state: State) -> None:
    item = ground.table.open(item_of())
    attempts_of(ground).begin(run_of(item))
    ground.table.move(item, state)
    with pytest.raises(Conflict, match="at work"):
        run_again(ground)
    end(ground, "submission-99-attempt-1")
    assert run_again(ground).attempt == 2


def test_open_and_carried_on_in_another_part(ground: Ground) -> None:
    item = ground.table.open(item_of())
    run = run_of(item).model_copy(update={"part": 2})
    attempts_of(ground).begin(run)
    arn = execution_arn(ground.machine, "submission-99-attempt-1-part-2")
    ground.table.move(item, State.RUNNING, execution=arn)
    with pytest.raises(Conflict, match="at work"):
        run_again(ground)


def test_a_table_older_than_the_executions(ground: Ground) -> None:
    """As after a restored backup: attempt 2 has been, and the table does not know it."""
    item = ground.table.move(ground.table.open(item_of()), State.FAILED)
    attempts_of(ground).begin(run_of(item).model_copy(update={"attempt": 2}))
    end(ground, "submission-99-attempt-2")
    assert run_again(ground).attempt == 3


def test_the_first_step_never_came(ground: Ground) -> None:
    ground.table.open(item_of())
    attempts_of(ground).begin(run_of(item_of()))
    end(ground, "submission-99-attempt-1")
    assert run_again(ground).attempt == 2


def test_cancelled_is_cancelled(ground: Ground) -> None:
    ground.table.move(ground.table.open(item_of()), State.CANCELLED)
    with pytest.raises(Conflict, match="has been cancelled"):
        run_again(ground)
    assert executions(ground) == {}


def test_somebody_was_faster(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    old = ground.table.move(ground.table.open(item_of()), State.FAILED)
    ground.table.open(item_of(attempt=3))
    monkeypatch.setattr(ground.table, "find", lambda _: old)
    with pytest.raises(Conflict, match="attempt 3"):
        run_again(ground)


def test_what_never_got_into_the_table(ground: Ground) -> None:
    with pytest.raises(NotFound, match="nothing is known of 99"):
        run_again(ground)
    first = Run(challenge=7, phase=12, submission=99, image=IMAGE)
    attempts_of(ground).begin(first)
    with pytest.raises(Conflict, match="attempt 1 at 99 is at work"):
        run_again(ground)
    end(ground, "submission-99-attempt-1")
    run = run_again(ground)
    assert run == first.model_copy(update={"attempt": 2, "reopen": True})
    end(ground, "submission-99-attempt-2")
    assert run_again(ground, reopen=False).attempt == 3


def test_an_execution_that_is_not_ours(ground: Ground) -> None:
    ground.states.start_execution(
        stateMachineArn=ground.machine, name="submission-99-attempt-1", input='{"other": 1}'
    )
    with pytest.raises(NotFound, match="nothing is known of 99"):
        run_again(ground)

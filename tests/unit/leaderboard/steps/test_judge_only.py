"""An attempt that runs nothing: what the last run has stored is judged and told again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glue.leaderboard.attempts import run_of
from glue.leaderboard.results.evalai import CARLA_LABELS
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from glue.settings import Evaluation
from tests.unit.leaderboard.results.files import LB20, part_of
from tests.unit.leaderboard.steps.test_finish import FAILED, FINISHED, RUNNING, at_its_end
from tests.unit.leaderboard.steps.world import PARTLY, World


def relabel(world: World, run: Run, *labels: str) -> None:
    split = {"codename": "leaderboard", "labels": list(labels)}
    world.evalai.put_challenge(phases=[{"pk": run.phase, "codename": "x-Y", "splits": [split]}])


def judge_again(world: World, run: Run, *, reopen: bool = True) -> Run:
    """Do what `rerun --judge-only` does, and take the attempt to its end."""
    item = world.stored(run)
    following = item.model_copy(
        update={
            "attempt": item.attempt + 1,
            "state": State.SUBMITTED,
            "reopen": reopen,
            "evalai_status": "",
            "metrics": {},
        }
    )
    world.services.table.open(following)
    again = run_of(following)
    assert again.next == "finish"
    return world.drive(again)


def test_a_result_that_evalai_takes_after_its_phase_was_corrected(world: World) -> None:
    run = at_its_end(world)
    relabel(world, run, "Accuracy")
    world.drive(run)
    assert world.stored(run).reason_code == "rejected_by_evalai"
    relabel(world, run, *CARLA_LABELS)
    assert judge_again(world, run).next == "end"
    item = world.stored(run)
    assert (item.state, item.attempt, item.results_of) == (State.FINISHED, 2, 1)
    assert (item.reason, len(item.metrics), item.evalai_status) == ("", 15, "finished")
    assert world.told(run) == [RUNNING, FAILED, RUNNING, FINISHED]
    assert world.held(run)["status"] == "finished"
    assert world.cluster.held == world.cluster.secrets == {}


def test_what_was_incomplete_only_by_a_wrong_setting(world: World) -> None:
    run = at_its_end(world, part_of(LB20, list(range(20))))
    world.drive(run)
    assert world.stored(run).reason_code == "results_unusable"
    world.services = replace(world.services, evaluation=Evaluation(version="2.0", routes=20))
    judge_again(world, run)
    item = world.stored(run)
    assert (item.state, item.routes_done, item.routes_expected) == (State.FINISHED, 20, 20)
    assert world.told(run)[-1] == FINISHED


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_incomplete_stays_so_however_often_it_is_judged(world: World, times: int) -> None:
    run = at_its_end(world, PARTLY)
    world.drive(run)
    for _ in range(times):
        judge_again(world, run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, "results_incomplete")
    assert (item.attempt, item.results_of) == (1 + times, 1)
    assert world.results(run) is None
    assert FINISHED not in world.told(run)


def test_what_is_cancelled_there_meanwhile_is_not_opened_again(world: World) -> None:
    run = at_its_end(world)
    relabel(world, run, "Accuracy")
    world.drive(run)
    relabel(world, run, *CARLA_LABELS)
    world.evalai.application._store.put(  # type: ignore[attr-defined]
        "submission", run.submission, world.held(run) | {"status": "cancelled"}
    )
    judge_again(world, run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.CANCELLED, "cancelled")
    assert world.told(run) == [RUNNING, FAILED]


def test_a_run_that_did_not_come_to_its_end_has_nothing_to_judge(world: World) -> None:
    run = world.step(world.step(world.submit()))
    world.write(run, LB20)  # it looks complete, and nobody has said that the run is over
    world.drive(run.then("fail"))
    assert world.stored(run).results_of is None

"""One look after another: what waits and why, what runs and how far, and when it is enough."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glue.leaderboard.kubernetes.errors import KubernetesUnavailable
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from glue.leaderboard.steps.watch import MOST_WATCHES
from glue.settings import Evaluation, Pod
from tests.unit.leaderboard.kubernetes import samples
from tests.unit.leaderboard.results.files import LB20, part_of
from tests.unit.leaderboard.steps.world import (
    PARTLY,
    InProcess,
    World,
    ends,
    runs,
    waits,
)
from tests.unit.leaderboard.store.ground import Ground

HOUR = 3600.0


def launched(world: World, **changes: Any) -> Run:
    return world.step(world.step(world.submit(**changes)))


def test_a_pod_that_waits_is_waited_for_with_its_reason(world: World) -> None:
    run = launched(world)
    waits()(world)
    run = world.step(run)
    assert (run.next, run.wait_seconds, run.watches) == ("watch", 30, 1)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.WAITING, "no_gpu_node")
    assert "0/1 nodes are available" in item.reason
    assert world.told(run) == []


def test_a_pod_that_runs_is_told_once(world: World) -> None:
    run = launched(world)
    waits()(world)
    run = world.step(run)
    runs(run)(world)
    for _ in range(3):
        run = world.step(run)
    item = world.stored(run)
    assert (item.state, item.reason_code, item.reason) == (State.RUNNING, "", "")
    assert (item.node, item.started_at) == ("gpu-1", "2026-11-20T10:05:00Z")
    assert item.evalai_status == "running"
    assert world.told(run) == [("PATCH", "running")]
    assert world.held(run)["job_name"] == [item.job_name]


def test_an_agent_that_crashes_shows_while_the_run_goes_on(world: World) -> None:
    run = launched(world)
    down = samples.waiting("agent-1", "CrashLoopBackOff") | {
        "restartCount": 2,
        "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
    }
    world.cluster.pod(samples.running("evaluator-1"), init=(down,), phase="Running")
    pod = world.cluster.pods_of[world.cluster.made[0]][0]
    pod["spec"]["initContainers"].append({"name": "agent-1", "restartPolicy": "Always"})
    assert world.step(run).next == "watch"
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.RUNNING, "crashing")
    assert "agent-1 ended with 3" in item.reason


def test_how_far_it_is_shows_in_the_table_and_at_evalai_now_and_then(world: World) -> None:
    run = launched(world)
    runs(run, PARTLY)(world)
    for _ in range(20):  # ten minutes
        run = world.step(run)
        world.clock.now += run.wait_seconds
    assert world.stored(run).routes_done == 12
    partial = ("PUT", "PARTIALLY_EVALUATED")
    assert world.told(run) == [("PATCH", "running"), partial, partial]
    held = world.held(run)
    assert "Routes done: 12 of 25" in held["stdout"]
    (score,) = held["scores"].values()
    assert 0 < score["accuracies"]["Driving score"] < 100
    # The interim calls are looks at the submission as well.
    assert len([told for told in world.evalai.told() if told["method"] == "GET"]) == 1 + 1 + 2


def test_evalai_is_looked_at_often_enough_and_not_more(world: World) -> None:
    run = launched(world)
    waits()(world)
    for _ in range(60):  # half an hour
        run = world.step(run)
        world.clock.now += run.wait_seconds
    assert len(world.evalai.told()) == 1 + 5


def test_a_job_of_the_same_name_is_not_the_same(world: World) -> None:
    run = launched(world)
    world.cluster.held[world.cluster.made[0]]["metadata"]["uid"] = "another"
    following = world.step(run)
    assert following.failure is not None
    assert following.failure.code == "job_lost"


def test_the_form_is_replaced_before_it_ends(world: World) -> None:
    run = launched(world)
    name = world.cluster.made[0]
    first = world.cluster.secrets[name]["version"]
    world.clock.now += 1190
    run = world.step(run)
    assert world.cluster.secrets[name]["version"] == first
    world.clock.now += 20
    run = world.step(run)
    assert world.cluster.secrets[name]["version"] != first
    assert world.cluster.secrets[name]["owner"] == world.stored(run).job_uid
    assert world.stored(run).form_made_at == "2026-11-18T11:26:50.000Z"
    world.services.table.note(world.stored(run), form_made_at=None)  # nobody knows how old it is
    world.step(run)
    assert world.stored(run).form_made_at == "2026-11-18T11:26:50.000Z"


def test_another_execution_carries_on_when_the_history_is_long(world: World) -> None:
    run = launched(world)
    runs(run)(world)
    run = world.step(run.model_copy(update={"watches": MOST_WATCHES - 2}))
    assert run.next == "watch"
    run = world.step(run)
    assert run.next == "renew"
    for _ in range(2):  # a repeated step starts no other
        assert world.step(run).next == "end"
    (started,) = world.states.started
    assert started["name"] == f"submission-{run.submission}-attempt-1-part-2"
    carried_on = Run.model_validate_json(started["input"])
    assert (carried_on.next, carried_on.part, carried_on.watches) == ("watch", 2, 0)
    assert carried_on.looked_at == run.looked_at
    end = world.drive(carried_on, [ends(run)])
    assert (end.next, world.stored(run).state) == ("end", State.FINISHED)
    assert world.drive(run).next == "end"  # and a late repetition does nothing any more
    assert len(world.states.started) == 1


def test_another_execution_that_was_started_otherwise_is_taken_for_granted(world: World) -> None:
    run = launched(world).then("renew")
    name = f"submission-{run.submission}-attempt-1-part-2"
    world.states.started.append({"name": name})
    assert world.step(run).next == "end"
    assert world.states.started == [{"name": name}]


def test_an_attempt_that_gave_way_to_another_ends_with_its_job(world: World) -> None:
    run = launched(world)
    runs(run)(world)
    item = world.stored(run)
    world.services.table.open(item.model_copy(update={"attempt": 2, "state": State.SUBMITTED}))
    assert world.step(run).next == "end"
    assert world.cluster.held == {}
    assert world.stored(run).state is State.SUBMITTED
    assert world.told(run) == []


def test_an_attempt_that_gives_way_during_a_look_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launched(world)
    runs(run)(world)
    item = world.stored(run)
    world.services.table.open(item.model_copy(update={"attempt": 2, "state": State.SUBMITTED}))
    monkeypatch.setattr(type(world.services.table), "get", lambda *_: item)
    assert world.step(run).next == "end"
    assert world.cluster.held == {}


def test_a_run_that_was_about_to_be_closed_is_taken_up_there(world: World) -> None:
    run = launched(world)
    world.services.table.move(world.stored(run), State.FINISHING)
    assert world.step(run).next == "finish"


def test_a_cluster_that_does_not_answer_is_waited_for(world: World) -> None:
    run = launched(world)
    world.cluster.problem = KubernetesUnavailable("no answer")
    with pytest.raises(KubernetesUnavailable):
        world.step(run)
    world.cluster.problem = None
    end = world.drive(run, [ends(run)])
    assert (end.next, world.stored(run).state) == ("end", State.FINISHED)


def test_two_workers(ground: Ground, evalai: InProcess) -> None:
    world = World(ground, evalai, pod=Pod(workers=2))
    run = launched(world)
    world.write(run, part_of(LB20, list(range(13))), 1)
    runs(run)(world)
    run = world.step(run)
    assert world.stored(run).routes_done == 13
    world.write(run, part_of(LB20, list(range(13, 25))), 2)
    world.cluster.end()
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.routes_done) == (State.FINISHED, 25)
    assert len(item.metrics) == 15


def test_a_challenge_that_is_not_carlas(ground: Ground, evalai: InProcess) -> None:
    world = World(
        ground, evalai, evaluation=Evaluation(format="generic", routes=4, labels=("Accuracy",))
    )
    result: dict[str, Any] = {
        "format": "leaderboard-result",
        "format_version": 1,
        "status": "running",
        "units": {"done": 1, "expected": 4},
        "metrics": {"Other": 0.5},
    }
    run = world.submit()
    split = {"codename": "leaderboard", "labels": ["Accuracy"]}
    world.evalai.put_challenge(phases=[{"pk": run.phase, "codename": "a-B", "splits": [split]}])
    whole = result | {
        "status": "finished",
        "units": {"done": 4, "expected": 4},
        "metrics": {"Accuracy": 0.9},
    }
    world.drive(
        run,
        [
            runs(run),
            runs(run, json.dumps(result)),  # its interim metrics are none of the board's
            runs(run, json.dumps(result | {"metrics": {"Accuracy": 0.4}})),
            ends(run, json.dumps(whole)),
        ],
    )
    assert world.told(run) == [
        ("PATCH", "running"),
        ("PUT", "PARTIALLY_EVALUATED"),
        ("PUT", "FINISHED"),
    ]
    assert world.stored(run).metrics == {"accuracy": 0.9}
    assert world.results(run) == whole

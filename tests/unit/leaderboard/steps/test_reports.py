"""EvalAI while a submission runs: whatever it does, the watch goes on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from glue.leaderboard.evalai.errors import EvalAIBusy
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from tests.unit.leaderboard.steps.world import PARTLY, World, ends, passes, runs, waits

RUNNING, FINISHED = ("PATCH", "running"), ("PUT", "FINISHED")
PARTIAL = ("PUT", "PARTIALLY_EVALUATED")


def running(world: World, content: bytes | None = None) -> Run:
    run = world.step(world.step(world.submit()))
    runs(run, content)(world)
    return run


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_whatever_evalai_answers_the_watch_goes_on(world: World, status: int) -> None:
    run = running(world, PARTLY)
    world.evalai.fault("status", status=status, times=None)
    for _ in range(5):
        run = world.step(run)
        assert run.next == "watch"
        world.clock.now += run.wait_seconds
    assert world.stored(run).state is State.RUNNING
    assert world.stored(run).routes_done == 12
    assert world.told(run) == []
    world.evalai.admin("DELETE", "faults")
    world.drive(run, [ends(run)])
    assert world.told(run) == [RUNNING, PARTIAL, FINISHED]


def test_evalai_that_is_down_is_asked_once_a_look(world: World) -> None:
    run = running(world, PARTLY)
    asked: list[str] = []

    def down(request: httpx.Request) -> Exception:
        asked.append(request.method)
        return httpx.ConnectError("down")

    world.transport.trouble = down
    world.clock.now += 1000
    run = world.step(run)
    assert set(asked) == {"GET"}
    assert len(asked) == 2  # the client itself tries again, and nobody else
    assert run.looked_at == "2026-11-18T11:06:40.000Z"


def test_a_budget_that_is_used_up_is_no_error(world: World, monkeypatch: Any) -> None:
    def take(share: str, calls: int = 1) -> None:
        raise EvalAIBusy(30, "used up")

    run = running(world, PARTLY)
    monkeypatch.setattr(world.evalai.budget, "take", take)
    world.clock.now += 1000
    run = world.step(run)
    assert (run.next, world.stored(run).state) == ("watch", State.RUNNING)
    monkeypatch.undo()
    world.drive(run, [ends(run)])
    assert world.told(run)[-1] == FINISHED


def test_an_interim_result_that_is_rejected_comes_again_later(world: World) -> None:
    run = running(world, PARTLY)
    split = {"codename": "leaderboard", "labels": ["Accuracy"]}
    world.evalai.put_challenge(phases=[{"pk": run.phase, "codename": "x-Y", "splits": [split]}])
    for _ in range(11):
        run = world.step(run)
        world.clock.now += run.wait_seconds
    puts = [told for told in world.evalai.told() if told["method"] == "PUT"]
    assert [told["status"] for told in puts] == [400, 400]
    assert run.next == "watch"


def cancel(world: World, run: Run) -> None:
    assert world.evalai.cancel(run.key).status_code == 200


@pytest.mark.parametrize("before", ["prepare", "launch", "watch"])
def test_a_cancel_before_anything_runs(world: World, before: str) -> None:
    run = world.submit()
    while run.next != before:
        run = world.step(run)
    cancel(world, run)
    world.drive(run, [waits(), passes(600)])
    item = world.stored(run)
    assert (item.state, item.reason_code, item.evalai_status) == (
        State.CANCELLED,
        "cancelled",
        "cancelled",
    )
    assert world.told(run) == []
    assert world.cluster.held == world.cluster.secrets == {}


@pytest.mark.parametrize("is_told", [True, False])
def test_a_cancel_while_it_runs_is_seen_when_something_is_told(world: World, is_told: bool) -> None:
    run = running(world, PARTLY)
    if is_told:
        run = world.step(run)
        world.clock.now += 300
    cancel(world, run)
    assert world.step(run).next == "end"
    assert world.stored(run).state is State.CANCELLED
    assert world.told(run) == ([RUNNING, PARTIAL] if is_told else [])
    assert world.cluster.held == {}


@pytest.mark.parametrize("before", ["watch", "finish", "fail"])
def test_a_cancel_at_the_end_wins_over_the_result(world: World, before: str) -> None:
    run = world.step(running(world))
    ends(run, None if before == "fail" else PARTLY if before == "watch" else None)(world)
    if before != "fail":
        ends(run)(world)
    while run.next != before:
        run = world.step(run)
    cancel(world, run)
    world.drive(run)
    assert world.stored(run).state is State.CANCELLED
    assert world.held(run)["status"] == "cancelled"
    assert world.told(run) == [RUNNING]


@pytest.mark.parametrize("status", ["finished", "failed"])
def test_one_that_others_have_closed_is_cancelled_here(world: World, status: str) -> None:
    run = world.step(running(world))
    store = world.evalai.application._store  # type: ignore[attr-defined]
    store.put("submission", run.submission, world.held(run) | {"status": status})
    world.clock.now += 600
    assert world.step(run).next == "end"
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.CANCELLED, "closed_at_evalai")


def test_a_rerun_that_waits_is_still_closed_at_evalai_and_nobody_minds(world: World) -> None:
    first = world.submit(is_static_dataset=True)
    world.drive(first)
    run = world.step(world.step(world.run_of(first.key, attempt=2, reopen=True)))
    waits()(world)
    world.clock.now += 600
    run = world.step(run)
    assert (run.next, world.stored(run).state) == ("watch", State.WAITING)
    assert run.looked_at is not None
    assert run.looked_at > "2026-11-18T11:16"
    runs(run)(world)
    run = world.step(run)
    assert world.held(run)["status"] == "running"
    cancel(world, run)
    world.clock.now += 600
    assert world.step(run).next == "end"
    assert world.stored(run).state is State.CANCELLED

"""A function that is killed at any call it makes changes no submission's end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from tests.unit.leaderboard.kubernetes import samples
from tests.unit.leaderboard.steps.fakes import Life
from tests.unit.leaderboard.steps.world import (
    PARTLY,
    World,
    ends,
    passes,
    runs,
    waits,
)
from tests.unit.leaderboard.store.ground import LEADERBOARD

if TYPE_CHECKING:
    from collections.abc import Callable

Happening = Any


@dataclass
class Story:
    """A submission, what happens while it is watched, and how it ends."""

    happenings: Callable[[Run], list[Happening]]
    state: State
    told: list[tuple[str, str]]
    code: str = ""
    begin: Callable[[World], Run] = World.submit


def cancels(run: Run) -> Happening:
    return lambda world: world.evalai.cancel(run.key)


def crashes(world: World) -> None:
    world.cluster.pod(samples.ended("evaluator-1", 1, message="The agent crashed."), phase="Failed")
    world.cluster.end("Failed", "PodFailurePolicy", "a container ended with 1")


def again(world: World) -> Run:
    """Have a submission that has failed run again."""
    first = world.submit(is_static_dataset=True)
    world.drive(first)
    assert world.held(first)["status"] == "failed"
    return world.run_of(first.key, attempt=2, reopen=True)


def unlike(world: World) -> Run:
    """Have EvalAI know other labels than the results have."""
    run = world.submit()
    split = {"codename": "leaderboard", "labels": ["Accuracy"]}
    phases = [{"pk": run.phase, "codename": "leaderboard-10-SENSORS", "splits": [split]}]
    world.evalai.put_challenge(phases=phases)
    return run


RUNNING, FINISHED, FAILED = ("PATCH", "running"), ("PUT", "FINISHED"), ("PUT", "FAILED")
PARTIAL = ("PUT", "PARTIALLY_EVALUATED")
STORIES = {
    "finished": Story(
        lambda run: [waits(), runs(run, PARTLY), ends(run)],
        State.FINISHED,
        [RUNNING, PARTIAL, FINISHED],
    ),
    "finished without being seen running": Story(
        lambda run: [lambda world: (runs(run)(world), ends(run)(world))],
        State.FINISHED,
        [FINISHED],
    ),
    "failed by its agent": Story(
        lambda run: [runs(run, PARTLY), crashes],
        State.FAILED,
        [RUNNING, PARTIAL, FAILED],
        "program",
    ),
    "failed without a machine": Story(
        lambda run: [waits(), passes(4 * 3600)], State.FAILED, [FAILED], "no_gpu_node"
    ),
    "failed without results": Story(
        lambda run: [runs(run), ends(run, None)],
        State.FAILED,
        [RUNNING, FAILED],
        "results_incomplete",
    ),
    "cancelled while it waits": Story(
        lambda run: [waits(), cancels(run), passes(600)], State.CANCELLED, [], "cancelled"
    ),
    "cancelled while it runs": Story(
        lambda run: [runs(run), cancels(run), passes(600)], State.CANCELLED, [RUNNING], "cancelled"
    ),
    "cancelled at its end": Story(
        lambda run: [runs(run), lambda world: (cancels(run)(world), ends(run)(world))],
        State.CANCELLED,
        [RUNNING],
        "cancelled",
    ),
    "run again": Story(
        lambda run: [runs(run, PARTLY), ends(run)],
        State.FINISHED,
        [FAILED, RUNNING, PARTIAL, FINISHED],
        begin=again,
    ),
    "run again without being seen running": Story(
        lambda run: [lambda world: (runs(run)(world), ends(run)(world))],
        State.FINISHED,
        [FAILED, RUNNING, FINISHED],
        begin=again,
    ),
    "rejected": Story(
        lambda run: [runs(run), ends(run)],
        State.FAILED,
        [RUNNING, FAILED],
        "rejected_by_evalai",
        begin=unlike,
    ),
    "impossible": Story(
        lambda run: [],
        State.FAILED,
        [FAILED],
        "static_dataset",
        begin=lambda world: world.submit(is_static_dataset=True),
    ),
}


def play(world: World, story: Story, life: Life) -> tuple[Run, dict[str, Any]]:
    """Tell a story to its end in a world where nothing has happened yet; return what is left."""
    run = story.begin(world)
    world.life.__dict__.update(life.__dict__)
    world.cluster.made.clear()
    end = world.drive(run, story.happenings(run))
    world.life.at = 0  # nobody else dies
    world.life.creeps = False
    item = world.stored(run)
    left = item.model_dump(
        exclude={"submission", "execution", "job_name", "job_uid", "pod", "results"}
    )
    left["remedy"] = re.sub(rf"\b{LEADERBOARD} {run.submission}\b", f"{LEADERBOARD} N", item.remedy)
    times = {name for name, value in left.items() if name.endswith("_at") and value}
    return end, {name: value for name, value in left.items() if not name.endswith("_at")} | {
        "times": times,
        "evalai": world.held(run)["status"],
        "stderr": world.held(run).get("stderr"),
        "results": world.results(run),
        # A partial result may be shown twice: whoever was killed cannot know that it was sent.
        "told": [told for told, _ in groupby(world.told(run))],
        "jobs made": len(world.cluster.made),
    }


def check(world: World, story: Story, run: Run, left: dict[str, Any]) -> None:
    assert left["state"] is story.state
    assert left["reason_code"] == story.code
    assert left["told"] == story.told
    assert left["evalai"] == {"failed": "failed", "finished": "finished"}.get(
        story.state.value, "cancelled"
    )
    assert left["evalai_status"] == left["evalai"]
    assert bool(left["metrics"]) is (left["results"] is not None)
    assert left["jobs made"] <= 1
    assert not world.cluster.held
    assert not world.cluster.secrets


@pytest.mark.parametrize("name", STORIES)
def test_told_to_its_end(world: World, name: str) -> None:
    run, left = play(world, STORIES[name], Life())
    check(world, STORIES[name], run, left)


@pytest.mark.parametrize("name", STORIES)
def test_every_step_is_killed_at_each_of_its_calls(world: World, name: str) -> None:
    _, wanted = play(world, STORIES[name], Life())
    run, left = play(world, STORIES[name], Life(1, creeps=True))
    assert world.life.deaths >= 4
    check(world, STORIES[name], run, left)
    assert left == wanted


def test_killed_once(world: World) -> None:
    story = STORIES["finished"]
    _, wanted = play(world, story, Life())
    calls = world.life.calls
    assert calls > 40
    for number in range(1, calls + 1):
        run, left = play(world, story, Life(number))
        where = world.life.seen[number - 1]
        assert world.life.deaths == 1
        check(world, story, run, left)
        assert {where: left} == {where: wanted}

"""Runs that wait too long, run too long, or end before they are complete."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glue.leaderboard.states import State
from glue.settings import Pod
from tests.unit.leaderboard.kubernetes import samples
from tests.unit.leaderboard.steps.test_watch import launched
from tests.unit.leaderboard.steps.world import (
    PARTLY,
    InProcess,
    World,
    ends,
    passes,
    runs,
    waits,
)
from tests.unit.leaderboard.store.ground import Ground

HOUR = 3600.0


@pytest.mark.parametrize(
    ("happen", "code", "words"),
    [
        (waits(), "no_gpu_node", "no machine with a free GPU"),
        (
            lambda world: world.cluster.note("FailedCreate", "exceeded quota: jobs"),
            "quota",
            "share",
        ),
        (lambda world: world.cluster.note("FailedCreate", "is forbidden"), "rejected", "not take"),
        (
            lambda world: world.cluster.pod(
                samples.waiting("evaluator-1", "PodInitializing"),
                init=(samples.waiting("agent-1", "ImagePullBackOff", "team-31:1f2e not found"),),
            ),
            "image_pull",
            "team-31:1f2e not found",
        ),
        (
            lambda world: world.cluster.pod(
                samples.waiting("evaluator-1", "ErrImagePull", "secret-registry:1 not found")
            ),
            "image_pull",
            "an image of the leaderboard",
        ),
        (
            lambda world: world.cluster.pod(samples.waiting("evaluator-1", "ContainerCreating")),
            "starting",
            "did not get ready",
        ),
        (lambda world: None, "not_begun", "did not get ready"),
    ],
)
def test_a_pod_that_waits_too_long_fails_with_the_reason(
    world: World, happen: Any, code: str, words: str
) -> None:
    run = world.submit()
    end = world.drive(run, [happen, passes(3 * HOUR)])
    assert end.failure is not None
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, code)
    held = world.held(run)
    assert held["status"] == "failed"
    assert words in held["stderr"]
    assert "After 3 h" in held["stderr"]
    assert "secret-registry" not in held["stderr"]
    assert f"glue leaderboard rerun leaderboard-10 {run.submission}" in item.remedy
    assert world.cluster.held == {}


def test_a_pod_is_waited_for_until_its_deadline_and_not_less(world: World) -> None:
    run = launched(world)
    waits()(world)
    world.clock.now += 3 * HOUR - 1
    assert world.step(run).next == "watch"
    world.clock.now += 2
    assert world.step(run).next == "fail"


def test_an_image_that_is_not_there_costs_half_an_hour_of_a_gpu(world: World) -> None:
    run = launched(world)
    world.clock.now += 2 * HOUR  # for a node
    scheduled = {
        "type": "PodScheduled",
        "status": "True",
        "lastTransitionTime": "2026-11-18T13:06:40Z",
    }
    world.cluster.pod(
        samples.waiting("evaluator-1", "PodInitializing"),
        init=(samples.waiting("agent-1", "ImagePullBackOff", "not found"),),
        conditions=[scheduled],
    )
    world.clock.now += 1790
    assert world.step(run).next == "watch"
    world.clock.now += 20
    following = world.step(run)
    assert following.failure is not None
    assert (following.next, following.failure.code) == ("fail", "image_pull")
    assert "After 30 min of waiting" in following.failure.message


def test_a_node_that_is_lost_begins_the_waiting_anew(world: World) -> None:
    run = launched(world)
    runs(run)(world)
    run = world.step(run)
    world.clock.now += 10 * HOUR
    lost = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC"}
    world.cluster.pod(phase="Failed", conditions=[lost])
    run = world.step(run)
    assert (run.next, world.stored(run).reason_code) == ("watch", "restarting")
    waits()(world)  # the pod that comes in its place
    run = world.step(run)
    item = world.stored(run)
    assert (run.next, item.state, item.reason_code) == ("watch", State.WAITING, "no_gpu_node")
    world.clock.now += 2 * HOUR
    assert world.step(run).next == "watch"
    runs(run, PARTLY)(world)
    assert world.step(run).next == "watch"
    assert world.stored(run).state is State.RUNNING
    assert world.told(run)[0] == ("PATCH", "running")
    end = world.drive(run, [ends(run)])
    assert (end.next, world.stored(run).state) == ("end", State.FINISHED)
    assert [told for told in world.told(run) if told[0] == "PATCH"] == [("PATCH", "running")]


def test_nothing_stays_open_beyond_all_its_deadlines(world: World) -> None:
    run = launched(world)
    runs(run)(world)
    run = world.step(run)
    world.clock.now += 27 * HOUR + 300  # to wait, to run, and to send what is left
    assert world.step(run).next == "watch"  # Kubernetes is about to end it
    world.clock.now += 200
    end = world.drive(run)
    assert (end.next, world.stored(run).reason_code) == ("end", "deadline")
    assert world.cluster.held == {}


def pod_ends(world: World, *containers: Any, **status: Any) -> None:
    world.cluster.pod(*containers, phase="Failed", **status)
    world.cluster.end("Failed", "PodFailurePolicy", "the pod failed")


@pytest.mark.parametrize(
    ("happen", "code", "words"),
    [
        (
            lambda world: pod_ends(
                world, samples.ended("evaluator-1", 1, message="The agent sent no control.")
            ),
            "program",
            "evaluator-1 ended with 1: The agent sent no control.",
        ),
        (
            lambda world: pod_ends(world, samples.ended("evaluator-1", 137, "OOMKilled")),
            "out_of_memory",
            "more memory",
        ),
        (
            lambda world: world.cluster.end("Failed", "DeadlineExceeded", "too long"),
            "deadline",
            "not over after 24 h 0 min",
        ),
        (
            lambda world: pod_ends(
                world,
                reason="Evicted",
                message="Container agent-1 exceeded its local ephemeral storage limit",
            ),
            "disk_full",
            "write less",
        ),
        (lambda world: pod_ends(world, reason="NodeLost"), "node_lost", "machine was lost"),
        (lambda world: world.cluster.end("Failed", "Strange"), "unknown", "the cluster ended it"),
        (lambda world: world.cluster.delete_job(world.cluster.made[0]), "job_lost", "Job"),
    ],
)
def test_a_job_that_ends_early_fails_with_the_reason(
    world: World, happen: Any, code: str, words: str
) -> None:
    run = world.submit()
    world.drive(run, [runs(run, PARTLY), happen])
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, code)
    held = world.held(run)
    assert (held["status"], words in held["stderr"]) == ("failed", True)
    assert world.results(run) is None
    assert item.metrics == {}
    if code != "job_lost":
        assert "12 of 25 routes were done" in held["stderr"]


def test_what_the_evaluator_says_of_a_crash_is_told(world: World) -> None:
    run = world.submit()
    rejected = json.loads(PARTLY) | {"entry_status": "Rejected"}
    ended = samples.ended("evaluator-1", 1)
    world.drive(run, [runs(run, json.dumps(rejected)), lambda world: pod_ends(world, ended)])
    assert "the participant must change them" in world.held(run)["stderr"]


def test_one_of_two_evaluators_that_ends_badly_ends_the_run(
    ground: Ground, evalai: InProcess
) -> None:
    world = World(ground, evalai, pod=Pod(workers=2))
    run = world.submit()
    well, badly = samples.ended("evaluator-1", 0, "Completed"), samples.ended("evaluator-1", 1)
    other = samples.running("evaluator-2")
    world.drive(
        run,
        [
            lambda world: world.cluster.pod(well, other, phase="Running"),
            lambda world: world.cluster.pod(badly, other, phase="Running"),
        ],
    )
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, "program")
    assert "evaluator-1 ended with 1" in world.held(run)["stderr"]
    assert world.told(run) == [("PATCH", "running"), ("PUT", "FAILED")]
    assert world.cluster.held == {}

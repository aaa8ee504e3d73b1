"""The Job of an attempt: what it is made of, and that there is one only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glue.errors import InputError
from glue.leaderboard.kubernetes.errors import KubernetesRefused, KubernetesUnavailable
from glue.leaderboard.kubernetes.job import render
from glue.leaderboard.pod import job_values, shares
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from glue.settings import ContainerResources, Evaluation, Pod
from tests.unit.leaderboard.evalai.stage import IMAGE
from tests.unit.leaderboard.steps.world import InProcess, World
from tests.unit.leaderboard.store.ground import BUCKET, Ground

NAME = "leaderboard-10-submission-1-attempt-1"


def prepared(world: World, **changes: Any) -> Run:
    return world.step(world.submit(**changes))


def containers(world: World, run: Run) -> dict[str, dict[str, Any]]:
    manifest = render(job_values(world.services, run, world.stored(run)))
    spec = manifest["spec"]["template"]["spec"]
    every = (*spec["initContainers"], *spec["containers"])
    return {container["name"]: container for container in every}


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container.get("env", ())}


def test_makes_the_job_and_its_form(world: World) -> None:
    run = world.step(prepared(world))
    assert (run.next, run.wait_seconds) == ("watch", 30)
    item = world.stored(run)
    job = world.cluster.held[NAME]
    assert item.state is State.WAITING
    assert (item.job_name, item.job_uid) == (NAME, job["metadata"]["uid"])
    assert (item.launched_at, item.routes_expected) == ("2026-11-18T11:06:40.000Z", 25)
    secret = world.cluster.secrets[NAME]
    assert secret["owner"] == item.job_uid
    assert secret["labels"]["submission"] == str(run.submission)
    form = json.loads(secret["content"]["form.json"])
    assert (form["prefix"], BUCKET in form["address"]) == ("1/attempt-1/", True)
    assert job["metadata"]["labels"]["attempt"] == "1"
    # Whoever reads the execution's history or the Job learns nothing from it.
    for text in (run.model_dump_json(), json.dumps(job)):
        assert form["fields"]["policy"] not in text


def test_a_job_that_was_made_before_is_taken_up(world: World) -> None:
    run = prepared(world)
    world.step(run)
    before = world.stored(run)
    world.clock.now += 500
    assert world.step(run).next == "watch"
    after = world.stored(run)
    assert world.cluster.made == [NAME]
    assert (after.job_uid, after.launched_at) == (before.job_uid, before.launched_at)


def test_a_job_of_its_name_that_is_somebody_elses_is_left_alone(world: World) -> None:
    run = prepared(world)
    manifest = render(job_values(world.services, run, world.stored(run)))
    manifest["metadata"]["labels"]["submission"] = "77"
    world.cluster.create_job(manifest)
    with pytest.raises(KubernetesRefused, match="somebody else's"):
        world.step(run)


def test_a_job_that_is_being_deleted_is_waited_for(world: World) -> None:
    run = prepared(world)
    world.step(run)
    world.cluster.held[NAME]["metadata"]["deletionTimestamp"] = "2026-11-18T11:06:40Z"
    with pytest.raises(KubernetesUnavailable, match="being deleted"):
        world.step(run)


def test_the_containers_of_two_workers(ground: Ground, evalai: InProcess) -> None:
    world = World(ground, evalai, pod=Pod(workers=2, upload_seconds=5, grace_seconds=300))
    run = prepared(world)
    world.services.table.note(world.stored(run), track="leaderboard-10-SENSORS")
    found = containers(world, run)
    assert list(found) == [
        "simulator-1", "agent-1", "simulator-2", "agent-2", "uploader",
        "evaluator-1", "evaluator-2",
    ]  # fmt: skip
    common = {"WORKER_ID": "2", "SUBMISSION_WORKERS": "2"}
    output = {"OUTPUT_FOLDER": "/output", "NVIDIA_DRIVER_CAPABILITIES": "all"}
    assert variables(found["simulator-2"]) == common | output | {"CARLA_PORT": "2100"}
    assert variables(found["agent-2"]) == common | output | {
        "AGENT_PORT": "3100",
        "CHALLENGE_TRACK_CODENAME": "SENSORS",
    }
    assert variables(found["evaluator-1"])["ROUTES_SUBSET"] == "0-12"
    assert variables(found["evaluator-2"]) == common | {
        "CARLA_PORT": "2100",
        "AGENT_PORT": "3100",
        "LEADERBOARD": "leaderboard-10",
        "CARLA_VERSION": "2.0",
        "CHALLENGE_TRACK_CODENAME": "SENSORS",
        "ROUTES_SUBSET": "13-24",
        "REPETITIONS": "1",
        "RESULTS_FILE": "/results/simulation_results.json",
    }
    assert found["agent-1"]["image"] == IMAGE
    assert found["evaluator-1"]["image"] == "registry/leaderboard:1"
    assert variables(found["uploader"]) == {
        "PERIOD_SECONDS": "5",
        "LAST_SECONDS": "290",
        "FORM_FILE": "/form/form.json",
        "READY_FILE": "/tmp/ready",
    }
    assert "worker-2/agent=/uploads/worker-2/agent" in found["uploader"]["args"]


def test_only_the_evaluator_writes_results(world: World) -> None:
    found = containers(world, prepared(world))
    sees = {
        name: {mount["name"]: not mount.get("readOnly") for mount in container["volumeMounts"]}
        for name, container in found.items()
    }
    assert sees["evaluator-1"] == {"results-1": True}
    assert sees["agent-1"] == {"agent-output-1": True}
    assert sees["simulator-1"] == {"simulator-output-1": True}
    del sees["uploader"]["uploader"]  # a folder of its own for what is temporary
    assert sees["uploader"] == dict.fromkeys(
        ("results-1", "agent-output-1", "simulator-output-1", "form"), False
    )
    # Neither simulator nor agent can end the run by ending.
    assert found["agent-1"]["restartPolicy"] == found["simulator-1"]["restartPolicy"] == "Always"
    assert "restartPolicy" not in found["evaluator-1"]


def test_a_single_route_and_no_gpu(ground: Ground, evalai: InProcess) -> None:
    none = ContainerResources()
    world = World(
        ground,
        evalai,
        evaluation=Evaluation(routes=1),
        pod=Pod(simulator=none, agent=none, waiting_seconds=5, run_seconds=5),
    )
    run = prepared(world)
    found = containers(world, run)
    assert variables(found["evaluator-1"])["ROUTES_SUBSET"] == "0"
    assert variables(found["evaluator-1"])["CARLA_VERSION"] == ""
    assert "NVIDIA_DRIVER_CAPABILITIES" not in variables(found["agent-1"])
    # Shorter deadlines than Kubernetes' are the watch's business.
    values = job_values(world.services, run, world.stored(run))
    assert (values.waiting_seconds, values.run_seconds) == (60, 60)


@pytest.mark.parametrize(
    ("routes", "workers", "expected"),
    [(36, 1, [36]), (25, 2, [13, 12]), (10, 4, [3, 3, 2, 2]), (3, 3, [1, 1, 1])],
)
def test_every_route_is_one_workers(routes: int, workers: int, expected: list[int]) -> None:
    found = shares(routes, workers)
    assert [len(share) for share in found] == expected
    assert [route for share in found for route in share] == list(range(routes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pod": Pod(workers=8), "evaluation": Evaluation(routes=5)}, "8 share 5 routes"),
        ({"pod": Pod(agent=ContainerResources(cpu_millis=10**9))}, "cpu_millis"),
        ({"pod": Pod(node_labels={"no label": "x"})}, "node_labels"),
    ],
)
def test_a_leaderboard_that_makes_no_job_says_what_is_wrong(
    ground: Ground, evalai: InProcess, changes: dict[str, Any], words: str
) -> None:
    world = World(ground, evalai, **changes)
    run = world.submit()
    with pytest.raises(InputError, match=words):
        world.step(world.step(run))
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, "configuration")
    assert words in world.held(run)["environment_log"]
    assert words not in world.held(run)["stderr"]


def test_an_item_without_an_image_makes_no_job(world: World) -> None:
    run = prepared(world)
    item = world.services.table.note(world.stored(run), image=None)
    with pytest.raises(InputError, match="image"):
        job_values(world.services, run.model_copy(update={"image": None}), item)


def test_a_submission_that_nobody_prepared_is_not_launched(world: World) -> None:
    with pytest.raises(InputError, match="prepare it"):
        world.step(world.submit(next="launch"))


def test_a_cluster_that_refuses_fails_the_submission(world: World) -> None:
    run = prepared(world)
    world.cluster.problem = KubernetesRefused("User x cannot create resource", "Forbidden", 403)
    end = world.drive(run)
    assert end.next == "end"
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, "kubernetes_refused")
    held = world.held(run)
    assert "cannot create" not in held["stderr"]
    assert "cannot create" in held["environment_log"]

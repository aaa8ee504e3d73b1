"""Many Jobs and few nodes: who comes first, what it costs to wait, and what a node has."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from glue.leaderboard.kubernetes.values import Container, Resources
from glue.local.kubernetes import admission
from glue.local.kubernetes.controller import Controller
from glue.local.kubernetes.memory import Memory
from glue.local.kubernetes.nodes import GPU, Nodes, standard_groups
from glue.local.kubernetes.rules import Namespace, Rules
from glue.local.kubernetes.scheduler import Scheduler
from glue.local.kubernetes.store import MOST_EVENTS, RECOUNTED_SECONDS, Store
from tests.unit.local.kubernetes.manifests import manifest

if TYPE_CHECKING:
    from pathlib import Path

Object = dict[str, Any]


class World:
    """Controller and scheduler without containers: whoever has a node runs until `end`."""

    def __init__(self, *, nodes: int = 2, gpus: int = 4, start: float = 0.0, **node: int) -> None:
        self.now = 1000.0
        self.store = Store(lambda: self.now)
        namespace = Namespace(quota={"pods": "1000", f"requests.{GPU}": "1000"})
        self.rules = Rules({"jobs": namespace}, {"job": 1000, "job-urgent": 2000})
        self.controller = Controller(self.store, self.rules, 1.0, self._remove)
        self.nodes = Nodes(standard_groups(nodes, gpus, start, **node), lambda: self.now)
        self.scheduler = Scheduler(
            self.store, self.nodes, self.rules, self.controller.usage, self._run
        )
        self.started: list[str] = []

    def add(self, name: str, *, gpus: int = 2, cpu: int = 1000, **changes: Any) -> None:
        resources = Resources(cpu_millis=cpu, memory_mib=1024, disk_gib=1, gpus=gpus)
        main = Container(name="agent", image="agent:1", resources=resources)
        job = {**manifest(name, main=(main,), **changes), "status": {}}
        self.store.add(self.store.jobs, job)

    def tick(self, gpu_nodes: int | None = None) -> None:
        self.controller.tick()
        self.scheduler.tick(gpu_nodes)

    def end(self, job: str) -> None:
        pod = self.pod(job)
        pod["status"] |= {"phase": "Succeeded", "containerStatuses": []}
        self.store.touch(pod)

    def pod(self, job: str) -> Object:
        label = "batch.kubernetes.io/job-name"
        pods = self.store.pods.values()
        return next(pod for pod in pods if pod["metadata"]["labels"][label] == job)

    def said(self, job: str) -> str:
        """Return what scheduler and autoscaler say of a Job's pod."""
        pod = self.pod(job)
        noted = [
            event["message"]
            for event in self.store.events.values()
            if event["involvedObject"]["uid"] == pod["metadata"]["uid"]
        ]
        return " ".join([*(c["message"] for c in pod["status"]["conditions"]), *noted])

    def _run(self, pod: Object) -> None:
        pod["status"]["phase"] = "Running"
        self.started.append(pod["metadata"]["labels"]["job-name"])

    def _remove(self, pod: Object) -> None:
        self.store.remove(self.store.pods, pod)


def test_the_first_to_come_is_the_first_to_run() -> None:
    world = World(nodes=1)
    for number in range(4):
        world.add(f"job-{number}")
    world.tick()
    world.tick()
    assert world.started == ["job-0", "job-1"]
    world.end("job-1")
    world.tick()
    world.end("job-0")
    world.tick()
    assert world.started == ["job-0", "job-1", "job-2", "job-3"]


def test_who_is_urgent_goes_before_who_waits_and_drives_nobody_out() -> None:
    world = World(nodes=1)
    for number in range(3):
        world.add(f"job-{number}")
    world.tick()
    world.tick()
    world.add("urgent", priority="job-urgent")
    world.tick()
    assert world.started == ["job-0", "job-1"]
    world.end("job-0")
    world.tick()
    assert world.started[-1] == "urgent"


def test_a_small_one_runs_where_a_large_one_does_not_fit() -> None:
    world = World(nodes=1)
    world.add("first", gpus=3)
    world.add("large", gpus=4)
    world.add("small", gpus=1)
    world.tick()
    world.tick()
    assert world.started == ["first", "small"]
    assert f"1 Insufficient {GPU}" in world.said("large")
    assert "max node group size reached" in world.said("large")


def test_as_many_nodes_are_ordered_as_the_waiting_pods_need() -> None:
    world = World(nodes=4, start=60.0)
    for number in range(6):
        world.add(f"job-{number}")
    world.tick()
    assert sorted(world.nodes.nodes) == ["gpu-2", "gpu-3", "gpu-4", "system-1"]
    world.tick()
    assert len(world.nodes.nodes) == 4, "those that come have room for all"
    world.now += 60
    world.tick()
    assert len(world.started) == 6


def test_other_things_than_gpus_run_out_as_well() -> None:
    """g5.12xlarge: four GPUs, 48 vCPUs, 192 GiB."""
    world = World(nodes=1, cpus=48, memory_gib=192)
    for number in range(4):
        world.add(f"job-{number}", gpus=1, cpu=16_000)
    world.tick()
    world.tick()
    assert len(world.started) == 2, "each has a simulator and an uploader beside it"
    assert "1 Insufficient cpu" in world.said("job-2")


def test_nodes_beyond_what_there_may_be_are_taken_back_when_idle() -> None:
    world = World(nodes=2)
    for number in range(4):
        world.add(f"job-{number}")
    world.tick()
    world.tick()
    assert len(world.started) == 4
    world.end("job-0")
    world.end("job-1")
    world.add("later", gpus=4)
    world.tick(gpu_nodes=1)
    assert len(world.nodes.nodes) == 2
    world.tick(gpu_nodes=1)
    assert world.started[-1] != "later"


def test_a_quota_that_is_full_is_tried_once_a_round_for_all_that_are_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.rules.namespaces["jobs"].quota["pods"] = "2"
    for number in range(50):
        world.add(f"job-{number}")
    world.tick()
    assert len(world.store.pods) == 2
    refused = [e for e in world.store.events.values() if e["reason"] == "FailedCreate"]
    assert len(refused) == 48, "each is told why it waits"
    tried: list[Object] = []
    admit = admission.admit_pod

    def counted(pod: Object, *more: Any) -> None:
        tried.append(pod)
        admit(pod, *more)

    monkeypatch.setattr(admission, "admit_pod", counted)
    world.tick()
    assert len(tried) == 1
    world.tick()
    world.end("job-0")
    world.tick()
    world.tick()
    assert [p["metadata"]["labels"]["job-name"] for p in world.store.pods.values()] == [
        "job-0", "job-1", "job-2",
    ]  # fmt: skip


def test_waiting_writes_nothing_down() -> None:
    world = World(nodes=0)
    for number in range(20):
        world.add(f"job-{number}")
    for _ in range(3):
        world.tick()
    world.store.changed.clear()
    for _ in range(20):
        world.tick()
    assert world.store.changed == {}
    world.now += RECOUNTED_SECONDS
    world.tick()
    counted = [event["count"] for event in world.store.events.values()]
    assert counted == [2] * 20


def test_a_pod_is_reckoned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(nodes=0)
    world.add("one")
    world.tick()
    usage, pod = world.controller.usage, world.pod("one")
    assert usage.of(pod)[f"requests.{GPU}"] == Decimal(2)
    monkeypatch.setattr(admission, "usage", lambda _: pytest.fail("reckoned again"))
    world.tick()
    monkeypatch.undo()
    for number in range(200):  # it forgets those that are gone
        other = {**pod, "metadata": {**pod["metadata"], "uid": f"other-{number}"}}
        usage.of(other)
    assert len(usage._known) < 110


def test_events_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_EVENTS > 500 * 4
    monkeypatch.setattr("glue.local.kubernetes.store.MOST_EVENTS", 2)
    world = World(nodes=0)
    world.add("noted")
    (job,) = world.store.jobs.values()
    for text in "abca":
        world.store.note(job, "Reason", text)
    assert [event["message"] for event in world.store.events.values()] == ["c", "a"]


def test_the_order_of_jobs_outlives_a_restart(tmp_path: Path) -> None:
    world = World(nodes=0)
    for number in (3, 1, 2):
        world.add(f"job-{number}")
    memory = Memory(tmp_path / "state.sqlite")
    memory.save(world.store)
    (first, *_) = world.store.jobs.values()
    world.store.touch(first)
    world.tick()
    memory.save(world.store)
    memory.save(world.store)
    again = Store(lambda: 1.0)
    memory.load(again)
    memory.close()
    assert [name for _, name in again.jobs] == ["job-3", "job-1", "job-2"]
    assert again.version == world.store.version
    assert [len(again.pods_of(job["metadata"]["uid"])) for job in again.jobs.values()] == [1, 1, 1]
    (event, *_) = again.events.values()
    again.note(world.pod("job-3"), event["reason"], event["message"])
    assert len(again.events) == len(world.store.events), "it is known to be the same"

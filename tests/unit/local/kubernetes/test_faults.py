"""Everything that can go wrong with a Job, made to go wrong, and what the client says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from glue.leaderboard.kubernetes import connection
from glue.leaderboard.kubernetes.errors import (
    Conflict,
    Gone,
    KubernetesRefused,
    KubernetesUnavailable,
)
from glue.leaderboard.kubernetes.values import Container, Resources
from tests.unit.local.kubernetes.manifests import FOREVER, SMALL, manifest
from tests.unit.local.kubernetes.standing import Standing, standing, tokens

if TYPE_CHECKING:
    from pathlib import Path


def is_running(phase: Any) -> bool:
    return bool(phase.state == "running")


def test_a_gpu_that_comes_late(stand_in: Standing) -> None:
    stand_in.fault(gpu_nodes=0)
    stand_in.client.create_job(manifest("late"))
    phase = stand_in.wait("late", lambda phase: "max node group size" in phase.message)
    assert (phase.state, phase.reason) == ("waiting", "no_gpu_node")
    assert "nodes are available" in phase.message
    stand_in.fault()
    assert stand_in.wait_over("late").state == "succeeded"


def test_a_node_takes_its_time(tmp_path: Path) -> None:
    with standing(tmp_path / "home", start_seconds=5.0) as found:
        found.client.create_job(manifest("patient"))
        phase = found.wait("patient", lambda phase: "triggered scale-up" in phase.message)
        assert phase.reason == "no_gpu_node"
        nodes = found.http.get("/stand-in/nodes").json()
        assert [name for name, node in nodes.items() if not node["is_ready"]] == ["gpu-2"]
        assert found.wait_over("patient").state == "succeeded"


def test_gpus_that_others_have(tmp_path: Path) -> None:
    """One node of two GPUs: the third Job waits until a GPU is free."""
    with standing(tmp_path / "home", gpu_nodes=1) as found:
        for number in range(3):
            found.client.create_job(manifest(f"queued-{number}", FOREVER))
        for number in range(2):
            found.wait(f"queued-{number}", is_running)
        phase = found.wait("queued-2", lambda phase: "Insufficient" in phase.message)
        assert phase.reason == "no_gpu_node"
        found.client.delete_job("queued-0")
        found.wait("queued-2", is_running)


def test_no_node_of_these_labels(stand_in: Standing) -> None:
    agent = Container(name="agent", image="agent:1", resources=SMALL)
    stand_in.client.create_job(manifest("picky", main=(agent,), node_labels={"team": "nobody"}))
    phase = stand_in.wait_reason("picky", "unschedulable")
    assert "didn't match" in phase.message


def test_an_image_that_cannot_be_pulled_until_it_can(stand_in: Standing) -> None:
    stand_in.fault(pulls=["*/agent:*"])
    stand_in.client.create_job(manifest("unpulled"))
    phase = stand_in.wait_reason("unpulled", "image_pull")
    assert (phase.state, phase.started_at) == ("waiting", None)
    stand_in.wait("unpulled", lambda phase: "ImagePullBackOff" in phase.message)
    stand_in.fault()
    assert stand_in.wait_over("unpulled").state == "succeeded"


def test_an_image_that_nobody_knows(stand_in: Standing) -> None:
    simulator = Container(name="simulator", image="unheard-of:1", resources=SMALL)
    stand_in.client.create_job(manifest("unknown", sidecars=(simulator,)))
    assert "unheard-of" in stand_in.wait_reason("unknown", "image_pull").message
    stand_in.client.delete_job("unknown")  # while it is being pulled
    stand_in.wait_gone()


@pytest.mark.parametrize(
    ("fault", "reason", "code"),
    [
        ({"kind": "crash", "after_seconds": 0.05}, "program", 139),
        ({"kind": "crash", "exit_code": 2}, "program", 2),
        ({"kind": "memory"}, "out_of_memory", 137),
    ],
)
def test_a_container_that_ends_badly(
    stand_in: Standing, fault: dict[str, Any], reason: str, code: int
) -> None:
    stand_in.fault(containers=[{"container": "agent", "job": "crash*", **fault}])
    stand_in.client.create_job(manifest("crashing", FOREVER))
    phase = stand_in.wait_over("crashing")
    assert (phase.reason, phase.container, phase.exit_code) == (reason, "agent", code)
    assert stand_in.http.get("/stand-in/faults").json()["containers"] == []


def test_a_simulator_that_crashes_is_started_again(stand_in: Standing) -> None:
    stand_in.fault(containers=[{"container": "simulator", "kind": "crash", "times": 2}])
    stand_in.client.create_job(manifest("shaken", "import time; time.sleep(1)"))
    assert stand_in.wait_over("shaken").state == "succeeded"


def test_a_container_that_hangs_meets_its_deadline(stand_in: Standing) -> None:
    """It heeds no polite signal; its time to end well is over after grace_seconds."""
    stand_in.fault(containers=[{"container": "agent", "kind": "hang"}])
    stand_in.client.create_job(manifest("hanging", run_seconds=1000, grace_seconds=30))
    phase = stand_in.wait_over("hanging")
    assert (phase.state, phase.reason) == ("failed", "deadline")
    (pod,) = stand_in.client.pods("hanging")
    (agent,) = pod["status"]["containerStatuses"]
    assert agent["state"]["terminated"]["exitCode"] == 137


def test_a_node_that_is_lost_costs_a_new_beginning(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("moved", FOREVER))
    first = stand_in.wait("moved", is_running)
    stand_in.http.delete(f"/stand-in/nodes/{first.node}").raise_for_status()
    second = stand_in.wait("moved", lambda phase: phase.restarts == 1 and is_running(phase))
    assert second.pod != first.pod
    assert second.node != first.node
    assert stand_in.http.delete(f"/stand-in/nodes/{first.node}").status_code == 404


def test_a_node_that_is_lost_ends_a_job_that_does_not_begin_again(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("settled", FOREVER, on_disruption="fail"))
    node = stand_in.wait("settled", is_running).node
    stand_in.http.delete(f"/stand-in/nodes/{node}").raise_for_status()
    phase = stand_in.wait_over("settled")
    assert (phase.reason, phase.message) == ("node_lost", "PodGC: node no longer exists")
    assert phase.container is None


def test_a_pod_that_is_evicted(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("greedy", FOREVER, on_disruption="fail"))
    pod = stand_in.wait("greedy", is_running).pod
    stand_in.http.post(f"/stand-in/evictions/jobs/{pod}").raise_for_status()
    assert stand_in.wait_over("greedy").reason == "disk_full"
    assert stand_in.http.post("/stand-in/evictions/jobs/nobody").status_code == 404


def test_quota_of_the_namespace(stand_in: Standing) -> None:
    """20 GPUs in kubernetes/base/jobs: of three Jobs that ask for 8 each, the third has no pod."""
    large = Resources(cpu_millis=100, memory_mib=64, disk_gib=1, gpus=8)
    agent = Container(name="agent", image="agent:1", arguments=(FOREVER,), resources=large)
    for number in range(3):
        stand_in.client.create_job(manifest(f"large-{number}", main=(agent,)))
    for number in range(2):
        stand_in.wait_reason(f"large-{number}", "no_gpu_node")
    phase = stand_in.wait_reason("large-2", "quota")
    said = "exceeded quota: jobs, requested: requests.nvidia.com/gpu=8, used: requests.nvidia.com"
    assert said in phase.message
    stand_in.client.delete_job("large-0")
    stand_in.wait_reason("large-2", "no_gpu_node")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("containers", 0, "securityContext", "privileged"), True, "PodSecurity"),
        (("hostNetwork",), True, "host namespaces"),
        (("containers", 0, "resources", "limits"), {"cpu": "17"}, "maximum cpu usage"),
    ],
)
def test_pods_against_the_rules_are_never_made(
    stand_in: Standing, path: tuple[Any, ...], value: Any, said: str
) -> None:
    job = manifest("rejected")
    place = job["spec"]["template"]["spec"]
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    stand_in.client.create_job(job)
    assert said in stand_in.wait_reason("rejected", "rejected").message


def test_a_job_that_somebody_deletes_is_lost(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("stolen", FOREVER))
    stand_in.wait("stolen", is_running)
    stand_in.client.delete_job("stolen")
    stand_in.wait_gone()
    with pytest.raises(Gone):
        stand_in.phase("stolen")


@pytest.mark.parametrize("kind", ["down", "busy", "broken", "stranger", "lost"])
def test_an_api_that_recovers(stand_in: Standing, kind: str) -> None:
    stand_in.fault(api=[{"kind": kind, "times": 2}])
    assert stand_in.client.jobs() == []
    stand_in.fault(api=[{"kind": kind, "times": 3}])
    with pytest.raises(KubernetesUnavailable) as caught:
        stand_in.client.jobs()
    assert caught.value.retry_after == (1 if kind == "busy" else None)


def test_an_answer_that_is_lost_means_a_job_that_was_made(stand_in: Standing) -> None:
    stand_in.fault(api=[{"kind": "lost", "verbs": ["create"]}], no_controller=True)
    with pytest.raises(KubernetesUnavailable):
        stand_in.client.create_job(manifest("made"))
    with pytest.raises(Conflict):
        stand_in.client.create_job(manifest("made"))
    assert stand_in.client.job("made")["metadata"]["labels"]["attempt"] == "1"


def test_a_slow_api(stand_in: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stand_in.client.jobs() == []
    monkeypatch.setattr(connection, "TIMEOUT", httpx.Timeout(0.2))
    with stand_in.client_of(tokens(), attempts=1) as hurried:
        stand_in.fault(api=[{"kind": "slow", "seconds": 5}])
        with pytest.raises(KubernetesUnavailable):
            hurried.jobs()


def test_refusals_are_not_tried_again(stand_in: Standing) -> None:
    stand_in.fault(api=[{"kind": "refused", "times": 2}])
    with pytest.raises(KubernetesRefused, match="made to refuse"):
        stand_in.client.jobs()
    (left,) = stand_in.http.get("/stand-in/faults").json()["api"]
    assert left["times"] == 1


def test_a_token_that_is_refused_once_is_renewed(stand_in: Standing) -> None:
    stand_in.fault(api=[{"kind": "unauthorised"}])
    assert stand_in.client.jobs() == []
    stand_in.fault(api=[{"kind": "unauthorised", "times": 2}])
    with pytest.raises(KubernetesRefused) as caught:
        stand_in.client.jobs()
    assert caught.value.status == 401


def test_strangers_are_refused(stand_in: Standing) -> None:
    for held in (tokens("AKIASTRANGER"), tokens(cluster="prod")):
        with stand_in.client_of(held) as stranger, pytest.raises(KubernetesRefused) as caught:
            stranger.jobs()
        assert (caught.value.status, caught.value.message) == (401, "Unauthorized")


def test_rights_end_at_the_namespace(stand_in: Standing) -> None:
    with (
        stand_in.client_of(tokens(), namespace="platform") as elsewhere,
        pytest.raises(KubernetesRefused, match='in the namespace "platform"') as caught,
    ):
        elsewhere.jobs()
    assert caught.value.status == 403


def test_who_may_only_look(tmp_path: Path) -> None:
    with standing(tmp_path / "home", policy="view") as found:
        assert found.client.jobs() == []
        with pytest.raises(KubernetesRefused, match='cannot create resource "jobs"'):
            found.client.create_job(manifest("wished"))


def test_a_restart_loses_the_nodes_and_not_the_jobs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with standing(home) as found:
        found.client.create_job(manifest("ended"))
        found.wait_over("ended")
        found.client.create_job(manifest("resumed", FOREVER))
        found.client.create_job(manifest("given-up", FOREVER, on_disruption="fail"))
        for name in ("resumed", "given-up"):
            found.wait(name, is_running)
    with standing(home) as found:
        assert found.phase("ended").state == "succeeded"
        assert found.wait("resumed", is_running).restarts == 1
        assert found.wait_over("given-up").reason == "node_lost"

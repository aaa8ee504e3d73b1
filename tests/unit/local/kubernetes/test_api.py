"""What the stand-in refuses, as a cluster would, and what it says it cannot do."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import pytest

from glue.leaderboard.kubernetes.errors import KubernetesError
from tests.unit.local.kubernetes.manifests import FOREVER, manifest
from tests.unit.local.kubernetes.standing import PATIENCE_SECONDS, Standing, tokens

if TYPE_CHECKING:
    import httpx

JOBS = "/apis/batch/v1/namespaces/jobs/jobs"
PODS = "/api/v1/namespaces/jobs/pods"


def ask(stand_in: Standing, method: str, path: str, **options: Any) -> httpx.Response:
    bearer = tokens().current().get_secret_value()
    return stand_in.http.request(
        method, path, headers={"authorization": f"Bearer {bearer}"}, **options
    )


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    job = copy.deepcopy(manifest("wrong"))
    place: Any = job
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return job


HOST_PATH = {"name": "results", "hostPath": {"path": "/"}}
TEMPLATE = ("spec", "template", "spec")
AGENT, UPLOADER = (*TEMPLATE, "containers", 0), (*TEMPLATE, "initContainers", -1)
EXEC = {"exec": {"command": ["true"]}}


@pytest.mark.parametrize(
    ("path", "value", "code", "said"),
    [
        (("metadata", "name"), "Wrong_Name", 422, "63 characters"),
        (("metadata", "labels", "team"), "a b", 422, "team: 'a b'"),
        (("metadata", "namespace"), "platform", 400, "does not match"),
        (("spec", "stray"), 1, 422, "stray"),
        ((*TEMPLATE, "restartPolicy"), "Always", 422, '"Never", "OnFailure"'),
        ((*TEMPLATE, "restartPolicy"), "OnFailure", 422, "only with restartPolicy Never"),
        (("spec", "podReplacementPolicy"), "TerminatingOrFailed", 422, "only Failed"),
        ((*TEMPLATE, "priorityClassName"), "first", 403, "no PriorityClass"),
        ((*TEMPLATE, "volumes"), [], 422, '"results" not found'),
        ((*AGENT, "name"), "simulator", 422, "duplicate name"),
        ((*AGENT, "resources", "limits", "cpu"), "much", 422, "no quantity"),
        (("spec", "completions"), 2, 501, "stand-in"),
        (("spec", "suspend"), True, 501, "suspended"),
        ((*AGENT, "envFrom"), [{"secretRef": {"name": "a"}}], 501, "plain variables"),
        ((*TEMPLATE, "volumes", 0), HOST_PATH, 501, "emptyDir"),
        ((*AGENT, "readinessProbe"), EXEC, 501, "agent: no probe is asked but startupProbe"),
        ((*AGENT, "startupProbe"), EXEC, 501, "agent: startupProbe: only of a sidecar"),
        ((*UPLOADER, "startupProbe"), {"tcpSocket": {"port": 1}}, 501, "and only exec"),
    ],
)  # fmt: skip
def test_jobs_that_are_not_taken(
    stand_in: Standing, path: tuple[Any, ...], value: Any, code: int, said: str
) -> None:
    with pytest.raises(KubernetesError) as caught:
        stand_in.client.create_job(changed(path, value))
    assert caught.value.status == code
    assert said in caught.value.message


def test_on_failure_is_not_to_be_had(stand_in: Standing) -> None:
    job = changed((*TEMPLATE, "restartPolicy"), "OnFailure")
    del job["spec"]["podFailurePolicy"]
    with pytest.raises(KubernetesError, match="write restartPolicy: Never"):
        stand_in.client.create_job(job)


@pytest.mark.parametrize(
    ("method", "path", "options", "code"),
    [
        ("GET", "/apis/apps/v1/namespaces/jobs/deployments", {}, 404),
        ("GET", "/api/v1/namespaces/jobs/jobs", {}, 404),
        ("GET", "/nothing", {}, 404),
        ("PATCH", f"{JOBS}/a", {}, 405),
        ("DELETE", JOBS, {}, 405),
        ("POST", PODS, {}, 405),
        ("GET", f"{PODS}/a", {}, 404),
        ("POST", JOBS, {"content": "{"}, 400),
        ("POST", JOBS, {"content": "[]"}, 400),
        ("POST", JOBS, {"json": {"metadata": {"name": "a"}}}, 400),
        ("POST", JOBS, {"json": {"apiVersion": "v1", "kind": "Pod"}}, 400),
        ("POST", JOBS, {"content": b"x" * (4 * 1024 * 1024)}, 413),
        ("GET", f"{JOBS}?labelSelector=a in (b)", {}, 400),
        ("GET", f"{JOBS}?fieldSelector=spec.stray=a", {}, 400),
        ("GET", f"{JOBS}?limit=few", {}, 400),
        ("GET", f"{JOBS}?continue=9", {}, 410),
        ("GET", f"{JOBS}?watch=true", {}, 501),
        ("PUT", "/stand-in/faults", {"json": {"stray": 1}}, 400),
        ("GET", "/stand-in/stray", {}, 404),
    ],
)
def test_requests_that_are_not_answered(
    stand_in: Standing, method: str, path: str, options: Any, code: int
) -> None:
    answer = ask(stand_in, method, path, **options)
    assert answer.status_code == code
    assert answer.json()["kind"] == "Status"


def test_selectors(stand_in: Standing) -> None:
    stand_in.fault(no_controller=True)
    stand_in.client.create_job(manifest("one", submission=1))
    stand_in.client.create_job(manifest("two", submission=2))

    def found(query: str) -> list[str]:
        items = ask(stand_in, "GET", f"{JOBS}?{query}").json()["items"]
        return [item["metadata"]["name"] for item in items]

    assert found("labelSelector=submission==1") == ["one"]
    assert found("labelSelector=submission!=1,leaderboard") == ["two"]
    assert found("labelSelector=!leaderboard") == []
    assert found("labelSelector=stray") == []
    assert found("fieldSelector=metadata.name=two") == ["two"]
    assert found("fieldSelector=metadata.name!=two") == ["one"]
    assert found("fieldSelector=status.phase=Running") == []


def test_pods_and_their_logs(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("shown", FOREVER))
    name = stand_in.wait("shown", lambda phase: phase.state == "running").pod
    assert ask(stand_in, "GET", f"{PODS}/{name}").json()["kind"] == "Pod"
    assert ask(stand_in, "DELETE", f"{PODS}/{name}").status_code == 501
    log = f"{PODS}/{name}/log"
    stand_in.wait("shown", lambda _: ask(stand_in, "GET", log).text == "on\n")
    assert ask(stand_in, "GET", f"{log}?limitBytes=1").text == "o"
    assert ask(stand_in, "GET", f"{log}?container=nobody").status_code == 400
    assert ask(stand_in, "GET", f"{log}?tailLines=0").status_code == 400
    assert ask(stand_in, "GET", f"{log}?follow=true").status_code == 501


def test_a_log_of_what_waits_is_empty(stand_in: Standing) -> None:
    stand_in.fault(gpu_nodes=0)
    stand_in.client.create_job(manifest("silent"))
    name = stand_in.wait_reason("silent", "no_gpu_node").pod
    assert name is not None
    assert stand_in.client.log(name, "agent") == ""


@pytest.mark.parametrize(
    ("policy", "pods_left"), [("Background", 0), ("Orphan", 1), ("Foreground", 0)]
)
def test_propagation(stand_in: Standing, policy: str, pods_left: int) -> None:
    name = f"parent-{policy.lower()}"
    stand_in.client.create_job(manifest(name, FOREVER))
    pod = stand_in.wait(name, lambda phase: phase.state == "running").pod
    answer = ask(stand_in, "DELETE", f"{JOBS}/{name}?propagationPolicy={policy}")
    assert answer.status_code == 200
    stand_in.wait_gone()
    assert pod is not None
    _wait_pods(stand_in, name, pods_left)
    if pods_left:
        stand_in.http.post(f"/stand-in/evictions/jobs/{pod}").raise_for_status()


def test_unknown_propagation(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("parent", FOREVER))
    answer = ask(stand_in, "DELETE", f"{JOBS}/parent?propagationPolicy=Sometimes")
    assert answer.status_code == 400


def test_a_fault_of_its_own_is_said_to_be_one(
    stand_in: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in.cluster, "rules", None)
    with pytest.raises(KubernetesError, match="the stand-in has a fault"):
        stand_in.client.create_job(manifest("unlucky"))


def test_a_pod_that_its_node_cannot_take(
    stand_in: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("glue.local.kubernetes.pod_status._container", fail)
    stand_in.client.create_job(manifest("untaken", on_disruption="fail"))
    assert stand_in.wait_over("untaken").reason == "rejected"


def test_the_cluster_goes_on_after_a_stumble(
    stand_in: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(stand_in.cluster.controller, "tick", lambda: 1 / 0)
        stand_in.client.create_job(manifest("stumbled"))
        time.sleep(0.3)
    assert stand_in.wait_over("stumbled").state == "succeeded"


def test_says_what_it_is(stand_in: Standing) -> None:
    version = stand_in.http.get("/version").json()
    assert (version["minor"], version["gitVersion"]) == ("36", "v1.36.0-stand-in")
    assert stand_in.http.get("/livez").text == "ok"


def _wait_pods(stand_in: Standing, job: str, number: int) -> None:
    ending = time.monotonic() + PATIENCE_SECONDS
    while len(stand_in.client.pods(job)) != number:
        assert time.monotonic() < ending
        time.sleep(0.02)

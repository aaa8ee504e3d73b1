"""The rendered Job: legal for Kubernetes 1.36, and tight enough for strangers' code."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_validate import utils as schemas
from pydantic import ValidationError

from glue.leaderboard.kubernetes.job import GPU_NODES, render
from glue.leaderboard.kubernetes.values import (
    LABEL_VALUE,
    MOST_CPU_MILLIS,
    MOST_DISK_GIB,
    MOST_MEMORY_MIB,
    NAMESPACE,
    Container,
    JobValues,
    Mount,
    Resources,
    Volume,
)
from glue.local.configuration import REPOSITORY
from glue.uploader import readiness
from tests.unit.leaderboard.kubernetes.samples import RESULTS, job_values

Manifest = dict[str, Any]
BASE = REPOSITORY / "kubernetes" / "base"


def documents(name: str) -> list[Manifest]:
    text = (BASE / name).read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(text) if document]


def pod_of(values: JobValues) -> Manifest:
    spec: Manifest = render(values)["spec"]["template"]["spec"]
    return spec


def containers_of(values: JobValues) -> dict[str, Manifest]:
    pod = pod_of(values)
    return {found["name"]: found for found in [*pod["initContainers"], *pod["containers"]]}


def is_legal(values: JobValues) -> bool:
    return bool(schemas.validate(render(values), "1.36", strict=True))


def test_legal_for_kubernetes() -> None:
    assert is_legal(job_values())
    assert is_legal(
        job_values(
            preparation=(), sidecars=(), volumes=(Volume(name="results"),),
            main=(Container(name="agent", image="x"),), on_disruption="fail",
            node_labels={"team": "a"}, tolerated_taints=("example.com/team",),
        )
    )  # fmt: skip


@given(
    submission=st.integers(1, 2**40),
    attempt=st.integers(1, 99),
    name=st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z"),
    log_group=st.from_regex(rf"\A{LABEL_VALUE[1:-1]}\Z"),
    cpu=st.integers(10, MOST_CPU_MILLIS),
    arguments=st.lists(st.text(max_size=20), max_size=3),
)
def test_legal_whatever_the_values(
    submission: int, attempt: int, name: str, log_group: str, cpu: int, arguments: list[str]
) -> None:
    agent = Container(
        name="agent", image="x", arguments=arguments, resources=Resources(cpu_millis=cpu)
    )
    values = job_values(
        submission=submission, attempt=attempt, name=name, log_group=log_group, main=(agent,)
    )
    assert is_legal(values)
    rendered = render(values)
    labels = rendered["spec"]["template"]["metadata"]["labels"]
    assert all(len(value) <= 63 for value in labels.values())
    assert pod_of(values)["containers"][0].get("args", []) == arguments


def test_pod_security_level_of_the_namespace() -> None:
    """Baseline, which is enforced; and everything of restricted that a stranger's image allows."""
    namespaces = {
        found["metadata"]["name"]: found for found in documents("namespaces/namespaces.yaml")
    }
    labels = namespaces[NAMESPACE]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    pod = pod_of(job_values())
    assert not any(pod[name] for name in ("hostNetwork", "hostPID", "hostIPC"))
    kinds = {volume["name"]: set(volume) - {"name"} for volume in pod["volumes"]}
    assert kinds.pop("form") == {"secret"}
    assert all(kind == {"emptyDir"} for kind in kinds.values())
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers_of(job_values()).values():
        security = container["securityContext"]
        assert security["privileged"] is False
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "ports" not in container


def test_nothing_worth_stealing() -> None:
    pod = pod_of(job_values())
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == "default"
    assert pod["enableServiceLinks"] is False
    assert pod["shareProcessNamespace"] is False
    every = containers_of(job_values())
    holding = [name for name, found in every.items() if "form" in json.dumps(found).lower()]
    assert holding == ["uploader"]
    assert "valueFrom" not in json.dumps(pod)
    assert "envFrom" not in json.dumps(pod)


def test_uploader_reads_shared_folders_and_is_the_first_to_be_asked_to_end() -> None:
    pod = pod_of(job_values())
    last = pod["initContainers"][-1]
    # Sidecars end in the opposite order of their start.
    assert [c["name"] for c in pod["initContainers"]] == ["contents", "simulator", "uploader"]
    assert [c.get("restartPolicy") for c in pod["initContainers"]] == [None, "Always", "Always"]
    assert [c["name"] for c in pod["containers"]] == ["agent"]
    assert last["securityContext"]["readOnlyRootFilesystem"] is True
    assert last["securityContext"]["runAsNonRoot"] is True
    mounts = {mount["mountPath"]: mount for mount in last["volumeMounts"]}
    assert mounts["/results"]["readOnly"] is True
    assert "readOnly" not in mounts["/tmp"]


def test_nothing_of_a_run_begins_before_the_uploader_heeds_signals() -> None:
    for container in containers_of(job_values()).values():
        assert ("startupProbe" in container) == (container["name"] == "uploader")
    uploader = containers_of(job_values())["uploader"]
    probe = uploader["startupProbe"]
    _, _, module, seconds = probe["exec"]["command"]
    assert module == readiness.__name__
    assert int(seconds) < probe["timeoutSeconds"]
    given = {entry["name"]: entry["value"] for entry in uploader["env"]}
    # In a folder that no other container sees.
    folder = str(PurePosixPath(given[readiness.VARIABLE]).parent)
    (volume,) = [m["name"] for m in uploader["volumeMounts"] if m["mountPath"] == folder]
    pod = pod_of(job_values())
    holding = [
        container["name"]
        for container in (*pod["initContainers"], *pod["containers"])
        if volume in {mount["name"] for mount in container.get("volumeMounts") or ()}
    ]
    assert holding == ["uploader"]


def test_the_form_is_a_file_that_the_uploaders_user_may_read() -> None:
    pod = pod_of(job_values())
    uploader = pod["initContainers"][-1]
    assert {"name": "FORM_FILE", "value": "/form/form.json"} in uploader["env"]
    assert {"name": "form", "mountPath": "/form", "readOnly": True} in uploader["volumeMounts"]
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "form")
    assert volume["secret"] == {
        "secretName": "leaderboard-20-99-1",
        "defaultMode": 0o440,
        "items": [{"key": "form.json", "path": "form.json"}],
    }
    # Kubernetes gives the volume's files to this group, and the group to every process.
    assert pod["securityContext"]["fsGroup"] == uploader["securityContext"]["runAsUser"] == 65532


def test_users_and_roots() -> None:
    ours = Container(name="ours", image="x", user=1000, has_read_only_root=True)
    theirs = Container(name="theirs", image="x")
    every = containers_of(job_values(main=(ours, theirs)))
    assert every["ours"]["securityContext"]["runAsUser"] == 1000
    assert every["ours"]["securityContext"]["runAsNonRoot"] is True
    assert every["ours"]["securityContext"]["readOnlyRootFilesystem"] is True
    assert "runAsNonRoot" not in every["theirs"]["securityContext"]


def test_goes_to_nodes_with_gpus() -> None:
    pod = pod_of(job_values())
    assert pod["nodeSelector"] == {"purpose": "gpu"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    source = (REPOSITORY / "modules/node_groups/main.tf").read_text(encoding="utf-8")
    assert f'purpose = "{GPU_NODES["purpose"]}"' in source
    assert '_gpu_taints = { "nvidia.com/gpu"' in source
    limits = {name: c["resources"]["limits"] for name, c in containers_of(job_values()).items()}
    assert [name for name, found in limits.items() if "nvidia.com/gpu" in found] == [
        "simulator",
        "agent",
    ]


def test_needs_no_gpu_node_without_gpus() -> None:
    values = job_values(sidecars=(), main=(Container(name="agent", image="x"),))
    assert "nodeSelector" not in pod_of(values)
    assert "tolerations" not in pod_of(values)


def test_own_nodes() -> None:
    pod = pod_of(job_values(node_labels={"team": "a"}, tolerated_taints=("example.com/team",)))
    assert pod["nodeSelector"] == {"purpose": "gpu", "team": "a"}
    assert {entry["key"] for entry in pod["tolerations"]} == {"nvidia.com/gpu", "example.com/team"}


def test_what_the_end_of_a_pod_means() -> None:
    spec = render(job_values())["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    disrupted, ended = spec["podFailurePolicy"]["rules"]
    assert (disrupted["action"], ended["action"]) == ("Ignore", "FailJob")
    assert ended["onExitCodes"] == {"operator": "NotIn", "values": [0]}
    given_up = render(job_values(on_disruption="fail"))["spec"]["podFailurePolicy"]["rules"]
    assert given_up[0]["action"] == "FailJob"


def test_deadlines() -> None:
    spec = render(job_values(run_seconds=100, waiting_seconds=200, grace_seconds=30))["spec"]
    assert spec["template"]["spec"]["activeDeadlineSeconds"] == 100
    assert spec["activeDeadlineSeconds"] == 330
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 30
    assert spec["ttlSecondsAfterFinished"] == 86400


def test_labels_that_the_namespace_knows() -> None:
    rendered = render(job_values(priority="job-urgent"))
    assert rendered["metadata"]["namespace"] == NAMESPACE
    template = rendered["spec"]["template"]
    labels = template["metadata"]["labels"]
    policies = {found["metadata"]["name"]: found for found in documents("jobs/network.yaml")}
    opened = policies["public-https"]["spec"]["podSelector"]["matchLabels"]
    assert opened.items() <= labels.items()
    assert labels["log-group"] == "leaderboard-20"
    assert (labels["leaderboard"], labels["submission"]) == ("leaderboard-20", "99")
    assert template["metadata"]["annotations"] == {
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"
    }
    priorities = {found["metadata"]["name"] for found in documents("namespaces/priorities.yaml")}
    assert template["spec"]["priorityClassName"] in priorities


def test_limits_are_those_of_the_namespace() -> None:
    (limits,) = (found for found in documents("jobs/limits.yaml") if found["kind"] == "LimitRange")
    assert limits["spec"]["limits"][0]["max"] == {
        "cpu": f"{MOST_CPU_MILLIS // 1000}",
        "memory": f"{MOST_MEMORY_MIB // 1024}Gi",
        "ephemeral-storage": f"{MOST_DISK_GIB}Gi",
    }


def test_requests_are_limits() -> None:
    for container in containers_of(job_values()).values():
        assert container["resources"]["requests"] == container["resources"]["limits"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Leaderboard_20"}, "name"),
        ({"name": "a" * 64}, "name"),
        ({"log_group": "/aws/eks"}, "log_group"),
        ({"submission": 0}, "submission"),
        ({"run_seconds": 10}, "run_seconds"),
        ({"main": ()}, "main"),
        ({"volumes": ()}, "results: name it in volumes first"),
        ({"volumes": (Volume(name="results"),) * 2}, "a name of its own"),
        ({"volumes": (Volume(name="results"), Volume(name="uploader"))}, "are taken"),
        ({"volumes": (Volume(name="results"), Volume(name="form"))}, "`form` are taken"),
        ({"main": (Container(name="uploader", image="x"),)}, "`uploader` is taken"),
        ({"main": (Container(name="simulator", image="x"),)}, "a name of its own"),
        ({"main": (Container(name="a", image="x", mounts=(RESULTS, RESULTS)),)}, "one volume"),
        ({"node_labels": {"bad key": "a"}}, "node_labels"),
        ({"stray": 1}, "stray"),
    ],
)
def test_refused_values(changes: Manifest, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        job_values(**changes)


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "EVALAI_AUTH_TOKEN",
        "DB_PASSWORD",
        "FORM_FILE",
        "READY_FILE",
        "a-b",
        "",
    ],
)
def test_no_credential_in_a_container(name: str) -> None:
    with pytest.raises(ValidationError, match="give no container a credential"):
        Container(name="agent", image="x", variables={name: "1"})


@pytest.mark.parametrize("path", ["results", "/", "/a/../b", "/a b", "/a/", "/./a"])
def test_paths_of_mounts(path: str) -> None:
    with pytest.raises(ValidationError, match="absolute path"):
        Mount(volume="results", path=path)


def test_uploader_only_reads() -> None:
    uploader = job_values().uploader.model_dump()
    with pytest.raises(ValidationError, match="is_read_only=True"):
        job_values(uploader={**uploader, "mounts": (RESULTS,)})
    for path in ("/form", "/tmp"):
        mount = Mount(volume="results", path=path, is_read_only=True)
        with pytest.raises(ValidationError, match="the path is taken"):
            job_values(uploader={**uploader, "mounts": (mount,)})
    with pytest.raises(ValidationError, match="needs no GPU"):
        job_values(uploader={**uploader, "resources": Resources(gpus=1)})

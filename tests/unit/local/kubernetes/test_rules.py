"""Who may do what, what pods may be, and what a Job makes of a pod that failed."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from glue.local.kubernetes import rules
from glue.local.kubernetes.access import Access, Entry, from_eks, is_same
from glue.local.kubernetes.containers import Process
from glue.local.kubernetes.controller import Controller
from glue.local.kubernetes.identity import Identities
from glue.local.kubernetes.problems import Problem
from glue.local.kubernetes.rules import Rules, amount
from glue.local.kubernetes.security import violations
from glue.local.kubernetes.store import Store, condition
from tests.unit.local.kubernetes.manifests import manifest
from tests.unit.local.kubernetes.standing import NAME, ROLE, STS, WORKER, identify, tokens

if TYPE_CHECKING:
    from pathlib import Path

Object = dict[str, Any]


def identities(answer: Any = identify, clock: Any = None) -> Identities:
    now = clock or (lambda: datetime.now(UTC).timestamp())
    return Identities(STS, NAME, now, httpx.MockTransport(answer))


def ask(held: Identities, authorization: str) -> str:
    async def _ask() -> str:
        return await held.of(authorization)

    return asyncio.run(_ask())


def token_of(url: str) -> str:
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def good_url() -> str:
    token = tokens().current().get_secret_value().removeprefix("k8s-aws-v1.")
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()


def test_sts_is_asked_once_for_a_token() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return identify(request)

    held = identities(answer)
    bearer = f"Bearer {tokens().current().get_secret_value()}"
    assert ask(held, bearer) == ask(held, bearer) == WORKER
    assert len(asked) == 1
    assert asked[0].startswith(f"{STS}/?")


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Bearer ", "Basic abc", "Bearer abc", "Bearer k8s-aws-v1.%%%",
        "Bearer k8s-aws-v1." + "x" * 20_000, f"Bearer {token_of('http://sts.local/')}",
    ],
)  # fmt: skip
def test_no_token(authorization: str) -> None:
    with pytest.raises(Problem, match="Unauthorized"):
        ask(identities(), authorization)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sts.local", "sts.elsewhere"),
        ("GetCallerIdentity", "AssumeRole"),
        ("X-Amz-Expires=60", "X-Amz-Expires=9999"),
        ("host%3Bx-k8s-aws-id", "host"),
        ("X-Amz-Date=2", "X-Amz-Date=1"),
        ("X-Amz-Date=", "X-Amz-Other="),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
    ],
)
def test_token_that_is_not_good(old: str, new: str) -> None:
    assert old in good_url()
    with pytest.raises(Problem, match="Unauthorized"):
        ask(identities(), f"Bearer {token_of(good_url().replace(old, new))}")


def test_token_lives_for_15_minutes() -> None:
    bearer = f"Bearer {tokens().current().get_secret_value()}"
    begun = datetime.now(UTC).timestamp()  # a moment later, however long signing takes
    assert ask(identities(clock=lambda: begun + 14 * 60), bearer) == WORKER
    with pytest.raises(Problem):
        ask(identities(clock=lambda: begun + 15 * 60 + 1), bearer)


def test_sts_that_does_not_answer() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Problem, match="STS does not answer"):
        ask(identities(fail), f"Bearer {token_of(good_url())}")


def test_tokens_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.local.kubernetes.identity.MOST_KNOWN", 1)
    held = identities()
    for _ in range(2):
        url = tokens()._sign().get_secret_value()
        assert ask(held, f"Bearer {url}") == WORKER
    assert len(held._known) == 1


@pytest.mark.parametrize(
    ("principal", "is_it"),
    [
        (ROLE, True),
        ("arn:aws:iam::000000000000:role/launcher", True),
        ("arn:aws:iam::000000000000:role/other", False),
        ("arn:aws:iam::111111111111:role/launcher", False),
        ("arn:aws:iam::000000000000:user/launcher", False),
    ],
)
def test_a_session_is_its_role(principal: str, is_it: bool) -> None:
    assert is_same(principal, WORKER) is is_it


def test_a_user_is_itself() -> None:
    user = "arn:aws:iam::000000000000:user/operator"
    assert is_same(user, user)


@pytest.mark.parametrize(
    ("policy", "verb", "resource", "is_allowed"),
    [
        ("view", "list", "events", True),
        ("view", "delete", "jobs", False),
        ("edit", "create", "jobs", True),
        ("admin", "create", "events", False),
        ("cluster-admin", "create", "events", True),
    ],
)
def test_policies(policy: Any, verb: str, resource: str, is_allowed: bool) -> None:
    entry = Entry(principal_arn=ROLE, policy=policy)
    assert entry.allows(WORKER, verb, resource, "anywhere") is is_allowed
    bound = Entry(principal_arn=ROLE, policy=policy, namespaces=frozenset({"jobs"}))
    assert not bound.allows(WORKER, verb, resource, "platform")


class NoSuchCluster(Exception):  # noqa: N818 - reads as a finding
    pass


class Eks:
    """The local EKS, as far as access entries go."""

    exceptions = SimpleNamespace(ResourceNotFoundException=NoSuchCluster)

    def __init__(self, policies: dict[str, list[Object]]) -> None:
        self.policies = policies

    def get_paginator(self, name: str) -> Any:
        def paginate(**asked: str) -> list[Object]:
            if asked["clusterName"] != NAME:
                raise NoSuchCluster
            if name == "list_access_entries":
                return [{"accessEntries": [arn]} for arn in self.policies]
            return [{"associatedAccessPolicies": self.policies[asked["principalArn"]]}]

        return SimpleNamespace(paginate=paginate)


def policy(name: str, *namespaces: str) -> Object:
    scope = {"type": "namespace" if namespaces else "cluster", "namespaces": list(namespaces)}
    return {"policyArn": f"arn:aws:eks::aws:cluster-access-policy/{name}", "accessScope": scope}


def test_access_entries_of_eks() -> None:
    eks = Eks(
        {
            ROLE: [policy("AmazonEKSEditPolicy", "jobs"), policy("AmazonEKSSomethingNew")],
            "arn:aws:iam::000000000000:user/a": [policy("AmazonEKSClusterAdminPolicy")],
        }
    )
    assert from_eks(eks, "another") == []
    assert from_eks(eks, NAME) == [
        Entry(principal_arn=ROLE, policy="edit", namespaces=frozenset({"jobs"})),
        Entry(principal_arn="arn:aws:iam::000000000000:user/a", policy="cluster-admin"),
    ]


def test_entries_are_looked_up_again_for_who_has_none(tmp_path: Path) -> None:
    found: list[Entry] = []
    access = Access(tmp_path, lambda: found)
    with pytest.raises(Problem, match='cannot create resource "jobs" in API group "batch"'):
        access.require(WORKER, "create", "jobs", "jobs")
    found.append(Entry(principal_arn=ROLE, policy="edit"))
    access.require(WORKER, "create", "jobs", "jobs")
    found.clear()
    access.require(WORKER, "create", "jobs", "jobs")  # kept for some seconds


SAFE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.mark.parametrize(
    ("pod", "container", "said"),
    [
        ({"hostPID": True}, {}, "hostPID"),
        ({"volumes": [{"name": "a", "hostPath": {}}]}, {}, "hostPath"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, {}, "seccomp"),
        ({}, {"securityContext": {"privileged": True}}, "privileged"),
        ({}, {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "capabilities"),
        ({}, {"securityContext": {"procMount": "Unmasked"}}, "procMount"),
        ({}, {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "seccomp"),
        ({}, {"ports": [{"hostPort": 1}]}, "hostPort"),
    ],
)
def test_baseline(pod: Object, container: Object, said: str) -> None:
    spec = {**pod, "containers": [{"name": "agent", **container}]}
    (found,) = violations(spec, "baseline")
    assert said in found
    assert violations(spec, "privileged") == []
    assert said in " ".join(violations(spec, "restricted"))


def test_restricted() -> None:
    spec: Object = {
        "volumes": [{"name": "a", "nfs": {}}], "containers": [{"name": "agent"}],
    }  # fmt: skip
    words = ("volume types", "allowPrivilege", "capabilities", "runAsNonRoot", "seccompProfile")
    for word, found in zip(words, violations(spec, "restricted"), strict=True):
        assert word in found
    profile = {"seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": True}
    tight = {"securityContext": profile, "containers": [{"name": "a", "securityContext": SAFE}]}
    assert violations(tight, "restricted") == []
    assert violations(manifest("a")["spec"]["template"]["spec"], "baseline") == []


def test_amounts() -> None:
    assert [float(amount(text)) for text in ("500m", "2", "1Ki", "1k", "1.5Gi")] == [
        0.5, 2, 1024, 1000, 1.5 * 2**30,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no quantity"):
        amount("much")


def test_the_rules_are_those_of_the_real_namespaces() -> None:
    found = rules.read()
    assert found.namespaces["jobs"].level == "baseline"
    assert found.namespaces["jobs"].quota["requests.nvidia.com/gpu"] == "20"
    assert found.namespaces["jobs"].most["cpu"] == "16"
    assert found.namespaces["platform"].level == "restricted"
    assert found.priorities == {"job": 1000, "job-urgent": 2000}


def test_paths_below_mounts(tmp_path: Path) -> None:
    mounts = [
        {"name": "all", "mountPath": "/data"},
        {"name": "deep", "mountPath": "/data/deep", "subPath": "x"},
    ]
    process = Process({"name": "a", "volumeMounts": mounts}, tmp_path, tmp_path / "v", tmp_path)
    all_, deep = tmp_path / "v" / "all", tmp_path / "v" / "deep" / "x"
    for text, expected in (
        ("/data", f"{all_}"), ("/data/f", f"{all_}/f"), ("/data/deep/f", f"{deep}/f"),
        ("--out=/data/f", f"--out={all_}/f"), ("/database", "/database"), ("a=b", "a=b"),
        ("x /data", "x /data"), ("/data/a=/data/b", f"{all_}/a=/data/b"),
    ):  # fmt: skip
        assert process.mapped(text) == expected


def failed_pod(code: int, conditions: list[Object]) -> Object:
    terminated = {"terminated": {"exitCode": code}}
    return {"phase": "Failed", "conditions": conditions, "initContainerStatuses": [],
            "containerStatuses": [{"name": "agent", "state": terminated}]}  # fmt: skip


GONE = [{"type": "DisruptionTarget", "status": "True"}]
EXIT_3 = {"onExitCodes": {"operator": "In", "values": [3]}}
OTHERS = {"onExitCodes": {"operator": "NotIn", "values": [3], "containerName": "other"}}


@pytest.mark.parametrize(
    ("policy", "limit", "code", "conditions", "reason"),
    [
        ([], 0, 1, [], "BackoffLimitExceeded"),
        ([], 1, 1, [], None),
        ([], None, 1, [], None),
        ([{"action": "FailJob", **EXIT_3}], 1, 3, [], "PodFailurePolicy"),
        ([{"action": "FailJob", **EXIT_3}], 1, 4, [], None),
        ([{"action": "Ignore", **EXIT_3}], 0, 3, [], None),
        ([{"action": "Count", **EXIT_3}], 0, 3, [], "BackoffLimitExceeded"),
        ([{"action": "FailJob", **OTHERS}], 1, 9, [], None),
        ([{"action": "Ignore", "onPodConditions": GONE}], 0, 1, GONE, None),
        ([{"action": "FailJob", "onPodConditions": GONE}], 9, 1, GONE, "PodFailurePolicy"),
        ([{"action": "FailJob", "onPodConditions": GONE}], 9, 1, [], None),
    ],
)
def test_what_a_failed_pod_means(
    policy: list[Object], limit: int | None, code: int, conditions: list[Object],
    reason: str | None,
) -> None:  # fmt: skip
    store = Store(lambda: 1.0)
    controller = Controller(store, rules.read(), 1.0, lambda pod: None)
    job = {**manifest("judged"), "status": {}}
    job["spec"]["podFailurePolicy"] = {"rules": policy}
    del job["spec"]["activeDeadlineSeconds"]
    job["spec"].pop("backoffLimit")
    if limit is not None:
        job["spec"]["backoffLimit"] = limit
    store.add(store.jobs, job)
    controller.tick()
    (pod,) = store.pods.values()
    pod["status"] = failed_pod(code, list(conditions))
    controller.tick()
    failed = condition(job, "Failed")
    assert (failed and failed["reason"]) == reason
    assert len(store.pods) == (1 if reason else 2)


def test_rules_of_an_unknown_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.yaml").write_text("kind: ResourceQuota\nmetadata: {name: a}\n---\n")
    assert rules.read(tmp_path) == Rules({}, {})

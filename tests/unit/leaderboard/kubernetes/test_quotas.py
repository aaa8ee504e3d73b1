"""What the namespace allows fits the leaderboards and machines of each environment's tfvars."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from glue.leaderboard.kubernetes.values import MOST_CPU_MILLIS, MOST_DISK_GIB, MOST_MEMORY_MIB
from glue.local.configuration import REPOSITORY
from glue.local.kubernetes.rules import amount
from glue.settings import Pod

ENVIRONMENTS = REPOSITORY / "terraform" / "platform" / "environments"
MANIFESTS = {
    "local": "base/jobs/limits.yaml",
    "staging": "overlays/staging/jobs.yaml",
    "prod": "overlays/prod/jobs.yaml",
}
GROUP = re.compile(
    r"instance_types = .*capacity = .*?(?:gpus = (?P<gpus>\d+), )?max = (?P<most>\d+)"
)
CONTAINER = re.compile(
    r"(?P<name>simulator|evaluator|agent) += \{ cpu_millis = (?P<cpu_millis>\d+), "
    r"memory_mib = (?P<memory_mib>\d+), disk_gib = (?P<disk_gib>\d+)"
)
UPLOADER = {"cpu_millis": 200, "memory_mib": 256, "disk_gib": 1}
MIB, GIB = 2**20, 2**30


def text(environment: str) -> str:
    return (ENVIRONMENTS / f"{environment}.tfvars").read_text(encoding="utf-8")


def quota(environment: str) -> dict[str, Any]:
    path = REPOSITORY / "kubernetes" / MANIFESTS[environment]
    documents = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    (found,) = (each for each in documents if each and each["kind"] == "ResourceQuota")
    hard: dict[str, Any] = found["spec"]["hard"]
    return hard


def groups(environment: str) -> list[tuple[int, int]]:
    """GPUs of a node and how many nodes there may be, of each group."""
    part = text(environment).split("gpu_node_groups = {")[1].split("\n  }")[0]
    found = [(int(group["gpus"] or 1), int(group["most"])) for group in GROUP.finditer(part)]
    assert len(found) == part.count("instance_types")
    return found


def blocks(environment: str) -> dict[str, str]:
    part = text(environment).split("\nleaderboards = {")[1].split("\n}")[0]
    found = re.split(r"^  (leaderboard-[\w-]+) = \{", part, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def submission(block: str) -> dict[str, int]:
    """What one submission of a leaderboard asks for."""
    workers = re.search(r"workers +=\s*(\d+)", block)
    told = {found["name"]: found.groupdict() for found in CONTAINER.finditer(block)}
    defaults = Pod().model_dump()
    total = dict(UPLOADER)
    for name in ("simulator", "evaluator", "agent"):
        for what in total:
            each = int(told[name][what] if name in told else defaults[name][what])
            total[what] += each * int(workers[1] if workers else 1)
    gpus = sum(defaults[name]["gpus"] for name in ("simulator", "evaluator", "agent"))
    return {**total, "gpus": gpus * int(workers[1] if workers else 1)}


@pytest.mark.parametrize("environment", MANIFESTS)
def test_as_many_may_wait_as_can_run(environment: str) -> None:
    hard = quota(environment)
    gpus = sum(each * most for each, most in groups(environment))
    assert int(hard["requests.nvidia.com/gpu"]) == 2 * gpus
    machines = sum(most for each, most in groups(environment) if each >= 4)
    for name, block in blocks(environment).items():
        asked = submission(block)
        assert asked["gpus"] <= 4, f"{name} fits on no machine"
        pods = 2 * machines
        assert amount(hard["requests.cpu"]) >= pods * asked["cpu_millis"] / 1000, name
        assert amount(hard["requests.memory"]) >= pods * asked["memory_mib"] * MIB, name
        assert amount(hard["requests.ephemeral-storage"]) >= pods * asked["disk_gib"] * GIB, name
        assert int(hard["pods"]) >= pods


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_a_submission_fits_on_a_machine(environment: str) -> None:
    """g5.12xlarge and its like: 48 vCPUs, 192 GiB, of which the node keeps some for itself."""
    for block in blocks(environment).values():
        asked = submission(block)
        assert asked["cpu_millis"] <= 46_000
        assert asked["memory_mib"] <= 180 * 1024
        for found in CONTAINER.finditer(block):
            assert int(found["cpu_millis"]) <= MOST_CPU_MILLIS
            assert int(found["memory_mib"]) <= MOST_MEMORY_MIB
            assert int(found["disk_gib"]) <= MOST_DISK_GIB


def test_there_is_room_for_far_more_jobs_than_pods() -> None:
    """A Job that waits for its pod has a Secret already."""
    hard = quota("local")
    assert int(hard["secrets"]) >= 10 * int(quota("prod")["pods"])
    assert int(hard["secrets"]) == int(hard["count/jobs.batch"])


def test_no_gpu_among_the_limits_of_a_container() -> None:
    """With a limit for GPUs every container would have to name one, or would be given them all."""
    path = REPOSITORY / "kubernetes" / MANIFESTS["local"]
    documents = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    (limits,) = (each for each in documents if each and each["kind"] == "LimitRange")
    for kind in ("max", "default", "defaultRequest"):
        assert set(limits["spec"]["limits"][0][kind]) == {"cpu", "memory", "ephemeral-storage"}

"""A Batch without an emulator: the rest of AWS is made up, and time stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from glue.local.batch import compute_environments, definitions, queues
from glue.local.batch.engine import Engine
from glue.local.batch.names import Scope
from glue.local.batch.outside import Refused
from glue.local.batch.runtimes import Processes
from glue.local.batch.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from glue.local.batch.runtimes import Runtime
    from glue.local.batch.store import Region

SCOPE = Scope("000000000000", "eu-central-1")
ROLE = "arn:aws:iam::000000000000:role/job"
EXECUTION = "arn:aws:iam::000000000000:role/execution"


@dataclass
class World:
    """The rest of AWS: it keeps what it is told, and refuses what it is told to refuse."""

    endpoint: str = "http://cloud"
    roles: set[str] = field(default_factory=lambda: {ROLE, EXECUTION})
    groups: set[str] = field(default_factory=set)
    secrets: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    events: list[tuple[str, dict[str, Any], list[str]]] = field(default_factory=list)
    lines: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    valid: list[str] = field(default_factory=list)

    def put_event(
        self, scope: Scope, kind: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        self.events.append((kind, detail, resources))

    def open_log(self, scope: Scope, group: str, stream: str, *, create_group: bool) -> None:
        if group not in self.groups and not create_group:
            raise Refused("ResourceInitializationError: no such group")
        self.lines[group, stream] = []

    def write_log(
        self, scope: Scope, group: str, stream: str, lines: Sequence[tuple[int, str]]
    ) -> None:
        self.lines[group, stream] += [text for _, text in lines]

    def assume(self, scope: Scope, role: str, session: str) -> dict[str, str]:
        if role not in self.roles:
            raise Refused(f"ECS was unable to assume the role '{role}'")
        self.valid.append(role)
        return {"AWS_ACCESS_KEY_ID": role}

    def forget(self, credentials: dict[str, str]) -> None:
        self.valid.remove(credentials["AWS_ACCESS_KEY_ID"])

    def require(
        self, scope: Scope, credentials: dict[str, str], action: str, resource: str
    ) -> None:
        if action in self.refused:
            raise Refused(f"not authorized to perform: {action} on resource: {resource}")

    def read_secret(self, scope: Scope, credentials: dict[str, str], value_from: str) -> str:
        if value_from not in self.secrets:
            raise Refused(f"unable to pull secrets: {value_from}")
        return self.secrets[value_from]

    def check_role(self, scope: Scope, role: str) -> None:
        if role not in self.roles:
            raise Refused(f"Role {role} does not exist")

    def statuses(self, job: str) -> list[str]:
        """Return the statuses that were told of a job, in order."""
        return [
            detail["status"]
            for kind, detail, _ in self.events
            if detail["jobId"] == job and kind == "Batch Job State Change"
        ]


@dataclass
class Clock:
    """Milliseconds that pass when they are told to."""

    now: int = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_engine(world: World, clock: Clock, tmp_path: Path) -> Callable[..., Engine]:
    def make(runtime: Runtime | None = None, **options: Any) -> Engine:
        return Engine(
            world,
            runtime or Processes(tmp_path),
            tmp_path / "jobs",
            clock=clock,
            **{"processes": 50, **options},
        )

    return make


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine()


@pytest.fixture
def service(engine: Engine) -> Service:
    return Service(engine)


@pytest.fixture
def region(engine: Engine) -> Region:
    return engine.store.region(SCOPE)


def environment(region: Region, name: str = "cpu", vcpus: int = 4, **changes: Any) -> None:
    """Make a compute environment of Fargate."""
    resources = {
        "type": "FARGATE_SPOT", "maxvCpus": vcpus, "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"], **changes,
    }  # fmt: skip
    compute_environments.create(
        region,
        {"computeEnvironmentName": name, "type": "MANAGED", "computeResources": resources},
        World(),
    )


def instances(region: Region, name: str = "gpu", vcpus: int = 8, **changes: Any) -> None:
    """Make a compute environment of instances."""
    resources = {
        "type": "EC2", "maxvCpus": vcpus, "subnets": ["subnet-1"], "instanceTypes": ["g5.xlarge"],
        "instanceRole": "profile", **changes,
    }  # fmt: skip
    compute_environments.create(
        region,
        {"computeEnvironmentName": name, "type": "MANAGED", "computeResources": resources},
        World(),
    )


def queue(region: Region, name: str = "q", *environments: str, **changes: Any) -> None:
    """Make a queue."""
    order = [
        {"order": number, "computeEnvironment": environment}
        for number, environment in enumerate(environments or ("cpu",), start=1)
    ]
    queues.create(
        region,
        {"jobQueueName": name, "priority": 1, "computeEnvironmentOrder": order, **changes},
    )


def properties(*command: str, vcpus: str = "1", **changes: Any) -> dict[str, Any]:
    """Return container properties for Fargate."""
    return {
        "image": "busybox:1",
        "command": list(command),
        "executionRoleArn": EXECUTION,
        "resourceRequirements": [
            {"type": "VCPU", "value": vcpus},
            {"type": "MEMORY", "value": "4096" if vcpus == "2" else "2048"},
        ],
        **changes,
    }


def definition(region: Region, *command: str, name: str = "d", **changes: Any) -> None:
    """Register a job definition for Fargate."""
    container = changes.pop("containerProperties", None) or properties(*command)
    definitions.register(
        region,
        {
            "jobDefinitionName": name, "type": "container", "platformCapabilities": ["FARGATE"],
            "containerProperties": container, **changes,
        },
        World(),
    )  # fmt: skip


@pytest.fixture
def ready(region: Region) -> Region:
    """A region with an environment `cpu` (4 vCPUs), a queue `q` and a definition `d`."""
    environment(region)
    queue(region)
    definition(region, "true")
    return region

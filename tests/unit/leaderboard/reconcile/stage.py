"""The reconciler's surroundings: AWS by moto, EvalAI's stand-in, and small fakes of the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from glue.leaderboard.evalai.models import SubmissionKey
from glue.leaderboard.kubernetes.errors import Conflict, Gone
from glue.leaderboard.names import execution_arn, execution_name
from glue.leaderboard.parameters import read_parameters
from glue.leaderboard.reconcile import Reconcile
from glue.leaderboard.results.evalai import CARLA_LABELS
from glue.leaderboard.services import Services
from glue.leaderboard.states import State
from glue.settings import Evaluation, Pod
from tests.unit.leaderboard.evalai.stage import PHASE, TEAM
from tests.unit.leaderboard.store.ground import LEADERBOARD, OTHER, item_of

if TYPE_CHECKING:
    from glue.leaderboard.table import SubmissionItem
    from tests.unit.leaderboard.evalai.stage import Stage as EvalAIStage
    from tests.unit.leaderboard.store.ground import Ground

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:leaderboard-10"


class ExecutionDoesNotExist(Exception):  # noqa: N818 - as boto3 names it
    pass


class ExecutionAlreadyExists(Exception):  # noqa: N818 - as boto3 names it
    pass


@dataclass
class States:
    """Step Functions with the executions that a test gives it."""

    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: list[dict[str, Any]] = field(default_factory=list)
    exceptions: ClassVar[Any] = SimpleNamespace(
        ExecutionDoesNotExist=ExecutionDoesNotExist, ExecutionAlreadyExists=ExecutionAlreadyExists
    )

    def have(
        self, item: SubmissionItem, status: str, begun: datetime, part: int = 1, **more: Any
    ) -> str:
        arn = execution_arn(MACHINE, execution_name(item.submission, item.attempt, part))
        self.executions[arn] = {"status": status, "startDate": begun} | more
        return arn

    def get_paginator(self, name: str) -> States:
        assert name == "list_executions"
        return self

    def paginate(self, stateMachineArn: str, statusFilter: str) -> list[dict[str, Any]]:  # noqa: N803 - as boto3
        assert stateMachineArn == MACHINE
        fitting = [
            {"executionArn": arn, "name": arn.rsplit(":", 1)[1]} | execution
            for arn, execution in self.executions.items()
            if execution["status"] == statusFilter
        ]
        return [{"executions": sorted(fitting, key=lambda one: one["startDate"], reverse=True)}]

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        if executionArn not in self.executions:
            raise ExecutionDoesNotExist
        return self.executions[executionArn]

    def start_execution(self, **content: Any) -> None:
        arn = execution_arn(content["stateMachineArn"], content["name"])
        if arn in self.executions:
            raise ExecutionAlreadyExists
        self.executions[arn] = {"status": "RUNNING", "startDate": datetime.now(UTC)}
        self.started.append(content)


@dataclass
class Jobs:
    """Kubernetes, as far as Jobs are listed and deleted."""

    held: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[tuple[str, str | None]] = field(default_factory=list)
    secrets_deleted: list[str] = field(default_factory=list)
    conflict: bool = False

    def have(self, name: str, made: datetime, **labels: str) -> dict[str, Any]:
        job = {
            "metadata": {
                "name": name,
                "uid": f"uid-of-{name}",
                "creationTimestamp": made.isoformat().replace("+00:00", "Z"),
                "labels": labels,
            }
        }
        self.held.append(job)
        return job

    def jobs(self, **labels: str) -> list[dict[str, Any]]:
        assert labels == {"leaderboard": "leaderboard-10"}
        return list(self.held)

    def job(self, name: str) -> dict[str, Any]:
        for job in self.held:
            if job["metadata"]["name"] == name:
                return job
        raise Gone(f"{name} not found", "NotFound", 404)

    def delete_job(self, name: str, uid: str | None = None) -> bool:
        if self.conflict:
            raise Conflict("another one", "Conflict", 409)
        self.deleted.append((name, uid))
        return True

    def pods(self, job: str) -> list[dict[str, Any]]:
        assert self.job(job), "pods are looked for by their Job"
        return []

    def log(self, pod: str, container: str) -> str:
        return f"{container} of {pod}"

    def delete_secret(self, name: str) -> bool:
        self.secrets_deleted.append(name)
        return True


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def ago(now: datetime, **time: float) -> datetime:
    return now - timedelta(**time)


def text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Scene:
    """A reconciler with everything it compares. Time is the ground's clock."""

    def __init__(self, ground: Ground, evalai: EvalAIStage, pod: Pod | None = None) -> None:
        self.ground, self.evalai = ground, evalai
        split = {"codename": "leaderboard", "labels": CARLA_LABELS}
        phase = {"pk": PHASE, "codename": "leaderboard-20-SENSORS", "splits": [split]}
        evalai.put_challenge(phases=[phase])
        self.states, self.jobs = States(), Jobs()
        self.services = Services(
            leaderboard=LEADERBOARD,
            evaluation=Evaluation(version="2.0", routes=25),
            pod=pod or Pod(),
            parameters=read_parameters(ground.secrets, ground.parameters_arn),
            table=ground.table,
            storage=ground.storage,
            evalai=evalai.client(),
            kubernetes=cast("Any", self.jobs),
            states=cast("Any", self.states),
            state_machine_arn=MACHINE,
            clock=ground.clock,
        )

    @property
    def now(self) -> datetime:
        return at(self.ground.clock())

    def later(self, seconds: float) -> None:
        self.ground.clock.now += seconds

    def submitted(self, state: State = State.SUBMITTED, **fields: Any) -> SubmissionItem:
        """A submission that EvalAI and the table know, changed just now."""
        key = self.evalai.submit()
        item = self.ground.table.open(
            item_of(
                key.submission, team=TEAM, challenge=key.challenge, phase=key.phase,
                image="registry/agent:1",
            )
        )  # fmt: skip
        return self.ground.table.move(item, state, **fields)

    def stored(self, item: SubmissionItem) -> SubmissionItem:
        found = self.ground.table.get(item.team, item.submission)
        assert found is not None
        return found

    def reconcile(self) -> dict[str, int]:
        """What it answers, without what is not there."""
        reconcile = Reconcile(
            self.services, self.ground.sqs, self.ground.queues[LEADERBOARD],
            self.ground.queues[OTHER],
        )  # fmt: skip
        return {name: number for name, number in reconcile.reconcile().items() if number}

    def held(self, item: SubmissionItem) -> str:
        status: str = self.evalai.held(SubmissionKey(item.challenge, item.phase, item.submission))[
            "status"
        ]
        return status

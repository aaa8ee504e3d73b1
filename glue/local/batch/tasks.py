"""What an attempt is given: command, variables, credentials, secrets, log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glue.local.batch import logs
from glue.local.batch.outside import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from glue.local.batch.outside import Outside
    from glue.local.batch.store import Job, Region

PARAMETER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


@dataclass(frozen=True)
class Task:
    """One attempt: the container as its definition describes it, and what it is given."""

    name: str
    container: dict[str, Any]
    command: list[str]
    variables: dict[str, str]
    folder: Path


@dataclass(frozen=True)
class Ending:
    """How an attempt ended: its exit code (None: it never started), and ECS's reason if any."""

    code: int | None
    reason: str | None = None


@dataclass
class Grant:
    """What an attempt was given of the rest of AWS."""

    variables: dict[str, str] = field(default_factory=dict)
    credentials: list[dict[str, str]] = field(default_factory=list)
    log: logs.TaskLog | None = None
    stream: str | None = None


def command(words: list[str], parameters: Mapping[str, str]) -> list[str]:
    """Return a command with `Ref::name` replaced by parameters; unknown ones stay."""
    return [PARAMETER.sub(lambda m: parameters.get(m[1], m[0]), word) for word in words]


def variables(region: Region, job: Job, endpoint: str) -> dict[str, str]:
    """Return what AWS sets for every job, what its definition sets, and our endpoint."""
    submission = region.submission(job)
    own = {
        entry["name"]: entry.get("value", "") for entry in submission["container"]["environment"]
    }
    environment = (job.compute_environment or "").rsplit("/", 1)[-1]
    given = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JQ_NAME": submission["queue"].rsplit("/", 1)[1],
        "AWS_BATCH_CE_NAME": environment,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts) + 1),
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if submission["fargate"] else "AWS_ECS_EC2",
        "AWS_REGION": region.scope.region,
        "AWS_DEFAULT_REGION": region.scope.region,
        "AWS_ENDPOINT_URL": endpoint,
        # No job may take a role of the machine it happens to run on.
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if job.is_child:
        given["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
        given["AWS_BATCH_JOB_ARRAY_SIZE"] = str(submission["size"])
    return {**own, **given}


def grant(region: Region, job: Job, outside: Outside, clock: Callable[[], int]) -> Grant:
    """Assume the job's roles, open its log and read its secrets.

    Raises Refused with what ECS would say; nothing that was given stays valid then.
    """
    given = Grant(variables(region, job, outside.endpoint))
    try:
        _grant(region, job, outside, clock, given)
    except Refused:
        revoke(given, outside)
        raise
    return given


def revoke(given: Grant, outside: Outside) -> None:
    """Make a task's credentials worthless."""
    for credentials in given.credentials:
        outside.forget(credentials)


def _grant(
    region: Region, job: Job, outside: Outside, clock: Callable[[], int], given: Grant
) -> None:
    submission = region.submission(job)
    container, scope = submission["container"], region.scope
    task = (job.task_arn or "").rsplit("/", 1)[-1]
    execution: dict[str, str] | None = None
    if role := container.get("executionRoleArn"):
        execution = outside.assume(scope, role, task)
        given.credentials.append(execution)
    definition = submission["definition"].rsplit("/", 1)[1].split(":")[0]
    place = logs.place(container, definition, task)
    if place is not None:
        group, stream, create = place
        if execution is not None:
            resource = f"arn:aws:logs:{scope.region}:{scope.account}:log-group:{group}"
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                outside.require(scope, execution, action, f"{resource}:log-stream:{stream}")
            if create:
                outside.require(scope, execution, "logs:CreateLogGroup", resource)
        outside.open_log(scope, group, stream, create_group=create)
        given.log = logs.TaskLog(outside, scope, (group, stream), clock)
        given.stream = stream
    for secret in container.get("secrets") or ():
        if execution is None:
            raise Refused("ResourceInitializationError: secrets need an executionRoleArn")
        value = outside.read_secret(scope, execution, secret["valueFrom"])
        given.variables[secret["name"]] = value
    if role := container.get("jobRoleArn"):
        job_role = outside.assume(scope, role, task)
        given.credentials.append(job_role)
        given.variables |= job_role

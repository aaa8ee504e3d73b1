"""SubmitJob: from a request to a job, or to an array of jobs."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

from glue.local.batch import definitions, queues, validation
from glue.local.batch.errors import ClientError
from glue.local.batch.names import require_name
from glue.local.batch.store import Job

if TYPE_CHECKING:
    from glue.local.batch.store import Region, Resource

ARRAY_SIZES = range(2, 10_001)
MOST_DEPENDENCIES = 20


def submit(region: Region, payload: dict[str, Any], now: int) -> Job:
    """Take a job in and return it; `now` is in milliseconds.

    Raises ClientError when AWS would refuse it.
    """
    validation.check("SubmitJob", payload)
    name = require_name("jobName", payload["jobName"])
    queue = queues.get(region, payload["jobQueue"])
    if queue["state"] != "ENABLED" or queue["status"] != "VALID":
        raise ClientError(f"JobQueue {queue['jobQueueArn']} is not ENABLED and VALID")
    definition = definitions.get(region, payload["jobDefinition"])
    fargate = definitions.is_fargate(definition)
    container = _container(definition["containerProperties"], payload.get("containerOverrides"))
    definitions.check_container(container, fargate=fargate)
    retries = payload.get("retryStrategy") or definition.get("retryStrategy")
    definitions.check_retries(retries)
    timeout = payload.get("timeout") or definition.get("timeout")
    definitions.check_timeout(timeout)
    size = (payload.get("arrayProperties") or {}).get("size")
    if size is not None and size not in ARRAY_SIZES:
        raise ClientError("arrayProperties.size must be between 2 and 10000")
    dependencies = _dependencies(region, payload.get("dependsOn") or [], size)
    propagate = bool(payload.get("propagateTags", definition["propagateTags"]))
    identity = str(uuid.uuid4())
    region.submissions[identity] = {
        "name": name,
        "queue": queue["jobQueueArn"],
        "definition": definition["jobDefinitionArn"],
        "container": container,
        "fargate": fargate,
        "platformCapabilities": definition.get("platformCapabilities") or [],
        "parameters": {**definition["parameters"], **(payload.get("parameters") or {})},
        "retryStrategy": {"attempts": 1, "evaluateOnExit": [], **(retries or {})},
        "timeout": copy.deepcopy(timeout),
        "dependsOn": dependencies,
        "size": size,
        "tags": {
            **(definition["tags"] if propagate else {}),
            **(payload.get("tags") or {}),
        },
        "propagateTags": propagate,
        **{
            key: payload[key]
            for key in ("shareIdentifier", "schedulingPriorityOverride")
            if key in payload
        },
    }
    job = Job(identity, identity, region.next_sequence(), now)
    region.jobs[identity] = job
    for index in range(size or 0):
        child = Job(f"{identity}:{index}", identity, region.next_sequence(), now, index)
        region.jobs[child.id] = child
    return job


def answer(region: Region, job: Job) -> dict[str, Any]:
    """Return what SubmitJob answers."""
    return {
        "jobArn": region.scope.arn("job", job.id),
        "jobName": region.submission(job)["name"],
        "jobId": job.id,
    }


def waits_for(region: Region, job: Job) -> list[str]:
    """Return the ids of the jobs that have to succeed before this one may run."""
    found = []
    for dependency in region.submission(job)["dependsOn"]:
        kind, other = dependency.get("type"), dependency.get("jobId")
        if kind == "N_TO_N" and job.is_child:
            found.append(f"{other}:{job.index}")
        elif kind == "SEQUENTIAL":
            if job.index:
                found.append(f"{job.submission}:{job.index - 1}")
        elif other and kind != "N_TO_N":
            found.append(other)
    return found


def _container(properties: Resource, overrides: Resource | None) -> Resource:
    container = copy.deepcopy(properties)
    changes = copy.deepcopy(overrides or {})
    named = {entry["name"]: entry for entry in container["environment"]}
    named |= {entry["name"]: entry for entry in changes.pop("environment", None) or ()}
    container["environment"] = list(named.values())
    # The older fields override the requirement of the same meaning, and never stand beside it.
    replaced = {entry["type"]: entry for entry in changes.pop("resourceRequirements", None) or ()}
    for older, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        if older in changes:
            replaced.setdefault(kind, {"type": kind, "value": str(changes.pop(older))})
        if kind in replaced:
            container.pop(older, None)
    wanted = {entry["type"]: entry for entry in container["resourceRequirements"]} | replaced
    container["resourceRequirements"] = list(wanted.values())
    if changes.get("command"):
        container["command"] = changes["command"]
    return container


def _dependencies(region: Region, entries: list[Resource], size: int | None) -> list[Resource]:
    for entry in validation.limited(entries, "dependsOn", MOST_DEPENDENCIES):
        kind, other = entry.get("type"), entry.get("jobId")
        if kind == "SEQUENTIAL":
            if size is None or other:
                raise ClientError("SEQUENTIAL goes with an array, and without a jobId")
            continue
        if not other or other not in region.jobs:
            raise ClientError(f"Job {other} of dependsOn does not exist")
        if kind == "N_TO_N" and (size is None or region.size(region.jobs[other]) != size):
            raise ClientError("N_TO_N goes with two arrays of the same size")
    return copy.deepcopy(entries)

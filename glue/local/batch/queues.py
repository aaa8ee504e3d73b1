"""Job queues: priority, and the compute environments to try, in order."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from glue.local.batch import compute_environments, validation
from glue.local.batch.errors import ClientError
from glue.local.batch.names import require_name

if TYPE_CHECKING:
    from glue.local.batch.store import Region, Resource

HEALTHY = "JobQueue Healthy"
MOST_ENVIRONMENTS = 3
LONGEST_WAIT = range(600, 86_401)


def get(region: Region, reference: object) -> Resource:
    """Return a queue by name or ARN. Raises ClientError when there is none."""
    name = region.scope.name_in("job-queue", reference)
    if name not in region.queues:
        raise ClientError(f"JobQueue {reference} not found")
    return region.queues[name]


def create(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Make a job queue."""
    validation.check("CreateJobQueue", payload)
    name = require_name("jobQueueName", payload["jobQueueName"])
    if name in region.queues:
        raise ClientError("Object already exists")
    arn = region.scope.arn("job-queue", name)
    made = {
        "jobQueueName": name,
        "jobQueueArn": arn,
        "state": payload.get("state") or "ENABLED",
        "status": "VALID",
        "statusReason": HEALTHY,
        "priority": payload["priority"],
        "computeEnvironmentOrder": _order(region, payload.get("computeEnvironmentOrder") or []),
        "jobStateTimeLimitActions": _limits(payload.get("jobStateTimeLimitActions") or []),
        "tags": dict(payload.get("tags") or {}),
    }
    if policy := payload.get("schedulingPolicyArn"):
        made["schedulingPolicyArn"] = _policy(region, policy)
    region.queues[name] = made
    return {"jobQueueName": name, "jobQueueArn": arn}


def update(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Change a job queue in place."""
    validation.check("UpdateJobQueue", payload)
    held = get(region, payload["jobQueue"])
    if held["status"] == "DELETING":
        raise ClientError("Resource is being modified")
    changes: Resource = {}
    if "computeEnvironmentOrder" in payload:
        changes["computeEnvironmentOrder"] = _order(region, payload["computeEnvironmentOrder"])
    if "jobStateTimeLimitActions" in payload:
        changes["jobStateTimeLimitActions"] = _limits(payload["jobStateTimeLimitActions"])
    if policy := payload.get("schedulingPolicyArn"):
        if "schedulingPolicyArn" not in held:
            raise ClientError("A scheduling policy cannot be added to a FIFO job queue")
        changes["schedulingPolicyArn"] = _policy(region, policy)
    changes |= {key: payload[key] for key in ("state", "priority") if key in payload}
    held |= changes
    return {key: held[key] for key in ("jobQueueName", "jobQueueArn")}


def describe(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Describe the queues named, or all."""
    validation.check("DescribeJobQueues", payload)
    wanted = [
        region.scope.name_in("job-queue", reference)
        for reference in validation.limited(payload.get("jobQueues") or [], "jobQueues", 100)
    ]
    known = region.queues
    found = [known[name] for name in wanted if name in known] if wanted else list(known.values())
    listed, token = validation.page(found, payload)
    return {"jobQueues": listed, **({"nextToken": token} if token else {})}


def delete(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Begin the end of a disabled queue: its jobs are terminated, then it goes.

    Deleting what does not exist is no error, as on AWS.
    """
    validation.check("DeleteJobQueue", payload)
    held = region.queues.get(region.scope.name_in("job-queue", payload["jobQueue"]))
    if held is None:
        return {}
    if held["state"] != "DISABLED":
        raise ClientError("Cannot delete, JobQueue state must be DISABLED")
    held["status"] = "DELETING"
    held["statusReason"] = "JobQueue is being deleted"
    return {}


def environments_of(region: Region, queue: Resource) -> list[Resource]:
    """Return a queue's compute environments in the order to try them."""
    ordered = sorted(queue["computeEnvironmentOrder"], key=lambda entry: entry["order"])
    return [compute_environments.get(region, entry["computeEnvironment"]) for entry in ordered]


def _order(region: Region, entries: list[Resource]) -> list[Resource]:
    if not 1 <= len(entries) <= MOST_ENVIRONMENTS:
        raise ClientError(f"a JobQueue needs 1 to {MOST_ENVIRONMENTS} compute environments")
    if len({entry["order"] for entry in entries}) < len(entries):
        raise ClientError("each order in computeEnvironmentOrder must be there once")
    found = [compute_environments.get(region, entry["computeEnvironment"]) for entry in entries]
    for environment in found:
        if environment["status"] != "VALID":
            raise ClientError(f"{environment['computeEnvironmentName']} is not valid")
    if len({compute_environments.is_fargate(environment) for environment in found}) > 1:
        raise ClientError("EC2 and Fargate compute environments cannot be mixed in a JobQueue")
    return [
        {"order": entry["order"], "computeEnvironment": environment["computeEnvironmentArn"]}
        for entry, environment in zip(entries, found, strict=True)
    ]


def _limits(actions: list[Resource]) -> list[Resource]:
    for action in actions:
        if action["maxTimeSeconds"] not in LONGEST_WAIT:
            raise ClientError("maxTimeSeconds must be between 600 and 86400")
    return copy.deepcopy(actions)


def _policy(region: Region, arn: str) -> str:
    if arn not in region.policies:
        raise ClientError(f"Scheduling policy {arn} does not exist")
    return arn

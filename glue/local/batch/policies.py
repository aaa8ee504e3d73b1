"""Scheduling policies. They are kept and checked; jobs start in the order of their queue."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from glue.local.batch import validation
from glue.local.batch.errors import ClientError
from glue.local.batch.names import require_name

if TYPE_CHECKING:
    from glue.local.batch.store import Region


def create(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Make a scheduling policy."""
    validation.check("CreateSchedulingPolicy", payload)
    name = require_name("name", payload["name"])
    arn = region.scope.arn("scheduling-policy", name)
    if arn in region.policies:
        raise ClientError("Object already exists")
    region.policies[arn] = {
        "name": name,
        "arn": arn,
        "fairsharePolicy": copy.deepcopy(payload.get("fairsharePolicy") or {}),
        "tags": dict(payload.get("tags") or {}),
    }
    return {"name": name, "arn": arn}


def update(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Change a scheduling policy in place."""
    validation.check("UpdateSchedulingPolicy", payload)
    held = region.policies.get(payload["arn"])
    if held is None:
        raise ClientError(f"Scheduling policy {payload['arn']} does not exist")
    held["fairsharePolicy"] = copy.deepcopy(payload.get("fairsharePolicy") or {})
    return {}


def describe(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Describe the policies named by ARN."""
    validation.check("DescribeSchedulingPolicies", payload)
    arns = validation.limited(payload["arns"], "arns", 100)
    return {"schedulingPolicies": [region.policies[a] for a in arns if a in region.policies]}


def listed(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """List the policies' ARNs."""
    validation.check("ListSchedulingPolicies", payload)
    found, token = validation.page([{"arn": arn} for arn in region.policies], payload)
    return {"schedulingPolicies": found, **({"nextToken": token} if token else {})}


def delete(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Remove a policy that no queue names."""
    validation.check("DeleteSchedulingPolicy", payload)
    arn = payload["arn"]
    if any(queue.get("schedulingPolicyArn") == arn for queue in region.queues.values()):
        raise ClientError("Cannot delete, found existing JobQueue relationship")
    region.policies.pop(arn, None)
    return {}

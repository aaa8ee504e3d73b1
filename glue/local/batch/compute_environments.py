"""Compute environments: where jobs run, and how many vCPUs they may take together."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

from glue.local.batch import validation
from glue.local.batch.errors import ClientError
from glue.local.batch.names import require_name

if TYPE_CHECKING:
    from glue.local.batch.outside import Outside
    from glue.local.batch.store import Region, Resource

FARGATE = ("FARGATE", "FARGATE_SPOT")
HEALTHY = "ComputeEnvironment Healthy"
SERVICE_ROLE = "aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
# What Fargate chooses by itself.
ONLY_EC2 = (
    "allocationStrategy", "bidPercentage", "desiredvCpus", "ec2Configuration", "ec2KeyPair",
    "imageId", "instanceRole", "instanceTypes", "launchTemplate", "minvCpus", "placementGroup",
    "spotIamFleetRole", "tags",
)  # fmt: skip


def is_fargate(environment: Resource) -> bool:
    """Tell whether an environment is of Fargate, not of instances."""
    return (environment.get("computeResources") or {}).get("type") in FARGATE


def get(region: Region, reference: object) -> Resource:
    """Return an environment by name or ARN. Raises ClientError when there is none."""
    name = region.scope.name_in("compute-environment", reference)
    if name not in region.compute_environments:
        raise ClientError(f"{reference} does not exist")
    return region.compute_environments[name]


def create(region: Region, payload: dict[str, Any], outside: Outside) -> dict[str, Any]:
    """Make a compute environment."""
    validation.check("CreateComputeEnvironment", payload)
    name = require_name("computeEnvironmentName", payload["computeEnvironmentName"])
    if name in region.compute_environments:
        raise ClientError("Object already exists")
    resources = copy.deepcopy(payload.get("computeResources"))
    if (payload["type"] == "MANAGED") != (resources is not None):
        raise ClientError("computeResources goes with a MANAGED environment, and with no other")
    if resources is not None:
        _check_resources(resources)
    if role := payload.get("serviceRole"):
        outside.check_role(region.scope, role)
    arn = region.scope.arn("compute-environment", name)
    identity = str(uuid.uuid4())
    made = {
        "computeEnvironmentName": name,
        "computeEnvironmentArn": arn,
        "ecsClusterArn": region.scope.arn("cluster", f"AWSBatch-{name}-{identity}", "ecs"),
        "uuid": identity,
        "containerOrchestrationType": "ECS",
        "type": payload["type"],
        "state": payload.get("state") or "ENABLED",
        "status": "VALID",
        "statusReason": HEALTHY,
        "serviceRole": payload.get("serviceRole")
        or f"arn:aws:iam::{region.scope.account}:role/{SERVICE_ROLE}",
        "tags": dict(payload.get("tags") or {}),
    }
    if resources is not None:
        made["computeResources"] = resources
    made |= {key: payload[key] for key in ("unmanagedvCpus", "context") if key in payload}
    region.compute_environments[name] = made
    return {"computeEnvironmentName": name, "computeEnvironmentArn": arn}


def update(region: Region, payload: dict[str, Any], outside: Outside) -> dict[str, Any]:
    """Change a compute environment in place."""
    validation.check("UpdateComputeEnvironment", payload)
    held = get(region, payload["computeEnvironment"])
    _require_settled(held)
    if changes := payload.get("computeResources"):
        resources = {**held.get("computeResources", {}), **copy.deepcopy(changes)}
        resources.pop("updateToLatestImageVersion", None)
        # An empty template takes the template away; so does an empty key.
        template = resources.get("launchTemplate")
        if template is not None and not (
            template.keys() & {"launchTemplateId", "launchTemplateName"}
        ):
            del resources["launchTemplate"]
        _check_resources({key: value for key, value in resources.items() if value != ""})
        held["computeResources"] = resources
    if role := payload.get("serviceRole"):
        outside.check_role(region.scope, role)
    for key in ("state", "serviceRole", "updatePolicy", "unmanagedvCpus", "context"):
        if key in payload:
            held[key] = copy.deepcopy(payload[key])
    return {key: held[key] for key in ("computeEnvironmentName", "computeEnvironmentArn")}


def describe(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Describe the environments named, or all."""
    validation.check("DescribeComputeEnvironments", payload)
    wanted = [
        region.scope.name_in("compute-environment", reference)
        for reference in validation.limited(
            payload.get("computeEnvironments") or [], "computeEnvironments", 100
        )
    ]
    known = region.compute_environments
    found = [known[name] for name in wanted if name in known] if wanted else list(known.values())
    listed, token = validation.page(found, payload)
    return {"computeEnvironments": listed, **({"nextToken": token} if token else {})}


def delete(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Begin the end of an environment that is disabled and that no queue names.

    Deleting what does not exist is no error, as on AWS.
    """
    validation.check("DeleteComputeEnvironment", payload)
    name = region.scope.name_in("compute-environment", payload["computeEnvironment"])
    held = region.compute_environments.get(name)
    if held is None:
        return {}
    if held["state"] != "DISABLED":
        raise ClientError("Cannot delete, ComputeEnvironment state must be DISABLED")
    _require_settled(held)
    arn = held["computeEnvironmentArn"]
    for queue in region.queues.values():
        if any(entry["computeEnvironment"] == arn for entry in queue["computeEnvironmentOrder"]):
            raise ClientError("Cannot delete, found existing JobQueue relationship")
    held["status"] = "DELETING"
    held["statusReason"] = "ComputeEnvironment is being deleted"
    return {}


def _require_settled(environment: Resource) -> None:
    if environment["status"] == "DELETING":
        raise ClientError("Resource is being modified")


def _check_resources(resources: Resource) -> None:
    kind = resources.get("type")
    if kind in FARGATE:
        wrong = [key for key in ONLY_EC2 if key in resources]
        if wrong:
            raise ClientError(f"{', '.join(wrong)} must not be set for compute type {kind}")
        required: tuple[str, ...] = ("maxvCpus", "subnets", "securityGroupIds")
    else:
        required = ("maxvCpus", "subnets", "instanceTypes", "instanceRole")
        resources.setdefault("minvCpus", 0)
        resources.setdefault("desiredvCpus", resources["minvCpus"])
        resources.setdefault("allocationStrategy", "BEST_FIT")
    missing = [key for key in required if not resources.get(key)]
    if missing:
        raise ClientError(f"{', '.join(missing)} must be set for compute type {kind}")
    needs_fleet_role = kind == "SPOT" and resources["allocationStrategy"] == "BEST_FIT"
    if needs_fleet_role and not resources.get("spotIamFleetRole"):
        raise ClientError("spotIamFleetRole is required for SPOT with BEST_FIT")
    least, most = resources.get("minvCpus", 0), resources["maxvCpus"]
    if not 0 <= least <= most:
        raise ClientError("minvCpus must be between 0 and maxvCpus")
    if not least <= resources.get("desiredvCpus", least) <= most:
        raise ClientError("desiredvCpus must be between minvCpus and maxvCpus")

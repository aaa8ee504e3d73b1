"""Job definitions and their revisions."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from glue.local.batch import validation
from glue.local.batch.errors import ClientError
from glue.local.batch.names import require_name

if TYPE_CHECKING:
    from glue.local.batch.outside import Outside
    from glue.local.batch.store import Region, Resource

SHORTEST_TIMEOUT = 60
ATTEMPTS = range(1, 11)
MOST_CONDITIONS = 5
# Lists that are described empty when they were left out.
LISTS = (
    "command", "volumes", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets"
)  # fmt: skip
GIBIBYTE = 1024
# Fargate's sizes: vCPUs, and the MiB that go with them.
FARGATE_MEMORY = {
    "0.25": (512, 1024, 2048),
    "0.5": tuple(range(1024, 4097, GIBIBYTE)),
    "1": tuple(range(2048, 8193, GIBIBYTE)),
    "2": tuple(range(4096, 16385, GIBIBYTE)),
    "4": tuple(range(8192, 30721, GIBIBYTE)),
    "8": tuple(range(16384, 61441, 4 * GIBIBYTE)),
    "16": tuple(range(32768, 122881, 8 * GIBIBYTE)),
}


def requirement(container: Resource, kind: str) -> str | None:
    """Return the value of a resource requirement: VCPU, MEMORY (MiB) or GPU."""
    for entry in container.get("resourceRequirements") or ():
        if entry["type"] == kind:
            return str(entry["value"])
    older = {"VCPU": "vcpus", "MEMORY": "memory"}.get(kind)
    value = container.get(older) if older else None
    return None if value is None else str(value)


def is_fargate(definition: Resource) -> bool:
    """Tell whether a definition is for Fargate."""
    return "FARGATE" in (definition.get("platformCapabilities") or ())


def check_retries(strategy: Resource | None) -> None:
    """Check a retry strategy. Raises ClientError when AWS would."""
    if not strategy:
        return
    if strategy.get("attempts") is not None and strategy["attempts"] not in ATTEMPTS:
        raise ClientError("retryStrategy.attempts must be between 1 and 10")
    validation.limited(strategy.get("evaluateOnExit") or [], "evaluateOnExit", MOST_CONDITIONS)
    for condition in strategy.get("evaluateOnExit") or ():
        code = condition.get("onExitCode")
        if code is not None and not code.removesuffix("*").isdigit() and code != "*":
            raise ClientError("onExitCode must be digits, which may end with an asterisk")


def check_timeout(timeout: Resource | None) -> None:
    """Check a timeout. Raises ClientError when AWS would."""
    if timeout and (timeout.get("attemptDurationSeconds") or 0) < SHORTEST_TIMEOUT:
        raise ClientError(f"attemptDurationSeconds must be at least {SHORTEST_TIMEOUT}")


def check_container(container: Resource, *, fargate: bool) -> None:
    """Check what a container asks for. Raises ClientError when AWS would."""
    vcpus, memory = requirement(container, "VCPU"), requirement(container, "MEMORY")
    if not container.get("image"):
        raise ClientError("Container properties image must not be empty")
    if vcpus is None or memory is None:
        raise ClientError("Container properties need the resource requirements VCPU and MEMORY")
    if not fargate:
        _check_instance_sizes(container, vcpus, memory)
        return
    if not container.get("executionRoleArn"):
        raise ClientError("executionRoleArn must be set for platformCapabilities FARGATE")
    if requirement(container, "GPU") is not None:
        raise ClientError("GPU must not be set for platformCapabilities FARGATE")
    if container.get("privileged") or container.get("instanceType") or container.get("ulimits"):
        raise ClientError("privileged, instanceType and ulimits must not be set for FARGATE")
    sizes = FARGATE_MEMORY.get(vcpus.removesuffix(".0"))
    if sizes is None or int(memory) not in sizes:
        raise ClientError(f"Fargate has no size with {vcpus} vCPUs and {memory} MiB")


def _check_instance_sizes(container: Resource, vcpus: str, memory: str) -> None:
    if not (vcpus.isdigit() and int(vcpus) >= 1):
        raise ClientError("the resource requirement VCPU must be a whole number of at least 1")
    if not (memory.isdigit() and int(memory) >= 4):  # noqa: PLR2004 - AWS's least
        raise ClientError("the resource requirement MEMORY must be at least 4 MiB")
    gpus = requirement(container, "GPU")
    if gpus is not None and not (gpus.isdigit() and int(gpus) >= 1):
        raise ClientError("the resource requirement GPU must be a whole number of at least 1")


def register(region: Region, payload: dict[str, Any], outside: Outside) -> dict[str, Any]:
    """Add a revision."""
    validation.check("RegisterJobDefinition", payload)
    name = require_name("jobDefinitionName", payload["jobDefinitionName"])
    container = copy.deepcopy(payload.get("containerProperties"))
    if payload["type"] != "container" or container is None:
        raise ClientError("the local cloud runs jobs of type container only")
    fargate = "FARGATE" in (payload.get("platformCapabilities") or ())
    check_container(container, fargate=fargate)
    check_retries(payload.get("retryStrategy"))
    check_timeout(payload.get("timeout"))
    for role in ("jobRoleArn", "executionRoleArn"):
        if container.get(role):
            outside.check_role(region.scope, container[role])
    revisions = region.definitions.setdefault(name, [])
    revision = len(revisions) + 1
    made = {
        "jobDefinitionName": name,
        "jobDefinitionArn": region.scope.arn("job-definition", f"{name}:{revision}"),
        "revision": revision,
        "status": "ACTIVE",
        "type": "container",
        "containerOrchestrationType": "ECS",
        "parameters": dict(payload.get("parameters") or {}),
        "containerProperties": {**{key: [] for key in LISTS}, **container},
        "tags": dict(payload.get("tags") or {}),
        "propagateTags": bool(payload.get("propagateTags")),
    }
    if strategy := payload.get("retryStrategy"):
        made["retryStrategy"] = {"evaluateOnExit": [], **copy.deepcopy(strategy)}
    for key in ("timeout", "platformCapabilities", "schedulingPriority"):
        if payload.get(key) is not None:
            made[key] = copy.deepcopy(payload[key])
    revisions.append(made)
    return {key: made[key] for key in ("jobDefinitionName", "jobDefinitionArn", "revision")}


def find(region: Region, reference: object) -> Resource | None:
    """Return the revision that a name, name:revision or ARN means; None when there is none.

    A name alone means its latest active revision.
    """
    text = region.scope.name_in("job-definition", reference)
    name, _, revision = text.partition(":")
    revisions = region.definitions.get(name, [])
    if revision:
        number = int(revision) if revision.isdigit() else 0
        return revisions[number - 1] if 1 <= number <= len(revisions) else None
    return next((held for held in reversed(revisions) if held["status"] == "ACTIVE"), None)


def get(region: Region, reference: object) -> Resource:
    """Return an active revision. Raises ClientError when there is none."""
    found = find(region, reference)
    if found is None:
        raise ClientError(f"JobDefinition {reference} not found")
    if found["status"] != "ACTIVE":
        raise ClientError(f"JobDefinition {reference} is not ACTIVE")
    return found


def describe(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Describe the definitions named, those of one name, or all; `status` filters them."""
    validation.check("DescribeJobDefinitions", payload)
    if references := payload.get("jobDefinitions"):
        held = [find(region, ref) for ref in validation.limited(references, "jobDefinitions", 100)]
        found = [definition for definition in held if definition is not None]
    elif name := payload.get("jobDefinitionName"):
        found = list(reversed(region.definitions.get(name, [])))
    else:
        found = [each for revisions in region.definitions.values() for each in reversed(revisions)]
    if status := payload.get("status"):
        found = [definition for definition in found if definition["status"] == status]
    listed, token = validation.page(found, payload)
    return {"jobDefinitions": listed, **({"nextToken": token} if token else {})}


def deregister(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Make a revision inactive: no job can be submitted with it any more."""
    validation.check("DeregisterJobDefinition", payload)
    held = find(region, payload["jobDefinition"])
    if held is None:
        raise ClientError(f"JobDefinition {payload['jobDefinition']} not found")
    held["status"] = "INACTIVE"
    return {}

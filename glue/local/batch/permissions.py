"""Which resources a request needs rights on, for IAM."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from glue.local.batch import definitions
from glue.local.batch.errors import ClientError
from glue.local.batch.service import TAGS_PATH

if TYPE_CHECKING:
    from glue.local.batch.store import Region

# Operation: the fields that name resources, and their kinds.
NAMED: dict[str, tuple[tuple[str, str], ...]] = {
    "createcomputeenvironment": (("computeEnvironmentName", "compute-environment"),),
    "updatecomputeenvironment": (("computeEnvironment", "compute-environment"),),
    "deletecomputeenvironment": (("computeEnvironment", "compute-environment"),),
    "createjobqueue": (("jobQueueName", "job-queue"),),
    "updatejobqueue": (("jobQueue", "job-queue"),),
    "deletejobqueue": (("jobQueue", "job-queue"),),
    "registerjobdefinition": (("jobDefinitionName", "job-definition"),),
    "deregisterjobdefinition": (("jobDefinition", "job-definition"),),
    "submitjob": (("jobQueue", "job-queue"), ("jobDefinition", "job-definition")),
    "canceljob": (("jobId", "job"),),
    "terminatejob": (("jobId", "job"),),
}
WITH_ENVIRONMENTS = ("createjobqueue", "updatejobqueue")


def resources(region: Region, path: str, body: bytes | str) -> list[str]:
    """Return the ARNs that a request is checked against: `*` when Batch knows none for it."""
    if path.startswith(TAGS_PATH):
        return [unquote(path[len(TAGS_PATH) :])]
    operation = path.rstrip("/").rsplit("/", 1)[-1].lower()
    try:
        payload = json.loads(body or b"{}")
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        return ["*"]
    found = [
        _arn(region, kind, payload[field])
        for field, kind in NAMED.get(operation, ())
        if isinstance(payload.get(field), str)
    ]
    if operation in WITH_ENVIRONMENTS:
        found += _environments(region, payload)
    return found or ["*"]


def _environments(region: Region, payload: dict[str, Any]) -> list[str]:
    order = payload.get("computeEnvironmentOrder")
    entries = order if isinstance(order, list) else []
    named = [entry.get("computeEnvironment") for entry in entries if isinstance(entry, dict)]
    return [_arn(region, "compute-environment", name) for name in named if isinstance(name, str)]


def _arn(region: Region, kind: str, reference: str) -> str:
    if kind == "job-definition" and ":" not in reference.rsplit("/", 1)[-1]:
        # A name alone is checked as the revision that it means.
        try:
            held = definitions.find(region, reference)
        except ClientError:
            held = None
        if held is not None:
            arn: str = held["jobDefinitionArn"]
            return arn
    return reference if reference.startswith("arn:") else region.scope.arn(kind, reference)

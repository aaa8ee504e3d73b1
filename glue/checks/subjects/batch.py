"""Batch: environments that can start something, cost nothing while idle, and have queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.launch import compute_environments
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "batch"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

VALID = Check(
    NAME, "compute-environment-valid", "critical", "VALID and ENABLED",
    "read the reason: mostly a role, a subnet or an instance type; mend it, plan and apply",
    "Batch instances",
)  # fmt: skip
IDLE = Check(
    NAME, "compute-environment-min-vcpus", "high",
    "no instance is kept while there is no job: minimum 0 vCPUs", PLAN, "Batch instances",
)  # fmt: skip
QUEUE = Check(
    NAME, "job-queue-enabled", "critical", "VALID and ENABLED", PLAN, "Batch queues",
)  # fmt: skip
ORDER = Check(
    NAME, "job-queue-order", "high",
    "it leads to compute environments that exist, are VALID and are ENABLED", PLAN, "Batch queues",
)  # fmt: skip
DEFINITION = Check(
    NAME,
    "job-definition-active",
    "high",
    "the revision of the outputs is ACTIVE",
    PLAN,
    "Batch queues",
)


def ask(context: Context) -> Iterator[Result]:
    """Ask environments, queues and definitions."""
    computes = compute_environments(context)
    yield from VALID.each(context, computes, _usable)
    yield from IDLE.each(context, computes, _idle)
    queues = _queues(context)
    yield from QUEUE.each(context, queues, _usable)
    yield from ORDER.each(context, queues, lambda queue: _order(queue, computes))
    named = inventory.output(context, "batch", "job_definitions") or {}
    yield from DEFINITION.each(
        context,
        {one["name"]: one["arn"] for one in named.values()},
        lambda arn: _definition(context, arn),
    )


def _usable(one: dict[str, Any]) -> Finding:
    status, state = one.get("status"), one.get("state")
    reason = one.get("statusReason")
    found = f"{status}, {state}" + (f": {reason}" if reason else "")
    return Finding(status == "VALID" and state == "ENABLED", found)


def _idle(compute: dict[str, Any]) -> Finding | None:
    resources = compute.get("computeResources", {})
    if str(resources.get("type", "")).startswith("FARGATE"):
        return None
    found = int(resources.get("minvCpus", 0))
    return Finding(found == 0, f"minimum {found}, maximum {resources.get('maxvCpus')} vCPUs")


def _order(queue: dict[str, Any], computes: dict[str, dict[str, Any]]) -> Finding:
    order = sorted(queue.get("computeEnvironmentOrder") or [], key=lambda one: one["order"])
    names = [one["computeEnvironment"].rpartition("/")[2] for one in order]
    bad = [n for n in names if n not in computes or not _usable(computes[n]).is_good]
    if bad:
        return Finding(False, f"not usable: {', '.join(bad)}")
    return Finding(bool(names), ", then ".join(names) or "nowhere")


def _queues(context: Context) -> dict[str, dict[str, Any]]:
    named = inventory.output(context, "batch", "job_queues") or {}
    wanted = {one["name"] for one in named.values()}
    wanted |= {a.rpartition("/")[2] for a in inventory.tagged(context, "batch:job-queue/")}
    if not wanted:
        return {}
    every = inventory.pages(context.aws("batch"), "describe_job_queues", "jobQueues")
    return {one["jobQueueName"]: one for one in every if one["jobQueueName"] in wanted}


def _definition(context: Context, arn: str) -> Finding:
    client = context.aws("batch")
    found = list(
        inventory.pages(client, "describe_job_definitions", "jobDefinitions", jobDefinitions=[arn])
    )
    status = found[0].get("status", "ACTIVE") if found else "it does not exist"
    return Finding(status == "ACTIVE", status)


SUBJECT = Subject(
    NAME,
    "Batch: compute environments, queues, definitions.",
    ask,
    (VALID, IDLE, QUEUE, ORDER, DEFINITION),
)

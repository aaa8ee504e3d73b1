"""Logs are where one looks for them, and are not kept for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "logs"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

RETENTION = Check(
    NAME, "log-group-retention", "medium",
    "entries are deleted after some days: a group without a limit was made by a service itself",
    "set logs.retention_days in ENV.tfvars, or delete the group if nothing writes to it: " + PLAN,
)  # fmt: skip
THERE = Check(
    NAME, "log-group-of-function", "high", "the log group that the function writes to exists", PLAN
)
CONTROL_PLANE = Check(
    NAME, "cluster-logs", "medium", "the control plane writes all five types of log", PLAN, "EKS"
)
TYPES = {"api", "audit", "authenticator", "controllerManager", "scheduler"}


def ask(context: Context) -> Iterator[Result]:
    """Ask every log group, and those who should write to one."""
    groups = inventory.log_groups(context)
    functions = {
        name: found.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")
        for name, found in inventory.functions(context).items()
    }
    yield from RETENTION.each(context, groups, _retention)
    yield from THERE.each(
        context,
        functions,
        lambda group: Finding(group in groups, group + ("" if group in groups else " is missing")),
    )
    if (cluster := inventory.cluster(context)) is not None:
        yield from CONTROL_PLANE.each(context, {cluster["name"]: cluster}, _types)


def _retention(group: dict[str, Any]) -> Finding:
    days = group.get("retentionInDays")
    return Finding(days is not None, f"{days} days" if days else "kept for ever")


def _types(cluster: dict[str, Any]) -> Finding:
    found = {
        kind
        for one in cluster.get("logging", {}).get("clusterLogging", [])
        if one.get("enabled")
        for kind in one.get("types", [])
    }
    missing = sorted(TYPES - found)
    return Finding(not missing, f"missing: {', '.join(missing)}" if missing else "all five")


SUBJECT = Subject(
    NAME, "Log groups: there, and not for ever.", ask, (RETENTION, THERE, CONTROL_PLANE)
)

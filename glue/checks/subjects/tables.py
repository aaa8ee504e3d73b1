"""DynamoDB tables can be brought back, and cannot be deleted by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "tables"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

ACTIVE = Check(
    NAME, "table-active", "critical", "ACTIVE, with all its indexes",
    "wait while it changes; INACCESSIBLE_ENCRYPTION_CREDENTIALS: give it back its key",
)  # fmt: skip
BACKUP = Check(
    NAME, "table-recovery", "high", "point-in-time recovery is on: any second of the last 35 days",
    PLAN, "DynamoDB capacity",
)  # fmt: skip
PROTECTED = Check(NAME, "table-deletion-protection", "high", "deletion protection is on", PLAN)


def ask(context: Context) -> Iterator[Result]:
    """Ask every table."""
    tables = inventory.tables(context)
    yield from ACTIVE.each(context, tables, _active)
    yield from BACKUP.each(context, list(tables), lambda name: _backup(context, name))
    if not context.is_temporary:
        yield from PROTECTED.each(context, tables, _protected)


def _active(table: dict[str, Any]) -> Finding:
    states = {"table": table["TableStatus"]}
    states |= {
        one["IndexName"]: one["IndexStatus"] for one in table.get("GlobalSecondaryIndexes", [])
    }
    waiting = [f"{name} {state}" for name, state in states.items() if state != "ACTIVE"]
    return Finding(not waiting, ", ".join(waiting) or "ACTIVE")


def _backup(context: Context, name: str) -> Finding:
    answer = context.aws("dynamodb").describe_continuous_backups(TableName=name)
    described = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    found = described.get("PointInTimeRecoveryStatus", "DISABLED")
    return Finding(found == "ENABLED", found)


def _protected(table: dict[str, Any]) -> Finding:
    is_on = table.get("DeletionProtectionEnabled", False)
    return Finding(is_on, "on" if is_on else "off")


SUBJECT = Subject(NAME, "Tables: state, recovery, protection.", ask, (ACTIVE, BACKUP, PROTECTED))

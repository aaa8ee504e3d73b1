"""Reading a saved plan, and changing the variables it is made from."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.errors import InputError

if TYPE_CHECKING:
    from glue.rehearsal.accounts import Account

# CloudWatch takes these numbers of days and no other.
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
RETENTION = re.compile(r"^(logs\s*=\s*\{[^}]*?\bretention_days\s*=\s*)(\d+)", re.MULTILINE)


class Change(NamedTuple):
    """What a plan would do to one resource, and which of its attributes it would change."""

    address: str
    type: str
    actions: tuple[str, ...]
    attributes: tuple[str, ...]


def changes(account: Account) -> list[Change]:
    """Return the changes of the saved plan of an environment, as Terraform's own JSON has them."""
    plan = json.loads((account.plan_folder / "plan.json").read_text(encoding="utf-8"))
    return read_changes(plan)


def read_changes(plan: dict[str, Any]) -> list[Change]:
    """Return the changes of a plan that `terraform show -json` printed."""
    found = []
    for resource in plan.get("resource_changes", []):
        change = resource["change"]
        actions = tuple(change["actions"])
        if resource["mode"] != "managed" or actions == ("no-op",):
            continue
        before, after = change.get("before") or {}, change.get("after") or {}
        unknown = change.get("after_unknown") or {}
        names = sorted(
            name
            for name in {*before, *after, *unknown}
            if before.get(name) != after.get(name) or unknown.get(name) is True
        )
        found.append(Change(resource["address"], resource["type"], actions, tuple(names)))
    return found


def counted(found: list[Change]) -> str:
    """Return how many resources of each action a plan has, in words."""
    words = {"create": "to add", "update": "to change", "delete": "to destroy"}
    counts: dict[str, int] = {}
    for change in found:
        word = words.get(change.actions[0], "to read") if len(change.actions) == 1 else "to replace"
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "no changes"


def raise_retention(account: Account) -> tuple[int, int]:
    """Raise `logs.retention_days` in an environment's tfvars; return what it was and is.

    Raises InputError when the file does not say how long logs are kept.
    """
    path = account.variables_file
    text = path.read_text(encoding="utf-8")
    found = RETENTION.search(text)
    if found is None:
        raise InputError(
            f"{path.name}: logs",
            "it does not say how long logs are kept, which the rehearsal wants to change",
            "write logs = { retention_days = 30 }",
        )
    before = int(found[2])
    after = next((days for days in RETENTION_DAYS if days > before), RETENTION_DAYS[0])
    path.write_text(RETENTION.sub(rf"\g<1>{after}", text, count=1), encoding="utf-8")
    return before, after

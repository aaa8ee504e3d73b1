"""What a saved plan would do, read from its JSON: never from the text for people."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Action = Literal["create", "update", "replace", "delete", "read", "forget", "none"]
CHANGING: tuple[Action, ...] = ("create", "update", "replace", "delete", "forget")

# Types whose loss takes somebody's data, names or keys with it, and what they are called.
DATA_CLASSES = {
    "aws_cloudwatch_log_group": "log group",
    "aws_cognito_user_pool": "user pool",
    "aws_db_instance": "database",
    "aws_dynamodb_table": "table",
    "aws_ebs_volume": "volume",
    "aws_ecr_repository": "registry",
    "aws_efs_file_system": "file system",
    "aws_kms_key": "key",
    "aws_opensearch_domain": "search index",
    "aws_rds_cluster": "database",
    "aws_redshift_cluster": "database",
    "aws_redshiftserverless_namespace": "database",
    "aws_route53_zone": "zone",
    "aws_s3_bucket": "bucket",
    "aws_secretsmanager_secret": "secret",
    "aws_sqs_queue": "queue",
}
LOSING: tuple[Action, ...] = ("replace", "delete")
MARKS = {
    "create": "+",
    "update": "~",
    "replace": "-/+",
    "delete": "-",
    "read": "<=",
    "forget": ".",
    "none": " ",
}


class Change(BaseModel):
    """One resource that a plan changes."""

    model_config = ConfigDict(frozen=True)

    address: str
    type: str
    action: Action
    # Attributes that force a replacement, as paths such as `rule[0].name`.
    forced_by: tuple[str, ...] = ()
    # Why Terraform wants it, in its words, when it says so.
    reason: str | None = None
    # The data that goes with it: bucket, table, key …; None when nothing does.
    data_loss: str | None = None


class Summary(BaseModel):
    """All that a plan changes."""

    model_config = ConfigDict(frozen=True)

    environment: str
    changes: tuple[Change, ...]
    outputs: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether applying the plan would do nothing."""
        return not self.changes and not self.outputs

    @property
    def counts(self) -> dict[Action, int]:
        """How many resources each action touches, zeros left out."""
        found = Counter(change.action for change in self.changes)
        return {action: found[action] for action in CHANGING if found[action]}

    @property
    def data_losses(self) -> tuple[Change, ...]:
        """The changes that take data with them."""
        return tuple(change for change in self.changes if change.data_loss)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for programs."""
        return {
            "environment": self.environment,
            "empty": self.is_empty,
            "counts": self.counts,
            "changes": [change.model_dump(exclude_none=True) for change in self.changes],
            "data_losses": [change.address for change in self.data_losses],
            "outputs": list(self.outputs),
        }

    def to_markdown(self) -> str:
        """Return the summary for people: on a terminal or in a pull request."""
        lines = [f"# Plan for {self.environment}", ""]
        if self.is_empty:
            return "\n".join([*lines, "No changes.", ""])
        counts = ", ".join(f"{number} to {action}" for action, number in self.counts.items())
        lines += [f"{counts or 'outputs only'}.", ""]
        if self.data_losses:
            lines += ["## Data would be lost", ""]
            lines += [
                f"- **{c.data_loss}** `{c.address}`: {c.action}{_because(c)}"
                for c in self.data_losses
            ]
            lines.append("")
        for action in reversed(CHANGING):
            group = [change for change in self.changes if change.action == action]
            if group:
                lines += [f"## {action.capitalize()} ({len(group)})", ""]
                lines += [f"- `{MARKS[action]} {c.address}`{_because(c)}" for c in group]
                lines.append("")
        if self.outputs:
            lines += [f"Outputs that change: {', '.join(self.outputs)}.", ""]
        return "\n".join(lines)


def summarise(environment: str, plan: dict[str, Any]) -> Summary:
    """Make the summary of a plan from `terraform show -json`."""
    changes = (_change(entry) for entry in plan.get("resource_changes", []))
    outputs = plan.get("output_changes", {})
    return Summary(
        environment=environment,
        changes=tuple(sorted((c for c in changes if c.action in CHANGING), key=_order)),
        outputs=tuple(sorted(n for n, c in outputs.items() if c["actions"] != ["no-op"])),
    )


def _change(entry: dict[str, Any]) -> Change:
    """Read one entry of a plan's resource_changes."""
    action = _action(entry["change"]["actions"])
    kind = entry["type"] if entry.get("mode", "managed") == "managed" else ""
    paths = entry["change"].get("replace_paths", []) if action == "replace" else []
    return Change(
        address=entry["address"],
        type=entry["type"],
        action=action,
        forced_by=tuple(_path(path) for path in paths),
        reason=entry.get("action_reason"),
        data_loss=DATA_CLASSES.get(kind) if action in LOSING else None,
    )


def _action(actions: list[str]) -> Action:
    """Return one word for Terraform's list of actions; two are a replacement."""
    words: dict[tuple[str, ...], Action] = {
        ("create",): "create",
        ("update",): "update",
        ("delete",): "delete",
        ("read",): "read",
        ("forget",): "forget",
        ("delete", "create"): "replace",
        ("create", "delete"): "replace",
        ("create", "forget"): "replace",
    }
    return words.get(tuple(actions), "none")


def _path(steps: list[str | int]) -> str:
    """Write an attribute's path as Terraform's language does."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _because(change: Change) -> str:
    """Return why, to be put behind a change; nothing when Terraform does not say."""
    if change.forced_by:
        return f" (forced by {', '.join(change.forced_by)})"
    return f" ({change.reason.replace('_', ' ')})" if change.reason else ""


def _order(change: Change) -> tuple[int, str]:
    """Order changes by how much there is to fear, then by address."""
    return (-CHANGING.index(change.action), change.address)

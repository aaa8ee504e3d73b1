"""What a saved plan would do, read from its JSON: never from the text for people."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from glue.deploy.drift.differences import differences, masked
from glue.deploy.plans import losses

Action = Literal["create", "update", "replace", "delete", "read", "forget", "none"]
CHANGING: tuple[Action, ...] = ("create", "update", "replace", "delete", "forget")
LOSING: tuple[Action, ...] = ("replace", "delete")

# A plan that destroys more than this is told so in bold: it is seldom what was meant.
DESTROY_THRESHOLD = 10
UNKNOWN = "(known after apply)"
LONGEST_VALUE = 80


class Attribute(BaseModel):
    """One attribute that a plan changes, as text; secret values are masked."""

    model_config = ConfigDict(frozen=True)

    path: str
    before: str
    after: str
    # Whether the resource must be replaced because of it.
    forces: bool = False


class Change(BaseModel):
    """One resource that a plan changes."""

    model_config = ConfigDict(frozen=True)

    address: str
    type: str
    action: Action
    # The module call of the root that it lies in; empty for the root itself.
    module: str = ""
    # Attributes that force a replacement, as paths such as `rule[0].name`.
    forced_by: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    # Why Terraform wants it, in its words, when it says so.
    reason: str | None = None
    # The class of the data that goes with it: bucket, table, key …; None when nothing does.
    data_loss: str | None = None
    # The same in plain words, with the name.
    loss: str | None = None
    # Why AWS would refuse it.
    protection: str | None = None
    # Older data that an update no longer keeps.
    shortened: str | None = None
    # Work in progress that stops.
    interrupts: str | None = None
    # Terraform's name for a left-over object of a replacement that failed half-way.
    deposed: str | None = None


class Summary(BaseModel):
    """All that a plan changes."""

    model_config = ConfigDict(frozen=True)

    environment: str
    changes: tuple[Change, ...]
    outputs: tuple[str, ...] = ()
    # Old and new address of what only gets another name in the state.
    moves: tuple[tuple[str, str], ...] = ()
    imports: tuple[str, ...] = ()
    # What the plan was made from and for, and what a reader should know before applying it.
    origin: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether applying the plan would do nothing."""
        return not (self.changes or self.outputs or self.moves or self.imports)

    @property
    def counts(self) -> dict[Action, int]:
        """How many resources each action touches, zeros left out."""
        found = Counter(change.action for change in self.changes)
        return {action: found[action] for action in CHANGING if found[action]}

    @property
    def data_losses(self) -> tuple[Change, ...]:
        """The changes that take data with them."""
        return tuple(change for change in self.changes if change.data_loss)

    @property
    def destroyed(self) -> int:
        """How many resources would be destroyed, those that come back new among them."""
        return sum(change.action in LOSING for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for programs."""
        return {
            "environment": self.environment,
            "origin": self.origin,
            "warnings": list(self.warnings),
            "empty": self.is_empty,
            "counts": self.counts,
            "changes": [
                change.model_dump(exclude_none=True, exclude_defaults=True)
                for change in self.changes
            ],
            "data_losses": [change.address for change in self.data_losses],
            "losses": [
                {"address": c.address, "class": c.data_loss, "loses": c.loss, "action": c.action}
                for c in self.data_losses
            ],
            "protected": [c.address for c in self.changes if c.protection],
            "destroyed": self.destroyed,
            "destroy_threshold": DESTROY_THRESHOLD,
            "moves": [{"from": old, "to": new} for old, new in self.moves],
            "imports": list(self.imports),
            "outputs": list(self.outputs),
        }

    def to_markdown(self) -> str:
        """Return the summary for people: on a terminal or in a pull request."""
        from glue.deploy.plans.summary_text import markdown

        return markdown(self)


def summarise(
    environment: str, plan: dict[str, Any], *, origin: str = "", warnings: tuple[str, ...] = ()
) -> Summary:
    """Make the summary of a plan from `terraform show -json`."""
    entries = plan.get("resource_changes", [])
    changes = (_change(entry) for entry in entries)
    outputs = plan.get("output_changes", {})
    return Summary(
        environment=environment,
        changes=tuple(sorted((c for c in changes if c.action in CHANGING), key=_order)),
        outputs=tuple(sorted(n for n, c in outputs.items() if c["actions"] != ["no-op"])),
        moves=tuple(
            (entry["previous_address"], entry["address"])
            for entry in entries
            if entry.get("previous_address") not in (None, entry["address"])
        ),
        imports=tuple(e["address"] for e in entries if e["change"].get("importing")),
        origin=origin,
        warnings=warnings,
    )


def _change(entry: dict[str, Any]) -> Change:
    """Read one entry of a plan's resource_changes."""
    change, address, kind = entry["change"], entry["address"], entry["type"]
    action = _action(change["actions"])
    if entry.get("mode", "managed") != "managed":
        # A data source owns nothing, whatever its type.
        return Change(address=address, type=kind, action=action)
    paths = change.get("replace_paths", []) if action == "replace" else []
    forced_by = tuple(_path(path) for path in paths)
    before = _values(change, "before")
    after = _values(change, "after")
    goes = action in LOSING
    found = losses.data_class(kind, address, before) if goes else None
    return Change(
        address=address,
        type=kind,
        action=action,
        module=_module(address),
        forced_by=forced_by,
        attributes=_attributes(change, action, forced_by),
        reason=entry.get("action_reason"),
        data_loss=found.word if found else None,
        loss=losses.loss(kind, address, before) if goes else None,
        protection=losses.protection(kind, before) if goes else None,
        shortened=losses.shortening(kind, before, after) if action == "update" else None,
        interrupts=losses.interruption(kind) if goes else None,
        deposed=entry.get("deposed"),
    )


def _attributes(
    change: dict[str, Any], action: Action, forced_by: tuple[str, ...]
) -> tuple[Attribute, ...]:
    """Return what an update or a replacement changes, those that force it first.

    A replacement makes all that AWS decides anew; only what the configuration changes is told.
    """
    if action not in ("update", "replace"):
        return ()
    found = differences(
        change.get("before"),
        _overlaid(change.get("after"), change.get("after_unknown", False)),
        change.get("before_sensitive", False),
        change.get("after_sensitive", False),
    )
    made = [
        Attribute(
            path=one.path,
            before=_text(one.before),
            after=_text(one.after),
            forces=_is_forced(one.path, forced_by),
        )
        for one in found
    ]
    told = [one for one in made if one.forces or action == "update" or one.after != UNKNOWN]
    return tuple(sorted(told, key=lambda one: (not one.forces, one.path)))


def _values(change: dict[str, Any], side: str) -> dict[str, Any]:
    """Return a resource's values before or after, with secrets masked; empty when it has none."""
    values = masked(change.get(side), change.get(f"{side}_sensitive", False))
    return values if isinstance(values, dict) else {}


def _overlaid(value: Any, unknown: Any) -> Any:
    """Return the planned values with a remark where the value is not known yet."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, dict) and isinstance(value, dict):
        keys = {*value, *(key for key, inner in unknown.items() if inner not in (False, {}, []))}
        return {key: _overlaid(value.get(key), unknown.get(key, False)) for key in keys}
    if isinstance(unknown, list) and isinstance(value, list):
        rest = [False] * (len(value) - len(unknown))
        return [_overlaid(v, u) for v, u in zip(value, [*unknown, *rest], strict=False)]
    return value


def _text(value: Any) -> str:
    """Return a value as one line, cut when it is long; a remark stands without quotation marks."""
    if isinstance(value, str) and value.startswith("(") and value.endswith(")"):
        return value
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _is_forced(path: str, forced_by: tuple[str, ...]) -> bool:
    """Tell whether an attribute, or what it is part of, or a part of it, forces a replacement."""
    return any(
        path == forced or path.startswith((f"{forced}.", f"{forced}["))
        or forced.startswith((f"{path}.", f"{path}["))
        for forced in forced_by
    )  # fmt: skip


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


def _module(address: str) -> str:
    """Return the root's module call that an address lies in, without its key; '' for the root."""
    if not address.startswith("module."):
        return ""
    name = address.removeprefix("module.")
    ends = [at for at in (name.find("."), name.find("[")) if at >= 0]
    return f"module.{name[: min(ends)] if ends else name}"


def _order(change: Change) -> tuple[int, str]:
    """Order changes by how much there is to fear, then by address."""
    return (-CHANGING.index(change.action), change.address)

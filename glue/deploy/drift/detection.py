"""What is no longer as Terraform left it, and what is there that Terraform never made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from glue.deploy.drift.differences import Difference, differences
from glue.deploy.drift.explained import UNSET, Entry, entries, explain, is_nothing
from glue.deploy.drift.severity import SEVERITIES, Severity, of_difference, of_loss, worst
from glue.deploy.drift.unmanaged import unmanaged
from glue.deploy.packages import builder
from glue.deploy.state import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from glue.deploy.environments import Environment

SHOWN = 160  # characters of a value in a report for people


class Changed(BaseModel):
    """One attribute that is not what the state holds."""

    model_config = ConfigDict(frozen=True)

    path: str
    before: Any
    after: Any
    severity: Severity
    reason: str


class Drifted(BaseModel):
    """One resource that was changed, or taken away, outside Terraform."""

    model_config = ConfigDict(frozen=True)

    address: str
    type: str
    severity: Severity
    # `changed`, or `gone`: then there are no differences to tell.
    state: str
    reason: str
    differences: tuple[Changed, ...] = ()


class Stray(BaseModel):
    """A resource with our tags that no state knows."""

    model_config = ConfigDict(frozen=True)

    arn: str
    severity: Severity


class SetAside(BaseModel):
    """Something that looks like drift and is none: `what` it is, the reason, and who accounts."""

    model_config = ConfigDict(frozen=True)

    what: str
    reason: str
    by: str = ""


class Report(BaseModel):
    """All that differs between an environment and its state."""

    model_config = ConfigDict(frozen=True)

    environment: str
    drifted: tuple[Drifted, ...]
    unmanaged: tuple[Stray, ...]
    # What was looked at and is no finding, so that nobody has to take it on trust.
    explained: tuple[SetAside, ...] = ()
    recognised: tuple[SetAside, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to do."""
        return not self.drifted and not self.unmanaged

    @property
    def counts(self) -> dict[Severity, int]:
        """How many findings of each severity, zeros left out."""
        all_of_them = [one.severity for one in self.drifted]
        all_of_them += [one.severity for one in self.unmanaged]
        return {each: all_of_them.count(each) for each in SEVERITIES if each in all_of_them}

    def to_dict(self) -> dict[str, Any]:
        """Return the report for programs."""
        return self.model_dump()

    def to_markdown(self) -> str:
        """Return the report for people: on a terminal or in an issue."""
        lines = [f"# Drift of {self.environment}", ""]
        if self.is_clean:
            lines += ["None: everything is as Terraform left it.", ""]
        else:
            counts = ", ".join(f"{number} {severity}" for severity, number in self.counts.items())
            lines += [
                f"{len(self.drifted)} drifted, {len(self.unmanaged)} unmanaged: {counts}.",
                "",
            ]
        for one in self.drifted:
            lines += [f"## {one.severity}: `{one.address}`", "", f"{_sentence(one.reason)}", ""]
            lines += ["```diff", *_lines(one), "```", ""] if one.differences else []
        if self.unmanaged:
            lines += ["## With our tags, and in no state", ""]
            lines += [f"- {one.severity}: `{one.arn}`" for one in self.unmanaged]
            lines += ["", "Import them, or delete them.", ""]
        for title, group in (
            ("Made outside Terraform on purpose", self.recognised),
            ("Set aside", self.explained),
        ):
            if group:
                lines += [f"## {title}", "", *_grouped(group), ""]
        return "\n".join(lines)


def detect(environment: Environment, on_line: Callable[[str], None] | None = None) -> Report:
    """Compare an environment with its state, changing neither.

    Raises Conflict when somebody holds the state's lock, TerraformError when Terraform fails and
    botocore's ClientError when AWS refuses to tell what carries our tags.
    """
    builder.build(environment.target, environment.project)
    terraform = environment.terraform(on_line)
    state = terraform.pull_state()
    file = environment.project.plan_folder(environment.name) / "drift.tfplan"
    try:
        with explained(environment):
            terraform.plan(file, environment.variable_files(), refresh_only=True)
        plan = terraform.show(file)
    finally:
        # It holds every value, secret ones too.
        file.unlink(missing_ok=True)
    drifted, set_aside = read(plan, list(entries(state)))
    strays, recognised = unmanaged(environment, state)
    return Report(
        environment=environment.name,
        drifted=tuple(sorted(drifted, key=lambda one: (*_rank(one.severity), one.address))),
        unmanaged=tuple(
            Stray(arn=one.arn, severity=one.severity)
            for one in sorted(strays, key=lambda one: (*_rank(one.severity), one.arn))
        ),
        explained=tuple(set_aside),
        recognised=tuple(SetAside(what=one.arn, reason=one.reason) for one in recognised),
    )


def read(plan: Mapping[str, Any], state: Sequence[Entry]) -> tuple[list[Drifted], list[SetAside]]:
    """Return what a refresh-only plan's JSON says has drifted, and what was set aside.

    `state` is what Terraform wrote last.
    """
    found: list[Drifted] = []
    aside: list[SetAside] = []
    for entry in plan.get("resource_drift", []):
        change = entry["change"]
        address, kind = entry["address"], entry["type"]
        if "delete" in change["actions"]:
            loss = of_loss(kind)
            found.append(
                Drifted(
                    address=address,
                    type=kind,
                    severity=loss.severity,
                    state="gone",
                    reason=loss.reason,
                )
            )
            continue
        kept: dict[str, tuple[Any, Any]] = {}
        before, after = change["before"] or {}, change["after"] or {}
        here = Entry(address, kind, after)
        for attribute in sorted({*before, *after}):
            old, new = before.get(attribute), after.get(attribute)
            if old == new:
                continue
            reason, old, new = explain(here, attribute, old, new, state)
            if reason is not None:
                what = f"{address}: {attribute}"
                aside.append(SetAside(what=what, reason=reason.text, by=reason.by))
            if old != new:
                kept[attribute] = (old, new)
        changed: list[Changed] = []
        for one in _differences(change, kept):
            if all(is_nothing(kind, one.path, value) for value in (one.before, one.after)):
                aside.append(SetAside(what=f"{address}: {one.path}", reason=UNSET))
            else:
                changed.append(_judged(kind, one))
        if changed:
            gravest = min(changed, key=lambda one: _rank(one.severity))
            found.append(
                Drifted(
                    address=address,
                    type=kind,
                    severity=worst(one.severity for one in changed),
                    state="changed",
                    reason=gravest.reason,
                    differences=tuple(changed),
                )
            )
    return found, aside


def _differences(
    change: Mapping[str, Any], kept: Mapping[str, tuple[Any, Any]]
) -> list[Difference]:
    """Return the differences of some attributes of a changed resource, secrets masked."""
    before = {name: pair[0] for name, pair in kept.items()}
    after = {name: pair[1] for name, pair in kept.items()}
    hidden = (change.get("before_sensitive", False), change.get("after_sensitive", False))
    return differences(before, after, *hidden)


def _judged(kind: str, one: Difference) -> Changed:
    """Return a difference with its verdict."""
    verdict = of_difference(kind, one)
    return Changed(
        path=one.path,
        before=one.before,
        after=one.after,
        severity=verdict.severity,
        reason=verdict.reason,
    )


def _rank(severity: Severity) -> tuple[int]:
    """Return a key that sorts the gravest first."""
    return (SEVERITIES.index(severity),)


def _sentence(text: str) -> str:
    """Return a reason as a sentence."""
    return f"{text[0].upper()}{text[1:]}."


def _lines(one: Drifted) -> Iterator[str]:
    """Yield the lines of a diff."""
    for difference in one.differences:
        if difference.before is not None:
            yield f"- {difference.path} = {_short(difference.before)}"
        if difference.after is not None:
            yield f"+ {difference.path} = {_short(difference.after)}"


def _short(value: Any) -> str:
    """Return a value in one line, cut where it gets long."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _grouped(group: Sequence[SetAside]) -> Iterator[str]:
    """Yield a line per reason; a reason that many share names a few of them and counts the rest."""
    by_reason: dict[str, list[str]] = {}
    for one in group:
        by_reason.setdefault(one.reason, []).append(one.what)
    for reason, names in by_reason.items():
        if len(names) == 1:
            yield f"- `{names[0]}`: {reason}"
        else:
            yield f"- {len(names)} times: {reason}, such as `{names[0]}`"

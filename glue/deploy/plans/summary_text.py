"""A plan's summary for people: what is lost first, then the rest by how much there is to fear."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING

from glue.deploy.plans.summary import CHANGING, DESTROY_THRESHOLD, Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from glue.deploy.plans.summary import Change, Summary

MARKS: dict[Action, str] = {
    "create": "+",
    "update": "~",
    "replace": "-/+",
    "delete": "-",
    "forget": ".",
}
DONE: dict[Action, str] = {"replace": "destroyed and made anew", "delete": "destroyed"}
# Up to this many changes of a kind stand one by one; more are counted by module.
MOST_SINGLY: dict[Action, int] = {"create": 12, "delete": 30}
MOST_ATTRIBUTES = 8


def markdown(summary: Summary) -> str:
    """Return a plan's summary as Markdown that reads well on a terminal too."""
    lines = [f"# Plan for {summary.environment}", ""]
    if summary.origin:
        lines += [f"{summary.origin}.", ""]
    for warning in summary.warnings:
        lines += [f"**Note:** {warning}.", ""]
    if summary.is_empty:
        return "\n".join([*lines, "No changes.", ""])
    counts = ", ".join(f"{number} to {action}" for action, number in summary.counts.items())
    lines += [f"{counts or 'No resource changes, only what is said below'}.", ""]
    if summary.destroyed > DESTROY_THRESHOLD:
        text = f"{summary.destroyed} resources would be destroyed, more than {DESTROY_THRESHOLD}"
        lines += [f"**Careful: {text}. Read each of them.**", ""]
    lines += _losses(summary)
    lines += _section(summary, "Older data would be thrown away", lambda c: c.shortened)
    lines += _section(summary, "AWS would refuse", lambda c: c.protection)
    lines += _section(summary, "Would be interrupted", lambda c: c.interrupts)
    for action in reversed(CHANGING):
        group = [change for change in summary.changes if change.action == action]
        if group:
            lines += [f"## {action.capitalize()} ({len(group)})", ""]
            most = MOST_SINGLY.get(action, len(group))
            lines += _by_module(group) if len(group) > most else _singly(group)
            lines.append("")
    lines += _list("Moved in the state only", (f"{a} → {b}" for a, b in summary.moves))
    lines += _list("Imported", summary.imports)
    if summary.outputs:
        lines += [f"Outputs that change: {', '.join(summary.outputs)}.", ""]
    return "\n".join(lines)


def describe(change: Change) -> str:
    """Return a change in one line, with why and with what it changes."""
    text = code(f"{MARKS.get(change.action, ' ')} {change.address}")
    if change.deposed:
        text += f" (left over from a replacement that failed: {change.deposed})"
    if shown := attributes(change):
        return f"{text}: {shown}"
    # A path that forces without a difference is one whose value is not known yet.
    if change.forced_by:
        return f"{text} (forced by {', '.join(change.forced_by)})"
    return f"{text} ({change.reason.replace('_', ' ')})" if change.reason else text


def attributes(change: Change) -> str:
    """Return the attributes that a change touches; one that forces a replacement says so."""
    shown = [
        f"{code(one.path)} {code(one.before)} → {code(one.after)}"
        + (" **forces the replacement**" if one.forces else "")
        for one in change.attributes[:MOST_ATTRIBUTES]
    ]
    more = len(change.attributes) - len(shown)
    return ", ".join([*shown, f"and {more} more"] if more > 0 else shown)


def code(text: str) -> str:
    """Return text as Markdown's code, whatever back-quotes are in it."""
    text = text.replace("\n", " ")
    runs = [len(run) for run in re.findall("`+", text)]
    fence = "`" * (max(runs, default=0) + 1)
    return f"{fence} {text} {fence}" if runs else f"{fence}{text}{fence}"


def _losses(summary: Summary) -> list[str]:
    """Return the part that says what would be lost, recordings first, and how to allow it."""
    lost = sorted(summary.data_losses, key=lambda c: (c.data_loss != "recordings", c.address))
    if not lost:
        return []
    lines = [f"## Data would be lost ({len(lost)})", ""]
    for change in lost:
        done = DONE.get(change.action, change.action)
        forces = [one for one in change.attributes if one.forces]
        why = "; ".join(f"{code(o.path)} {code(o.before)} → {code(o.after)}" for o in forces)
        reason = why or ", ".join(change.forced_by) or (change.reason or "").replace("_", " ")
        text = f"- would lose: **{change.loss or change.data_loss}**. "
        text += f"{code(change.address)} is {done}"
        lines.append(text + (f", because of {reason}" if reason else ""))
    allow = " ".join(f"--allow {shlex.quote(a)}" for a in sorted({c.address for c in lost}))
    command = f"glue deploy apply --env {summary.environment} {allow}"
    return [*lines, "", "Refused unless each is named:", "", f"    {command}", ""]


def _section(summary: Summary, title: str, remark: Callable[[Change], str | None]) -> list[str]:
    """Return a part that lists the changes of which there is a remark to make."""
    found = [(change, text) for change in summary.changes if (text := remark(change))]
    return _list(f"{title} ({len(found)})", (f"{code(c.address)}: {text}" for c, text in found))


def _list(title: str, entries: Iterable[str]) -> list[str]:
    """Return a titled list; nothing when it is empty."""
    lines = [f"- {entry}" for entry in entries]
    return [f"## {title}", "", *lines, ""] if lines else []


def _singly(group: Sequence[Change]) -> list[str]:
    """Return one line for each change."""
    return [f"- {describe(change)}" for change in group]


def _by_module(group: Sequence[Change]) -> list[str]:
    """Return one line for each module, with its changes counted by type."""
    modules: dict[str, Counter[str]] = {}
    for change in group:
        modules.setdefault(change.module, Counter())[change.type] += 1
    return [
        f"- {code(module or 'the root')} ({kinds.total()}): "
        + ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        for module, kinds in sorted(modules.items())
    ]

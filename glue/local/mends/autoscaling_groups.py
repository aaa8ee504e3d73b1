"""Auto Scaling groups: tags found by filter, and launch templates with several types.

MiniStack 1.5.33 answers DescribeTags with every tag of every group, where AWS filters, so that a
plan compares one tag with another's value; and it forgets a group's mixed instances policy, so
that every second plan finds it missing. Names and values go into its XML as they are, which
breaks it when one holds an ampersand.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Answer = tuple[int, dict[str, str], bytes]

OK = 200
EXPECTED = {
    "_create_asg": "ffb7c5314e52",
    "_describe_asgs": "c477261634b0",
    "_update_asg": "4f5001b13509",
    "_describe_tags": "bd62e4fb1981",
}

POLICY = "MixedInstancesPolicy"
NUMBERED = re.compile(r"Filters\.member\.(\d+)\.(Name|Values\.member\.\d+)")
FILTERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "auto-scaling-group": lambda tag: tag["ResourceId"],
    "key": lambda tag: tag["Key"],
    "value": lambda tag: tag["Value"],
    "propagate-at-launch": lambda tag: str(bool(tag.get("PropagateAtLaunch"))).lower(),
}


def filters(parameters: dict[str, Any]) -> dict[str, set[str]]:
    """Return the filters of a request: their values by name."""
    numbered: dict[str, dict[str, str]] = {}
    for name, value in parameters.items():
        if match := NUMBERED.fullmatch(name):
            numbered.setdefault(match[1], {})[match[2]] = value
    found: dict[str, set[str]] = {}
    for entry in numbered.values():
        values = {value for name, value in entry.items() if name != "Name"}
        found.setdefault(entry.get("Name", ""), set()).update(values)
    return found


def matching(tags: Iterable[dict[str, Any]], wanted: dict[str, set[str]]) -> list[dict[str, Any]]:
    """Return the tags that pass every filter."""
    return [
        tag
        for tag in tags
        if all(FILTERS[name](tag) in values for name, values in wanted.items() if name in FILTERS)
    ]


def nested(parameters: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return the parameters below a prefix as they nest; lists become dicts by number."""
    tree: dict[str, Any] = {}
    for name, value in parameters.items():
        if not name.startswith(f"{prefix}."):
            continue
        *parents, last = name.removeprefix(f"{prefix}.").split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = value
    return tree


def as_xml(tree: dict[str, Any]) -> str:
    """Return nested parameters as the XML of an answer."""
    parts = []
    for name, value in tree.items():
        if name == "member":
            ordered = sorted(value.items(), key=lambda item: int(item[0]))
            parts += [f"<member>{_content(entry)}</member>" for _, entry in ordered]
        else:
            parts.append(f"<{name}>{_content(value)}</{name}>")
    return "".join(parts)


def _content(value: Any) -> str:
    return as_xml(value) if isinstance(value, dict) else escape(str(value))


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend Auto Scaling groups. Raises MendError if it is another emulator."""
    from ministack.services import autoscaling

    expect(autoscaling, EXPECTED)
    actions = autoscaling._ACTION_MAP
    actions["DescribeTags"] = _describing_tags(autoscaling)
    for name in ("CreateAutoScalingGroup", "UpdateAutoScalingGroup"):
        actions[name] = _keeping_policy(autoscaling, actions[name])
    actions["DescribeAutoScalingGroups"] = _describing_groups(
        autoscaling, actions["DescribeAutoScalingGroups"]
    )


def _describing_tags(autoscaling: Any) -> Callable[[dict[str, Any]], Answer]:
    def describe(parameters: dict[str, Any]) -> Answer:
        everything = [tag for tags in autoscaling._tags.values() for tag in tags]
        fields = ("Key", "Value", "ResourceId", "ResourceType")
        members = "".join(
            "<member>"
            + "".join(f"<{field}>{escape(tag[field])}</{field}>" for field in fields)
            + f"<PropagateAtLaunch>{str(bool(tag.get('PropagateAtLaunch'))).lower()}"
            + "</PropagateAtLaunch></member>"
            for tag in matching(everything, filters(parameters))
        )
        inner = f"<DescribeTagsResult><Tags>{members}</Tags></DescribeTagsResult>"
        answer: Answer = autoscaling._xml(OK, "DescribeTagsResponse", inner)
        return answer

    return describe


def _keeping_policy(
    autoscaling: Any, original: Callable[[dict[str, Any]], Answer]
) -> Callable[[dict[str, Any]], Answer]:
    def keep(parameters: dict[str, Any]) -> Answer:
        answer = original(parameters)
        policy = nested(parameters, POLICY)
        if answer[0] == OK and policy:
            autoscaling._asgs[parameters["AutoScalingGroupName"]][POLICY] = policy
        return answer

    return keep


def _describing_groups(
    autoscaling: Any, original: Callable[[dict[str, Any]], Answer]
) -> Callable[[dict[str, Any]], Answer]:
    """Mend the answer: a policy behind the name that begins a group, tags that are well-formed."""

    def describe(parameters: dict[str, Any]) -> Answer:
        status, headers, data = original(parameters)
        text = data.decode()
        for name, group in autoscaling._asgs.items():
            if policy := group.get(POLICY):
                begin = f"<member><AutoScalingGroupName>{name}</AutoScalingGroupName>"
                text = text.replace(begin, f"{begin}<{POLICY}>{as_xml(policy)}</{POLICY}>")
            for tag in group.get("Tags") or ():
                raw, well_formed = (
                    f"<Key>{form(tag['Key'])}</Key><Value>{form(tag['Value'])}</Value>"
                    for form in (str, escape)
                )
                text = text.replace(raw, well_formed)
        return status, headers, text.encode()

    return describe

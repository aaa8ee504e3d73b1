"""The environments' tfvars files: complete, without placeholders, each to itself."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

from glue.checks.check import Check, Finding
from glue.checks.run import Subject
from glue.doctor import tfvars
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glue.checks.report import Result
    from glue.doctor.context import Context

NAME = "configuration"
# What glue hands to Terraform itself.
GIVEN = {"packages", "local"}
# What the files in this repository hold until somebody writes their own.
PLACEHOLDERS = re.compile(
    r"\b(123456789012|210987654321|111122223333)\b|\bexample\.(org|com|net)\b"
    r"|\b(subnet|sg|vpc)-0a1b2c3d|\b(192\.0\.2|198\.51\.100|203\.0\.113)\."
)

READABLE = Check(
    NAME, "tfvars", "critical", "the file can be read, sets every required variable and no other",
    "write what is missing, take out what is unknown: terraform/platform/README.md lists all",
)  # fmt: skip
OWN_VALUES = Check(
    NAME, "placeholders", "medium", "no value is left from the examples",
    "write your own account, addresses and ranges into the tfvars file",
)  # fmt: skip
APART = Check(
    NAME, "apart", "critical", "no two environments share an account, or they differ in prefix",
    "give one of them another account_id, or another prefix: their names would clash",
)  # fmt: skip
CHECKS = (READABLE, OWN_VALUES, APART)


def ask(context: Context) -> Iterator[Result]:
    """Read the tfvars files."""
    folder = context.project.variables_file("any").parent
    names = sorted(path.stem for path in folder.glob("*.tfvars"))
    mine = [name for name in names if context.deployment is None or name == context.environment]
    yield from READABLE.each(context, mine, lambda name: _complete(context, name))
    readable = dict(_readable(context, names))
    if not context.is_emulated:
        chosen = {n: v for n, v in readable.items() if n in mine and n != "local"}
        yield from OWN_VALUES.each(context, chosen, _own)
    pairs = {
        f"{one}-{other}": (readable[one], readable[other])
        for one, other in combinations(readable, 2)
        if {one, other} & set(mine)
    }
    yield from APART.each(context, pairs, lambda pair: _apart(*pair))


def _readable(context: Context, names: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the files that can be read; the others are told of by another check."""
    for name in names:
        try:
            yield name, tfvars.read(context.project.variables_file(name))
        except InputError:
            continue


def _complete(context: Context, name: str) -> Finding:
    try:
        values = tfvars.read(context.project.variables_file(name))
    except InputError as error:
        return Finding(False, error.message)
    variables = tfvars.declared(context.project)
    known = {one.name for one in variables}
    missing = [v.name for v in variables if v.is_required and v.name not in {*values, *GIVEN}]
    unknown = sorted(set(values) - known)
    misnamed = [] if values.get("environment") in (name, None) else [values["environment"]]
    parts = [
        f"missing: {', '.join(missing)}" if missing else "",
        f"unknown: {', '.join(unknown)}" if unknown else "",
        f"it says it is {misnamed[0]}" if misnamed else "",
    ]
    problems = "; ".join(part for part in parts if part)
    return Finding(not problems, problems or f"{len(values)} of {len(known)} variables set")


def _own(values: Mapping[str, Any]) -> Finding:
    found = {match[0].rstrip(".") for match in PLACEHOLDERS.finditer(json.dumps(values))}
    return Finding(not found, ", ".join(sorted(found)) or "none")


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> Finding:
    accounts = {one.get("account_id"), other.get("account_id")}
    prefixes = {one.get("prefix"), other.get("prefix")}
    if len(accounts) > 1:
        return Finding(True, "each has an account of its own")
    found = f"both live in {accounts.pop()}"
    if len(prefixes) > 1:
        return Finding(True, f"{found}, told apart by their prefixes")
    return Finding(False, f"{found} with the prefix {prefixes.pop()!r}")


SUBJECT = Subject(NAME, "The tfvars files of the environments.", ask, CHECKS)

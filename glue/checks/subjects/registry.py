"""Image repositories: a tag means one image for ever, and its holes are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.aws import error_code
from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "registry"
IMAGES = "Container registries"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

TAGS = Check(
    NAME, "repository-immutable-tags", "high", "no tag is ever given to another image", PLAN, IMAGES
)
SCAN = Check(
    NAME,
    "repository-scan-on-push",
    "medium",
    "images are scanned when they are pushed",
    PLAN,
    IMAGES,
)
CLEANED = Check(
    NAME, "repository-lifecycle", "low", "a policy deletes images that nobody needs", PLAN, IMAGES
)
COMPLETE = Check(
    NAME, "repository-exists", "high", "every repository of the outputs exists in its region", PLAN
)


def ask(context: Context) -> Iterator[Result]:
    """Ask every repository in every region that the outputs name."""
    found = inventory.repositories(context)
    there = {name: one for name, (_, one) in found.items()}
    yield from TAGS.each(context, there, _tags)
    yield from SCAN.each(context, found, lambda one: _scan(context, *one))
    yield from CLEANED.each(context, found, lambda one: _lifecycle(context, *one))
    wanted = []
    for key, repositories in (inventory.output(context, "registry") or {}).items():
        region = context.region if key == "home" else key.replace("_", "-")
        for one in (repositories or {}).values():
            name = one["name"]
            wanted.append(name if region == context.region else f"{region}/{name}")
    yield from COMPLETE.each(
        context,
        wanted,
        lambda name: Finding(name in found, "there" if name in found else "missing"),
    )


def _tags(one: dict[str, Any]) -> Finding:
    found = one.get("imageTagMutability", "MUTABLE")
    return Finding(found == "IMMUTABLE", found)


def _scan(context: Context, region: str, one: dict[str, Any]) -> Finding:
    if one.get("imageScanningConfiguration", {}).get("scanOnPush"):
        return Finding(True, "on push")
    # The registry's own setting, where there is one, replaces the repository's.
    answer = context.aws("ecr", region).get_registry_scanning_configuration()
    rules = answer.get("scanningConfiguration", {}).get("rules", [])
    found = {rule["scanFrequency"] for rule in rules} - {"MANUAL"}
    return Finding(bool(found), ", ".join(sorted(found)) or "never")


def _lifecycle(context: Context, region: str, one: dict[str, Any]) -> Finding:
    client = context.aws("ecr", region)
    try:
        client.get_lifecycle_policy(repositoryName=one["repositoryName"])
    except Exception as error:
        if error_code(error) != "LifecyclePolicyNotFoundException":
            raise
        return Finding(False, "kept for ever")
    return Finding(True, "there is a policy")


SUBJECT = Subject(
    NAME,
    "Image repositories: immutable tags, scans, cleaning.",
    ask,
    (TAGS, SCAN, CLEANED, COMPLETE),
)

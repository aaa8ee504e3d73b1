"""Tags of every kind of resource, by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.local.batch.errors import ClientError
from glue.local.batch.names import ARN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.local.batch.store import Region

MOST_TAGS = 50


def of(region: Region, arn: str) -> dict[str, str]:
    """Return the tags of a resource, which may be changed. Raises ClientError when unknown."""
    found = ARN.fullmatch(arn)
    if found is not None and (found["account"], found["region"]) == region.scope:
        for known, tags in tagged(region):
            if known == arn:
                return tags
    raise ClientError(f"arn {arn} does not exist")


def tagged(region: Region) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each resource's ARN with its tags, jobs included."""
    for environment in region.compute_environments.values():
        yield environment["computeEnvironmentArn"], environment["tags"]
    for queue in region.queues.values():
        yield queue["jobQueueArn"], queue["tags"]
    for revisions in region.definitions.values():
        for definition in revisions:
            yield definition["jobDefinitionArn"], definition["tags"]
    for arn, policy in region.policies.items():
        yield arn, policy["tags"]
    for identity, submission in region.submissions.items():
        yield region.scope.arn("job", identity), submission["tags"]


def in_use(region: Region) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what the tagging API shows: no jobs, and no revisions that were deregistered.

    Those cannot be deleted; AWS forgets them half a year later.
    """
    inactive = {
        definition["jobDefinitionArn"]
        for revisions in region.definitions.values()
        for definition in revisions
        if definition["status"] != "ACTIVE"
    }
    for arn, tags in tagged(region):
        if arn not in inactive and not arn.startswith(region.scope.arn("job", "")):
            yield arn, tags


def add(region: Region, arn: str, tags: dict[str, str]) -> None:
    """Set tags of a resource. Raises ClientError when it is unknown or has too many then."""
    held = of(region, arn)
    if len({*held, *tags}) > MOST_TAGS:
        raise ClientError(f"a resource has at most {MOST_TAGS} tags")
    held.update(tags)


def remove(region: Region, arn: str, keys: list[str]) -> None:
    """Remove tags of a resource. Raises ClientError when it is unknown."""
    held = of(region, arn)
    for key in keys:
        held.pop(key, None)

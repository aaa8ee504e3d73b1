"""Names, identifiers and ARNs of Batch."""

from __future__ import annotations

import re
from typing import NamedTuple

from glue.local.batch.errors import ClientError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
ARN = re.compile(
    r"arn:aws:batch:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<kind>[a-z-]+)/(?P<name>.+)"
)


class Scope(NamedTuple):
    """One account in one region: resources of one are unknown in any other."""

    account: str
    region: str

    def arn(self, kind: str, name: str, service: str = "batch") -> str:
        """Return the ARN of a resource, such as `job-queue` and its name."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{kind}/{name}"

    def name_in(self, kind: str, reference: object) -> str:
        """Return the name that a reference means: a name, or an ARN of this scope.

        Raises ClientError for anything else.
        """
        if not isinstance(reference, str) or not reference:
            raise ClientError(f"{kind} is required")
        if not reference.startswith("arn:"):
            return reference
        found = ARN.fullmatch(reference)
        if found is None or (found["account"], found["region"], found["kind"]) != (*self, kind):
            raise ClientError(f"arn {reference} does not exist")
        return found["name"]


def require_name(field: str, value: object) -> str:
    """Return a new resource's name. Raises ClientError when AWS would not take it."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ClientError(
            f"{field} should match valid pattern: up to 128 letters, numbers, hyphens "
            f"and underscores, the first of them a letter or a number; found {value!r}"
        )
    return value

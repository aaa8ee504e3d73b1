"""What every drain works with: the environment, what Terraform made in it, and patience."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from glue.deploy import tagged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from glue.deploy.environments import Environment

POLL_SECONDS = 5.0

# What services call something that is not there, or no longer.
ABSENT = re.compile(r"NotFound|NoSuch|DoesNotExist|ResourceNotFound|404")


def _silent(_line: str) -> None:
    """Tell nobody."""


@dataclass
class Drain:
    """One environment that is about to be destroyed.

    `state` holds the resources as `terraform show -json` gives them, `tell` is given a line for
    each thing done, `pause` is the most seconds to wait between two looks.
    """

    environment: Environment
    state: Sequence[Mapping[str, Any]]
    tell: Callable[[str], None] = _silent
    pause: float = POLL_SECONDS
    counts: dict[str, int] = field(default_factory=dict)

    def of(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Yield the attributes of every managed resource of a type."""
        for entry in self.state:
            if entry.get("mode") == "managed" and entry["type"] == kind:
                yield entry["values"]

    def client(self, service: str, arn: str = "") -> Any:
        """Return a client for the region an ARN names, the home region without one."""
        parts = arn.split(":")
        region = parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 - an ARN's fourth part
        return tagged.client(self.environment, service, region)

    def count(self, what: str, number: int = 1) -> None:
        """Add to the number of things done."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + number

    def until(self, is_done: Callable[[], bool], seconds: float) -> bool:
        """Look again and again; tell whether it was done before the seconds were over."""
        deadline = time.monotonic() + seconds
        while not is_done():
            if time.monotonic() >= deadline:
                return False
            time.sleep(min(self.pause, POLL_SECONDS))
        return True


def is_absent(error: ClientError) -> bool:
    """Tell whether an error says that a thing is not there, or no longer."""
    return bool(ABSENT.search(error.response["Error"]["Code"]))


def present(call: Callable[..., Any], **given: Any) -> Any:
    """Return what a call answers, or None when what it asks about is not there."""
    try:
        return call(**given)
    except ClientError as error:
        if is_absent(error):
            return None
        raise

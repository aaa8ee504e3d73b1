"""What shows that an environment was not touched: its state, byte by byte, and its account."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.rehearsal.inventory import inventory

if TYPE_CHECKING:
    from glue.rehearsal.accounts import Account

SHOWN = 5


@dataclass(frozen=True)
class Evidence:
    """An environment at one moment.

    `serial` counts the writings of the state, `digest` is the SHA-256 of the whole of it, with
    every attribute of every resource, and `holds` what the account was found to hold.
    """

    serial: int
    resources: int
    digest: str
    holds: frozenset[str]

    def __str__(self) -> str:
        return (
            f"state serial {self.serial}, {self.resources} resources, "
            f"digest {self.digest[:12]}, {len(self.holds)} things in the account"
        )

    def differences(self, later: Evidence) -> list[str]:
        """Return what is no longer the same, one sentence each; nothing when all is."""
        found = []
        if self.serial != later.serial:
            found.append(f"the state's serial was {self.serial} and is {later.serial}")
        elif self.digest != later.digest:
            found.append(f"the state has another content under the same serial {self.serial}")
        for word, names in (
            ("new", later.holds - self.holds),
            ("gone", self.holds - later.holds),
        ):
            if names:
                found.append(f"{word} in the account: {listed(names)}")
        return found


def gather(account: Account) -> Evidence:
    """Look at an environment: its state in the bucket, its things in the account."""
    text, state = read_state(account)
    return Evidence(
        serial=state["serial"],
        resources=len(instances(state)),
        digest=hashlib.sha256(text).hexdigest(),
        holds=inventory(account),
    )


def read_state(account: Account) -> tuple[bytes, dict[str, Any]]:
    """Return the state's object in the bucket, as it is and parsed."""
    storage = account.client("s3")
    body = storage.get_object(Bucket=account.state_bucket, Key=account.state_key)["Body"]
    text: bytes = body.read()
    state: dict[str, Any] = json.loads(text)
    return text, state


def instances(state: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return type and attributes of everything in a state that Terraform manages."""
    return [
        (resource["type"], instance["attributes"])
        for resource in state["resources"]
        if resource["mode"] == "managed"
        for instance in resource["instances"]
    ]


def listed(names: frozenset[str] | set[str] | list[str]) -> str:
    """Return some names in a row, and how many more there are."""
    ordered = sorted(names)
    more = len(ordered) - SHOWN
    return ", ".join(ordered[:SHOWN]) + (f" and {more} more" if more > 0 else "")

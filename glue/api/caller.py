"""Who is asking, as the gateway's authorizer vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from glue.errors import Forbidden, Unauthorised

if TYPE_CHECKING:
    from collections.abc import Mapping

Group = Literal["shippers", "researchers", "hosts", "operators"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A user of the pool: a device or a person."""

    name: str
    groups: frozenset[str]

    def require(self, *groups: Group) -> None:
        """Raise `Forbidden` unless the caller is in one of the groups."""
        if self.groups.isdisjoint(groups):
            raise Forbidden(
                "Authorization",
                f"this is for {' and '.join(groups)} only",
                f"ask an operator to add {self.name!r} to a group: glue devices add",
            )

    def seen_device(self) -> str | None:
        """Return whose recordings the caller may see: only this device's, or, by None, all."""
        self.require("shippers", "researchers", "operators")
        return None if self.groups & {"researchers", "operators"} else self.name


def groups_of(claim: object) -> frozenset[str]:
    """Return the groups of a `cognito:groups` claim: a list, `a,b` or `[a b]`."""
    if isinstance(claim, str):
        return frozenset(claim.strip("[] ").replace(",", " ").split())
    if isinstance(claim, list):
        return frozenset(str(group) for group in claim)
    return frozenset()


def caller_of(event: Mapping[str, Any]) -> Caller:
    """Return who sent a request; raise `Unauthorised` when the gateway let nobody in."""
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    claims = authorizer.get("claims") or {}
    name = claims.get("cognito:username") or claims.get("username")
    if not name:
        raise Unauthorised(
            "Authorization", "no valid token came with the request", "ask POST /token for one"
        )
    return Caller(str(name), groups_of(claims.get("cognito:groups")))

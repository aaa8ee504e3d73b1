"""What Batch needs of the rest of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glue.local.batch.names import Scope


class Refused(RuntimeError):  # noqa: N818 - reads as a finding
    """Another service refuses what a job needs; the message is what AWS would say."""


class Outside(Protocol):
    """Logs, events, roles and secrets."""

    endpoint: str

    def put_event(
        self, scope: Scope, kind: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        """Send an event of the source aws.batch to EventBridge."""

    def open_log(self, scope: Scope, group: str, stream: str, *, create_group: bool) -> None:
        """Make a log stream. Raises Refused when there is no such group."""

    def write_log(
        self, scope: Scope, group: str, stream: str, lines: Sequence[tuple[int, str]]
    ) -> None:
        """Add lines, each with its time in milliseconds, to a log stream."""

    def assume(self, scope: Scope, role: str, session: str) -> dict[str, str]:
        """Return variables with credentials of a role that tasks may assume.

        Raises Refused when there is no such role or it does not trust ECS tasks.
        """

    def forget(self, credentials: dict[str, str]) -> None:
        """Make credentials that `assume` gave worthless."""

    def require(
        self, scope: Scope, credentials: dict[str, str], action: str, resource: str
    ) -> None:
        """Raise Refused unless the credentials allow an action on a resource."""

    def read_secret(self, scope: Scope, credentials: dict[str, str], value_from: str) -> str:
        """Return a secret or parameter. Raises Refused when it is missing or not allowed."""

    def check_role(self, scope: Scope, role: str) -> None:
        """Raise Refused when there is no such role."""

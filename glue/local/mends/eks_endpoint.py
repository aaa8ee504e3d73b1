"""Clusters of the local account answer the address of the stand-in for Kubernetes.

On AWS a cluster's address answers. MiniStack 1.5.33 names a port of a container that only Docker
would start. Here the address is looked up whenever a cluster is described, so that it is right
after a restart on other ports.
Clusters of other accounts, as in a rehearsal, keep an address at which nobody answers.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from glue.local.configuration import ACCOUNT_ID, HOST
from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_sanitize": "5027f2dfbdcd", "_describe_cluster": "5487cce55ff0"}

_serving = SimpleNamespace(address=None)


def serve_from(port: int | None) -> None:
    """Say at which port of this machine the stand-in answers; None when there is none."""
    _serving.address = None if port is None else f"http://{HOST}:{port}"


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the clusters' addresses. Raises MendError if it is another emulator."""
    from ministack.services import eks

    expect(eks, EXPECTED)
    sanitize = eks._sanitize

    def with_address(cluster: dict[str, Any]) -> dict[str, Any]:
        described: dict[str, Any] = sanitize(cluster)
        if _serving.address is not None and eks.get_account_id() == ACCOUNT_ID:
            described["endpoint"] = _serving.address
        return described

    eks._sanitize = with_address

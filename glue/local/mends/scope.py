"""Acting for one account and region inside the emulator."""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def in_scope(account: str, region: str) -> Iterator[None]:
    """Let the emulator's stores answer for this account and region meanwhile."""
    from ministack.core import responses

    account_token = responses._request_account_id.set(account)
    region_token = responses._request_region.set(region)
    try:
        yield
    finally:
        responses._request_region.reset(region_token)
        responses._request_account_id.reset(account_token)

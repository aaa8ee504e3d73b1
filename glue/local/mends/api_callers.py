"""An API is found by whoever calls it.

On AWS the address of an API Gateway names the API, and the caller need not be anybody. MiniStack
1.5.33 looks for it in the account of the caller's access key; a caller without one, as every
caller of ours, has the account 000000000000. So the API of any other account answers 404.

Here a call is taken to the account and region that hold the API, before anything else is asked.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect
from glue.local.mends.scope import in_scope

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED_APP = {
    "_handle_execute_api_request": "77a20f6d604b",
    "_parse_execute_api_url": "13d571174968",
}
EXPECTED_SERVICE = {"find_api_scope": "19d66149ae1d"}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend who finds an API. Raises MendError if it is another emulator."""
    from ministack import app
    from ministack.services import apigateway_v1

    expect(app, EXPECTED_APP)
    expect(apigateway_v1, EXPECTED_SERVICE)
    original = app._handle_execute_api_request

    @functools.wraps(original)
    async def handle(host: str, path: str, *arguments: Any, **named: Any) -> Any:
        parsed = app._parse_execute_api_url(host, path)
        owner = owner_of(apigateway_v1._rest_apis, parsed[0]) if parsed else None
        if owner is None:
            return await original(host, path, *arguments, **named)
        with in_scope(*owner):
            return await original(host, path, *arguments, **named)

    app._handle_execute_api_request = handle


def owner_of(apis: Any, identifier: str) -> tuple[str, str] | None:
    """Return account and region of the REST API with an id, or None."""
    for (account, region, held), _ in apis.all_items():
        if held == identifier:
            return account, region
    return None

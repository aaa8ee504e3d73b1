"""The API against its own OpenAPI document: whatever schemathesis sends, never a 5xx."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error

from tests.platform import ROOT, Platform

schema = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.json")


@pytest.fixture(scope="module")
def members(platform: Platform) -> dict[str, dict[str, str]]:
    groups = ("shippers", "researchers", "operators")
    return {group: platform.credentials(f"fuzz-{group}", group) for group in groups}


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_nothing_makes_the_api_fail(
    case: schemathesis.Case, platform: Platform, members: dict[str, dict[str, str]]
) -> None:
    for granted in members.values():
        case.headers = {
            **(case.headers or {}),
            "Authorization": granted["token"],
            "x-api-key": granted["key"],
        }
        response = case.call(base_url=platform.outputs["api"]["url"])
        case.validate_response(response, checks=(not_a_server_error,))
        assert response.status_code < 500

"""An empty local cloud for the tests of the ground, which bring what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.platform import ROOT, Platform, new_platform

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A running local cloud with nothing in it."""
    cloud = new_platform(ROOT / "build" / "test-ground")
    cloud.glue("local", "reset")
    cloud.glue("local", "up")
    yield cloud
    cloud.down()

"""One local cloud with the whole platform in it, for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.local.leaderboards import Leaderboards
from tests.platform import ROOT, Platform, new_platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and leave the one that destroys everything for the end."""
    here = [item for item in items if "tests/local/" in item.nodeid]
    for item in here:
        item.add_marker(pytest.mark.local)
    last = [item for item in here if "test_destroy" in item.nodeid]
    for item in last:
        items.remove(item)
        items.append(item)


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """The platform, applied to a local cloud on free ports under build/test."""
    made = new_platform(ROOT / "build" / "test")
    made.up()
    try:
        yield made
    finally:
        made.down()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder in which a test makes its recordings."""
    made = tmp_path / "recordings"
    made.mkdir()
    return made


@pytest.fixture
def leaderboards(platform: Platform) -> Iterator[Leaderboards]:
    """The leaderboards of the platform, without EvalAI's limit; what is broken is mended after."""
    found = Leaderboards(platform)
    found.mend()
    try:
        with found.without_limit():
            yield found
    finally:
        found.leave()

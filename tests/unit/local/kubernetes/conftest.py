"""One stand-in for all tests of a file; each has Jobs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from glue.leaderboard.kubernetes import connection
from tests.unit.local.kubernetes.standing import Standing, standing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("kubernetes") / "home") as found:
        yield found


@pytest.fixture(autouse=True)
def _nothing_wrong(request: pytest.FixtureRequest) -> Iterator[None]:
    """No fault and no Job of one test reaches the next."""
    yield
    if "stand_in" in request.fixturenames:
        found: Standing = request.getfixturevalue("stand_in")
        found.fault()
        for job in found.client.jobs():
            found.client.delete_job(job["metadata"]["name"])
        found.wait_gone()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(connection, "LONGEST_WAIT_SECONDS", 0.002)

"""The reconciler with moto, EvalAI's stand-in over a socket, and fakes of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stamina

from tests.unit.leaderboard.evalai.stage import Stage
from tests.unit.leaderboard.reconcile.stage import Scene
from tests.unit.leaderboard.store.ground import Ground, open_ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    yield from open_ground()


@pytest.fixture
def scene(ground: Ground, tmp_path: Path) -> Iterator[Scene]:
    with Stage(tmp_path / "evalai.sqlite") as stage:
        yield Scene(ground, stage)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=2, cap=True)
    yield
    stamina.set_testing(False)

"""The client, and the stand-in for EvalAI that it speaks to over a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stamina

from tests.unit.leaderboard.evalai.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "evalai.sqlite") as stage:
        yield stage


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=4, cap=True)
    yield
    stamina.set_testing(False)

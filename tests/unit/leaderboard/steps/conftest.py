from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stamina

from tests.unit.leaderboard.steps.world import InProcess, World
from tests.unit.leaderboard.store.ground import (
    BUCKET,
    LEADERBOARD,
    Clock,
    Ground,
    open_ground,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shared_ground() -> Iterator[Ground]:
    """Clients cost half a second to make, so one module's tests share them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        yield from open_ground()


@pytest.fixture
def ground(shared_ground: Ground) -> Iterator[Ground]:
    yield shared_ground
    for item in shared_ground.table.all():
        shared_ground.dynamodb.delete_item(
            TableName=LEADERBOARD,
            Key={
                "team-id": {"S": str(item.team)},
                "submission-id": {"S": str(item.submission)},
            },
        )
    listed = shared_ground.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    for found in listed:
        shared_ground.s3.delete_object(Bucket=BUCKET, Key=found["Key"])


@pytest.fixture
def evalai(tmp_path: Path) -> Iterator[InProcess]:
    with InProcess(tmp_path / "evalai.sqlite", Clock()) as stage:
        yield stage


@pytest.fixture
def world(ground: Ground, evalai: InProcess) -> World:
    return World(ground, evalai)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=2, cap=True)
    yield
    stamina.set_testing(False)

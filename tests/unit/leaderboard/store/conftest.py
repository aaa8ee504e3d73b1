from collections.abc import Iterator

import pytest

from tests.unit.leaderboard.store.ground import Ground, open_ground


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    yield from open_ground()

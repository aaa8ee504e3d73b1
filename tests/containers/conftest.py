"""The container engine, for all tests of this folder."""

from __future__ import annotations

import pytest

from tests.containers import engine as engines


@pytest.fixture(scope="session")
def engine() -> engines.Engine:
    """The engine of this machine, with the base image; without it every test is skipped."""
    try:
        return engines.find()
    except engines.Missing as missing:
        pytest.skip(str(missing))

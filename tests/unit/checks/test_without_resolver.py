"""Where dnspython is missing, nothing is asked and nothing fails."""

from __future__ import annotations

import importlib

import pytest

from glue.checks import resolver


def test_no_library_is_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert resolver.parent_resolver() is None

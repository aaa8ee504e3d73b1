from __future__ import annotations

from typing import Any

import pytest

from glue.deploy.checkout import Checkout, checkout


def test_git_is_asked_about_the_repository_and_no_other(
    ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as in a hook
    repository = ground.project.repository
    commit = checkout(repository).commit
    assert commit == checkout(repository).commit != None  # noqa: E711 - both at once
    (repository / "x").write_text("")
    assert checkout(repository) == Checkout(commit, True)
    monkeypatch.setenv("PATH", "")
    assert checkout(repository) == Checkout()

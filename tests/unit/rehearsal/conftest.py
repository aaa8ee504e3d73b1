"""A stage without a cloud: two accounts, and verbs that answer as they are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue.rehearsal.accounts import Account
from glue.rehearsal.evidence import Evidence
from glue.rehearsal.stage import Stage
from glue.rehearsal.verbs import Outcome, RehearsalError


class ScriptedVerbs:
    """Answers a verb by the words it is called with: the longest entry that they begin with."""

    def __init__(self, folder: Path) -> None:
        self.answers: dict[str, tuple[int, str, str]] = {}
        self.ran: list[str] = []
        self.typed: list[str] = []
        self.is_stopped = False
        self._folder = folder

    def answer(self, words: str, code: int = 0, out: Any = "", err: str = "") -> None:
        text = out if isinstance(out, str) else json.dumps(out)
        self.answers[words] = (code, text, err)

    def run(
        self, account: Account, *arguments: str, expected: tuple[int, ...] = (0,), typed: str = ""
    ) -> Outcome:
        words = " ".join(arguments)
        if typed:
            self.typed.append(typed)
        self.ran.append(f"{account.account_id} {words}")
        known = [key for key in self.answers if words.startswith(key)]
        code, out, err = self.answers[max(known, key=len)] if known else (expected[0], "", "")
        made = Outcome(account.environment, words, code, out, err, 0.1, self._folder / "log")
        if code not in expected:
            raise RehearsalError(words, f"ended with {code}", "read it", "log")
        return made

    def stop(self) -> None:
        self.is_stopped = True


class FakeCloud:
    """A cloud that only says that it runs."""

    endpoint = "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.is_up = False

    def up(self) -> None:
        self.is_up = True

    def down(self) -> None:
        self.is_up = False


@pytest.fixture
def account(tmp_path: Path) -> Callable[[str, str], Account]:
    def make(name: str, identifier: str) -> Account:
        return Account(
            name, identifier, "eu-central-1", "http://127.0.0.1:1", tmp_path / "build",
            tmp_path / "environments",
        )  # fmt: skip

    return make


@pytest.fixture
def verbs(tmp_path: Path) -> ScriptedVerbs:
    return ScriptedVerbs(tmp_path)


@pytest.fixture
def stage(tmp_path: Path, account: Callable[[str, str], Account], verbs: ScriptedVerbs) -> Stage:
    made: Any = Stage(
        FakeCloud(),  # type: ignore[arg-type]
        tmp_path,
        account("staging", "1" * 12),
        account("prod", "2" * 12),
        verbs,  # type: ignore[arg-type]
    )
    still = Evidence(3, 2, "abc", frozenset({"sqs one"}))
    made.settled = {"staging": still, "prod": still}
    typed: Stage = made
    return typed


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> Evidence:
    """Let every look at an environment give the evidence that it was left with."""
    evidence = stage.settled["prod"]
    monkeypatch.setattr("glue.rehearsal.steps.gather", lambda account: evidence)
    return evidence

"""Verbs are real processes: judged by their exit codes, ended with all that they started."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from glue.rehearsal import verbs as subject
from glue.rehearsal.accounts import Account
from glue.rehearsal.verbs import Outcome, RehearsalError, Verbs

# Seconds. So long nothing here takes on the busiest machine: beyond it something hangs.
PATIENCE = 60.0
# Stands in for the command line: ends with the code it is told.
PROGRAM = """
import os, pathlib, subprocess, sys, time
word = sys.argv[1]
print("account", os.environ["AWS_ACCESS_KEY_ID"])
if word == "sleep":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pathlib.Path(sys.argv[2]).write_text(str(child.pid))
    time.sleep(60)
if word == "read":
    print("typed", sys.stdin.read())
    word = "0"
if word == "usage":
    print("Usage: glue [OPTIONS]", file=sys.stderr)
    sys.exit(2)
if word != "0":
    print("error: it is wrong\\n" * 40, file=sys.stderr)
sys.exit(int(word))
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / "glue" / "cli"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / "__init__.py").touch()
    (folder / "main.py").write_text(PROGRAM)
    return tmp_path / "repository"


@pytest.fixture
def staging(account: Callable[[str, str], Account]) -> Account:
    return account("staging", "1" * 12)


def test_a_verb_runs_in_its_account_and_its_output_is_kept(
    repository: Path, staging: Account, tmp_path: Path
) -> None:
    heard: list[Outcome] = []
    runner = Verbs(repository, tmp_path / "logs", heard.append)
    outcome = runner.run(staging, "0", "--env", "staging")
    assert outcome.out == f"account {'1' * 12}\n"
    assert outcome.log.read_text() == outcome.out
    assert outcome.end() == outcome.out.strip()
    assert heard == [outcome]
    told = outcome.to_dict()
    assert (told["environment"], told["command"], told["code"]) == (
        "staging", "glue 0 --env staging", 0,
    )  # fmt: skip


def test_a_verb_reads_what_is_typed_and_nothing_else(
    repository: Path, staging: Account, tmp_path: Path
) -> None:
    runner = Verbs(repository, tmp_path / "logs")
    assert "typed a token" in runner.run(staging, "read", typed="a token").out
    assert runner.run(staging, "read").out.endswith("typed \n")
    # More than a pipe holds, to one that does not read.
    assert runner.run(staging, "0", typed="x" * 1_000_000).code == 0


def test_another_code_than_expected_is_an_error_with_the_end_of_the_output(
    repository: Path, staging: Account, tmp_path: Path
) -> None:
    runner = Verbs(repository, tmp_path / "logs")
    assert runner.run(staging, "2", expected=(0, 2)).code == 2
    with pytest.raises(RehearsalError, match="ended with 1, expected 0 or 2") as failed:
        runner.run(staging, "1", expected=(0, 2))
    assert failed.value.message.count("error: it is wrong") == subject.SHOWN_LINES
    assert failed.value.log is not None
    assert "it is wrong" in Path(failed.value.log).read_text()


def test_a_verb_that_is_called_wrongly_is_no_finding(
    repository: Path, staging: Account, tmp_path: Path
) -> None:
    with pytest.raises(RehearsalError, match="Usage"):
        Verbs(repository, tmp_path / "logs").run(staging, "usage", expected=(2,))


def until_written(file: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, "the verb never came so far"
        time.sleep(0.02)


def gone(file: Path) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not psutil.pid_exists(int(file.read_text())):
            return True
        time.sleep(0.05)
    return False


def test_stopping_ends_a_verb_and_all_that_it_started(
    repository: Path, staging: Account, tmp_path: Path
) -> None:
    runner, file = Verbs(repository, tmp_path / "logs"), tmp_path / "child"
    errors: list[RehearsalError] = []

    def run() -> None:
        try:
            runner.run(staging, "sleep", str(file))
        except RehearsalError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until_written(file)
    runner.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert len(errors) == 1
    assert gone(file)
    with pytest.raises(RehearsalError, match="was ended"):
        runner.run(staging, "0")


def test_a_verb_that_does_not_end_is_ended(
    repository: Path, staging: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "child"

    class Begun(subprocess.Popen[bytes]):
        """One whose time begins when it has started its child."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None:
                until_written(file)
            return super().wait(timeout)

    monkeypatch.setattr("subprocess.Popen", Begun)
    monkeypatch.setattr(subject, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(RehearsalError, match="did not end within"):
        Verbs(repository, tmp_path / "logs").run(staging, "sleep", str(file))
    assert gone(file)

"""What the startup probe sees of an uploader: that it runs and heeds signals, or not yet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from glue.uploader import readiness
from tests.unit.uploader.bucket import put_form
from tests.unit.uploader.test_program import PATIENCE, begin, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.uploader.bucket import Bucket


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


def test_ready_for_as_long_as_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    assert not readiness.is_ready(path), "there is no such file yet"
    held = readiness.declare(path)
    assert readiness.is_ready(path)
    assert readiness.is_ready(path), "asking changes nothing"
    held.close()
    assert path.exists()
    assert not readiness.is_ready(path), "a file that was left over says nothing"


def test_a_signal_as_soon_as_it_is_ready_loses_nothing(
    bucket: Bucket, tmp_path: Path, folder: Path
) -> None:
    put_form(tmp_path / "form.json", bucket.form())
    path = tmp_path / "ready"
    for turn in range(5):
        (folder / f"{turn}.json").write_text("{}")
        program = begin(tmp_path, folder, READY_FILE=str(path))
        until(lambda: readiness.is_ready(path))
        program.send_signal(signal.SIGTERM)
        said, _ = program.communicate(timeout=PATIENCE)
        assert program.returncode == 0, said
        assert any(key.endswith(f"{turn}.json") for key in bucket.objects)
        assert not readiness.is_ready(path)


def test_nothing_is_left_of_one_that_is_killed(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "ready"
    program = begin(tmp_path, folder, READY_FILE=str(path))
    until(lambda: readiness.is_ready(path))
    program.kill()
    program.communicate(timeout=PATIENCE)
    assert not readiness.is_ready(path)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, folder: Path) -> None:
    program = begin(tmp_path, folder, READY_FILE=str(tmp_path / "missing" / "ready"))
    said, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 2
    assert said.startswith("READY_FILE: ")
    assert "name a file in a folder that it may write" in said


class TestProgram:
    def ask(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "glue.uploader.readiness", *words],
            capture_output=True, text=True,
            env={**os.environ, **variables}, check=False,
        )  # fmt: skip

    def test_it_answers_by_its_exit_code(self, tmp_path: Path) -> None:
        path = tmp_path / "ready"
        asked = self.ask(READY_FILE=str(path))
        assert (asked.returncode, asked.stdout) == (1, "the uploader does not heed signals yet\n")
        with readiness.declare(path):
            asked = self.ask(READY_FILE=str(path))
            assert (asked.returncode, asked.stdout, asked.stderr) == (0, "", "")

    def test_it_waits_a_while(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "ready"
        monkeypatch.setenv("READY_FILE", str(path))
        monkeypatch.setattr(sys, "argv", ["readiness", "60"])
        held = []
        monkeypatch.setattr(time, "sleep", lambda _: held.append(readiness.declare(path)))
        assert readiness.main() == 0
        held.pop().close()
        assert held == [], "it looked again as soon as it was there"
        monkeypatch.setattr(sys, "argv", ["readiness", "0"])
        assert readiness.main() == 1
        assert capsys.readouterr().out == "the uploader does not heed signals yet\n"

    def test_it_refuses_nonsense(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.delenv("READY_FILE", raising=False)
        monkeypatch.setattr(sys, "argv", ["readiness", "soon"])
        assert readiness.main() == 2
        assert "'soon': usage: python -m glue.uploader.readiness" in capsys.readouterr().err
        monkeypatch.setattr(sys, "argv", ["readiness"])
        assert readiness.main() == 2
        assert "READY_FILE: write the path" in capsys.readouterr().err
        monkeypatch.setenv("READY_FILE", str(tmp_path / "file" / "ready"))
        (tmp_path / "file").touch()
        assert readiness.main() == 2
        assert "cannot be read" in capsys.readouterr().err

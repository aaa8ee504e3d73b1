"""The program as Kubernetes runs it: arguments, a signal, an exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glue.uploader.__main__ import main
from tests.unit.uploader.bucket import PREFIX, Bucket, put_form

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds. So long nothing here takes on the busiest machine: beyond it something hangs.
PATIENCE = 60.0
PROGRAM = [sys.executable, "-m", "glue.uploader"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "simulation_results.json").write_text("{}")
    return folder


def variables(tmp_path: Path, **others: str) -> dict[str, str]:
    return {**os.environ, "FORM_FILE": str(tmp_path / "form.json"), "PERIOD_SECONDS": "1", **others}


def until(probe: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def begin(tmp_path: Path, folder: Path, **others: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, f"worker-1/results={folder}"], env=variables(tmp_path, **others), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_it_sends_now_then_and_at_the_end(bucket: Bucket, tmp_path: Path, folder: Path) -> None:
    key = f"{PREFIX}worker-1/results/simulation_results.json"
    put_form(tmp_path / "form.json", bucket.form())
    program = begin(tmp_path, folder)
    until(lambda: bucket.objects.get(key) == b"{}")
    (folder / "simulation_results.json").write_text("[1]")
    until(lambda: bucket.objects.get(key) == b"[1]")
    (folder / "simulation_results.json").write_text("[1, 2]")
    program.send_signal(signal.SIGTERM)
    said, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, said
    assert bucket.objects[key] == b"[1, 2]"
    assert said.splitlines() == [
        "worker-1/results: 1 files, 6 bytes",
        "everything that may be sent was sent",
    ]


def test_it_says_what_it_could_not_send(tmp_path: Path, folder: Path) -> None:
    program = begin(tmp_path, folder, LAST_SECONDS="1")
    assert program.stdout is not None
    first = program.stdout.readline()
    program.send_signal(signal.SIGTERM)
    said, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert "form.json cannot be read" in first
    assert said.endswith("not everything was sent\n")


def test_it_refuses_nonsense(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["uploader"])
    assert main() == 2
    assert "usage: python -m glue.uploader KEY=FOLDER" in capsys.readouterr().err


def test_it_runs_until_the_signal(
    monkeypatch: pytest.MonkeyPatch, bucket: Bucket, tmp_path: Path, folder: Path
) -> None:
    put_form(tmp_path / "form.json", bucket.form())
    monkeypatch.setattr(sys, "argv", ["uploader", f"worker-1/results={folder}"])
    monkeypatch.setenv("FORM_FILE", str(tmp_path / "form.json"))
    bucket.before = lambda _: os.kill(os.getpid(), signal.SIGTERM)
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert main() == 0
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    assert len(bucket.objects) == 1


def test_it_needs_nothing_but_python(tmp_path: Path, folder: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import runpy; sys.argv[0] = 'x'\n"
        "runpy.run_module('glue.uploader', run_name='__main__')"
    )
    root = str(Path(__file__).parents[3])
    # -S and -I: no site-packages, nothing but the standard library and the checkout.
    asked = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, root, "nonsense"],
        capture_output=True, text=True, env=variables(tmp_path), check=False,
    )  # fmt: skip
    assert asked.returncode == 2, asked.stderr
    assert "usage" in asked.stderr

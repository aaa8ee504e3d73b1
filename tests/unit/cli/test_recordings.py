"""The commands as they are typed: exit codes, tables, JSON, and what errors look like."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from glue.cli import main as program
from glue.cli import output
from glue.cli.main import main, run
from glue.client.journal import Journal, default_path
from glue.client.watch import fingerprint
from glue.errors import InputError
from tests.unit.client.fake import Fake

METADATA = b"subject: mouse\n"
# Seconds. So long nothing here takes on the busiest machine: beyond it something hangs.
PATIENCE = 60.0
Say = pytest.CaptureFixture[str]


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def profile(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("URL", "API_KEY", "DEVICE", "SECRET", "DEBUG"):
        monkeypatch.delenv(f"PROVING_GROUND_{name}", raising=False)
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(fake.profile()))
    monkeypatch.setenv("PROVING_GROUND_PROFILE", str(path))
    monkeypatch.setenv("PROVING_GROUND_JOURNAL", str(tmp_path / "journal"))
    return path


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def folder(name: str, content: bytes = b"a" * 100) -> Path:
        made = tmp_path / "rig" / name
        made.mkdir(parents=True)
        (made / "a.bin").write_bytes(content)
        (made / "session.txt").write_bytes(METADATA)
        return made

    return folder


def said(capsys: Say, *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_from_a_folder_to_an_answer(
    make: Callable[..., Path], capsys: Say, tmp_path: Path, fake: Fake
) -> None:
    folders = [str(make(name)) for name in ("one", "two")]
    shipped = said(capsys, "recordings", "ship", *folders)["recordings"]
    assert [one["state"] for one in shipped] == ["shipped", "shipped"]
    assert set(shipped[0]) >= {
        "recording", "state", "bytes", "bytes_sent", "parts_sent", "seconds",
    }  # fmt: skip
    again = said(capsys, "recordings", "ship", *folders)["recordings"]
    assert [one["bytes_sent"] for one in again] == [0, 0]
    assert run(["recordings", "ship", *folders]) == 0
    assert "already there" in capsys.readouterr().out
    dataset = tmp_path / "dataset.json"
    found = said(
        capsys, "recordings", "find", "--where", "fatigue >= 3", "--limit", "1",
        "--save-dataset", str(dataset), "--kind", "raw",
    )  # fmt: skip
    assert [one["recording"] for one in found["recordings"]] == ["one"]
    assert found["next"] == "1"
    assert json.loads(dataset.read_text())["query"]["kind"] == "raw"
    both = said(capsys, "recordings", "find", "--all")
    assert [one["recording"] for one in both["recordings"]] == ["one", "two"]
    assert both["next"] is None
    assert run(["recordings", "find", "--limit", "1"]) == 0
    captured = capsys.readouterr()
    assert "one" in captured.out
    assert "--cursor 1" in captured.err
    assert run(["recordings", "find", "--cursor", "2"]) == 0
    assert "no recording answers" in capsys.readouterr().out
    shown = said(capsys, "recordings", "show", "one")
    assert shown["attributes"] == {"fatigue": 3}
    assert run(["recordings", "show", "one"]) == 0
    assert "a.bin" in capsys.readouterr().out
    to = tmp_path / "to"
    files = said(capsys, "recordings", "fetch", "--dataset", str(dataset), "--to", str(to))
    assert {one["state"] for one in files["files"]} == {"fetched"}
    assert (to / "one" / "a.bin").read_bytes() == b"a" * 100
    assert run(["recordings", "fetch", "one", "two", "--to", str(to), "--kind", "raw"]) == 0
    assert "6 verified" in capsys.readouterr().out


def test_what_needs_attention(make: Callable[..., Path], capsys: Say, fake: Fake) -> None:
    assert run(["recordings", "quarantined"]) == 0
    assert "nothing is quarantined" in capsys.readouterr().out
    fake.recordings["bad"] = {
        "recording": "bad", "state": "quarantined", "device": "rig", "reason": "odd metadata",
    }  # fmt: skip
    assert said(capsys, "recordings", "quarantined")["recordings"][0]["reason"] == "odd metadata"
    assert run(["recordings", "quarantined"]) == 0
    assert "odd metadata" in capsys.readouterr().out
    assert said(capsys, "recordings", "replay", "bad") == {"recording": "bad"}
    assert run(["recordings", "replay", "bad"]) == 0
    assert fake.replayed == ["bad", "bad"]


def test_a_digest_that_nobody_knows(
    make: Callable[..., Path], capsys: Say, fake: Fake, tmp_path: Path
) -> None:
    run(["recordings", "ship", str(make("one"))])
    real = fake.recording

    def recording(name: str) -> Any:
        found = real(name)
        return found | {"objects": [item | {"sha256": None} for item in found["objects"]]}

    fake.recording = recording  # type: ignore[method-assign]
    assert run(["recordings", "fetch", "one", "--to", str(tmp_path / "to"), "--kind", "raw"]) == 0
    assert "no SHA-256 of 3 files" in capsys.readouterr().err
    assert run(["recordings", "show", "one"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["ship", "{root}/no..name"],
        ["ship", "{root}/nowhere"],
        ["ship", "{root}", "--connections", "0"],
        ["ship", "{root}", "--part-size", "7"],
        ["ship", "{root}", "{root}", "--watch"],
        ["ship", "{root}/nowhere", "--watch"],
        ["ship", "{root}/nowhere", "--dry-run"],
        ["show", "a..b"],
        ["show", "nothing"],
        ["find", "--where", "a ~ b"],
        ["find", "--state", "lost"],
        ["fetch", "--to", "x"],
        ["fetch", "nothing", "--to", "x"],
        ["fetch", "--dataset", "nowhere", "--to", "x"],
        ["find", "--profile", "nowhere"],
    ],
)
def test_bad_input_is_two_lines_and_exit_code_1(
    make: Callable[..., Path], arguments: list[str], capsys: Say, tmp_path: Path
) -> None:
    make("no..name")
    root = str(tmp_path / "rig")
    assert run(["recordings", *(argument.format(root=root) for argument in arguments)]) == 1
    captured = capsys.readouterr()
    assert "error: " in captured.err
    assert "what to do: " in captured.err
    assert "Traceback" not in captured.err


def test_a_dry_run_needs_no_credentials(
    make: Callable[..., Path], capsys: Say, monkeypatch: pytest.MonkeyPatch, fake: Fake
) -> None:
    monkeypatch.setenv("PROVING_GROUND_PROFILE", "/nowhere")
    planned = said(capsys, "recordings", "ship", str(make("one")), "--dry-run")
    assert planned["recordings"][0]["state"] == "planned"
    assert not fake.requests


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "glue.cli.main", *arguments],
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_sigterm_ends_a_watch_with_0(make: Callable[..., Path], fake: Fake) -> None:
    folder = make("one")
    files = fingerprint(folder, fake.profile()["url"])
    with (
        process(
            "recordings", "ship", "--watch", str(folder.parent), "--quiet", "0.1", "--json"
        ) as watch,
        Journal(default_path()) as journal,
    ):
        deadline = time.monotonic() + PATIENCE
        # What the fake holds is not shipped yet: the watcher may still wait for the answer.
        while journal.settled(folder, files) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        watch.send_signal(signal.SIGTERM)
        out, err = watch.communicate(timeout=PATIENCE)
    assert watch.returncode == 0, err
    assert "stopped" in err
    assert json.loads(out)["recordings"][0]["recording"] == "one"


def test_ctrl_c_ends_a_transfer_with_130(make: Callable[..., Path], fake: Fake) -> None:
    folder = make("one", b"x" * 1_000_000)
    fake.fault("PUT", "500", times=10_000)
    # A shell that starts the tests in the background has them, and theirs, ignore the signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with process("recordings", "ship", str(folder)) as ship:
        deadline = time.monotonic() + PATIENCE
        while not fake.count("PUT"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        ship.send_signal(signal.SIGINT)
        _, err = ship.communicate(timeout=120)
    assert ship.returncode == 130, err
    assert "stopped" in err
    assert "Traceback" not in err
    fake.faults.clear()
    with process("recordings", "ship", str(folder)) as ship:
        ship.communicate(timeout=120)
    assert ship.returncode == 0


# --- the program ------------------------------------------------------------------------------


def test_help_imports_no_group() -> None:
    code = (
        "import sys; from glue.cli.main import run; run(['--help']); run(['recordings', '--help']);"
        "print([name for name in ('boto3', 'python_terraform', 'glue.deploy', 'glue.local') "
        "if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.rstrip().endswith("[]")
    for group in program.GROUPS:
        assert group in result.stdout


def test_a_missing_package_is_said(capsys: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("no", name="python_terraform")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert run(["local", "up"]) == 1
    assert "pip install 'glue[operators]'" in capsys.readouterr().err

    def broken(name: str) -> None:
        raise ModuleNotFoundError("no", name="glue.missing")

    monkeypatch.setattr(importlib, "import_module", broken)
    assert run(["local", "up"]) == 1
    assert "--debug" in capsys.readouterr().err


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def command(**_: object) -> None:
        raise error

    def get_command(_: typer.Typer) -> Any:
        return type("Command", (), {"main": staticmethod(command)})

    monkeypatch.setattr(typer.main, "get_command", get_command)


def test_unexpected_errors_are_one_line(capsys: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, RuntimeError("odd"))
    assert run(["recordings"]) == 1
    captured = capsys.readouterr().err
    assert "RuntimeError: odd" in captured
    assert "--debug" in captured
    with pytest.raises(RuntimeError):
        run(["--debug", "recordings"])
    failing(monkeypatch, InputError("a", "b", "c"))
    with pytest.raises(InputError):
        run(["recordings", "--debug"])
    failing(monkeypatch, KeyboardInterrupt())
    assert run([]) == 130
    failing(monkeypatch, SystemExit("words"))
    assert run([]) == 1
    failing(monkeypatch, SystemExit())
    assert run([]) == 0


def test_the_end_of_the_process(monkeypatch: pytest.MonkeyPatch, capsys: Say) -> None:
    ends: list[int] = []
    monkeypatch.setattr(sys, "argv", ["glue"])
    failing(monkeypatch, KeyboardInterrupt())
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    monkeypatch.setattr(os, "_exit", ends.append)
    with pytest.raises(SystemExit) as caught:
        main()
    assert (caught.value.code, ends) == (130, [130])
    assert "stopped" in capsys.readouterr().err
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    failing(monkeypatch, SystemExit(2))
    with pytest.raises(SystemExit) as caught:
        main()
    assert (caught.value.code, ends) == (2, [130])


def test_wrong_usage_is_2(capsys: Say) -> None:
    assert run(["recordings", "ship"]) == 2
    assert run(["recordings", "nothing"]) == 2


def test_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Say) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    output.print_table(("name", "value"), [("a[b]", None), ("c", 3)])
    assert "a[b]" in capsys.readouterr().out


def test_a_table_in_a_pipe_is_not_cut(capsys: Say) -> None:
    output.print_table(("name", "value"), [("x" * 300, 1)])
    assert capsys.readouterr().out.splitlines() == [
        "name" + " " * 296 + "  value", "x" * 300 + "  1",
    ]  # fmt: skip

"""The watcher, the journal, and how far things are."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from glue.client import journal as journals
from glue.client.journal import Journal, default_path
from glue.client.profile import Profile
from glue.client.progress import Bar, Lines, Silent, progress_for, show_bytes, show_seconds
from glue.client.session import Session
from glue.client.ship import Shipper, watch_folder
from glue.client.transfer import Options
from glue.client.watch import RETRY_EVERY, Watcher, fingerprint
from glue.errors import InputError
from tests.unit.client.conftest import METADATA, PATIENCE, Heard, bytes_of
from tests.unit.client.fake import Fake

MakeShipper = Callable[..., Shipper]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "rig"
    made.mkdir()
    return made


def recording(root: Path, name: str) -> Path:
    made = root / name
    made.mkdir()
    (made / "a.bin").write_bytes(b"a" * 100)
    (made / "session.txt").write_bytes(METADATA)
    return made


def test_a_folder_is_shipped_once_it_is_quiet(fake: Fake, shipper: MakeShipper, root: Path) -> None:
    clock = Clock()
    watcher = Watcher(root, shipper(), 60, clock)
    made = recording(root, "one")
    (root / "a-file.txt").write_bytes(b"x")
    (root / ".hidden").mkdir()
    watcher.look()
    clock.now += 59
    with (made / "a.bin").open("ab") as file:
        file.write(b"more")
    watcher.look()
    clock.now += 59
    watcher.look()
    assert not fake.objects
    clock.now += 2
    watcher.look()
    assert [one.state for one in watcher.shipped] == ["shipped"]
    clock.now += 1000
    watcher.look()
    assert len(watcher.shipped) == 1
    again = Watcher(root, shipper(), 0, clock)  # as after a restart
    again.look()
    assert not again.shipped


def test_what_fails_for_good_waits_for_a_change(
    fake: Fake, shipper: MakeShipper, root: Path
) -> None:
    clock = Clock()
    watcher = Watcher(root, shipper(), 0, clock)
    made = recording(root, "one")
    (made / "session.txt").unlink()
    watcher.look()
    clock.now += 10_000
    watcher.look()
    assert [one.state for one in watcher.shipped] == ["failed"]
    (made / "session.txt").write_bytes(METADATA)
    watcher.look()
    assert [one.state for one in watcher.shipped] == ["failed", "shipped"]


def test_what_fails_for_a_while_is_tried_again(
    fake: Fake, shipper: MakeShipper, root: Path
) -> None:
    clock = Clock()
    watcher = Watcher(root, shipper(), 0, clock)
    recording(root, "one")
    fake.devices["rig"] = "changed"
    watcher.look()
    watcher.look()
    assert [one.state for one in watcher.shipped] == ["failed"]
    fake.devices["rig"] = "secret"
    clock.now += RETRY_EVERY + 1
    watcher.look()
    assert [one.state for one in watcher.shipped] == ["failed", "shipped"]


def test_until_nothing_waits_and_until_it_is_stopped(
    fake: Fake, shipper: MakeShipper, root: Path
) -> None:
    recording(root, "one")
    recording(root, "two")
    watcher = Watcher(root, shipper(), 0.1)
    assert len(watcher.run(threading.Event(), forever=False)) == 2
    stop = threading.Event()
    stop.set()
    assert Watcher(root, shipper()).run(stop) == []


def test_folders_that_come_and_go(
    shipper: MakeShipper, root: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher(root, shipper(), 0)
    recording(root, "one")

    def gone(*_: object) -> str:
        raise FileNotFoundError

    with monkeypatch.context() as patch:
        patch.setattr("glue.client.watch.fingerprint", gone)
        watcher.look()
    root.rename(root.with_name("away"))
    watcher.look()
    assert "cannot be read" in heard.text
    assert not watcher.shipped


def test_what_cannot_be_watched(shipper: MakeShipper, root: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        Watcher(root / "nowhere", shipper())
    with pytest.raises(InputError, match="quiet"):
        Watcher(root, shipper(), -1)


def test_another_platform_is_another_matter(root: Path) -> None:
    assert fingerprint(root, "a") != fingerprint(root, "b")


def test_sigterm_ends_the_watch(fake: Fake, root: Path, heard: Heard) -> None:
    recording(root, "one")
    before = signal.getsignal(signal.SIGTERM)

    def end() -> None:
        deadline = time.monotonic() + PATIENCE
        while not fake.objects.get("one/session.txt") and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=end)
    thread.start()
    with Session(Profile(**fake.profile()), patience=None) as session:
        results = watch_folder(root, session, Options(), 0.05, heard)
    thread.join()
    assert [one.state for one in results] in (["shipped"], [])
    assert "stopped" in heard.text
    assert signal.getsignal(signal.SIGTERM) is before


# --- killed -----------------------------------------------------------------------------------


def test_killed_at_random_moments_no_finished_part_is_sent_again(
    fake: Fake, root: Path, profile_file: Path, home: Path
) -> None:
    made = recording(root, "killed")
    (made / "a.bin").write_bytes(bytes_of(60 * 1024 * 1024))
    command = [
        sys.executable, "-m", "glue.cli.main", "recordings", "ship", str(made),
        "--part-size", "8", "--connections", "2", "--json",
    ]  # fmt: skip
    environment = dict(os.environ) | {"PROVING_GROUND_PROFILE": str(profile_file)}
    fake.fault("PUT", "slow", times=12)
    source = random.Random(3)
    for _ in range(3):
        before = sum(fake.accepted.values())
        with subprocess.Popen(command, env=environment, stdout=-3, stderr=-3) as process:
            deadline = time.monotonic() + PATIENCE
            while sum(fake.accepted.values()) == before and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(source.uniform(0, 0.2))
            process.kill()
        fake.wait_quiet(PATIENCE)  # what was on its way has arrived
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["recordings"][0]["parts_sent"] < 8 + 2
    assert fake.objects["killed/a.bin"].content == (made / "a.bin").read_bytes()
    assert all(count == 1 for count in fake.accepted.values()), fake.accepted


# --- the journal ------------------------------------------------------------------------------


def test_where_the_journal_lies(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_path() == home / "journal.sqlite"
    monkeypatch.delenv("PROVING_GROUND_JOURNAL")
    assert default_path() == home / "state" / "proving-ground" / "journal.sqlite"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_path() == home / ".local" / "state" / "proving-ground" / "journal.sqlite"


def test_a_broken_journal_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b"this is no database at all, " * 100)
    with Journal(path) as journal:
        journal.settle(tmp_path, "x", "shipped")
        assert journal.settled(tmp_path, "x") == "shipped"
        assert journal.settled(tmp_path, "y") is None
    assert (tmp_path / "j.broken").read_bytes().startswith(b"this is no")


def test_a_journal_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="PROVING_GROUND_JOURNAL"):
        Journal(tmp_path / "file" / "j")

    def locked(_: Path) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(journals, "_connect", locked)
    with pytest.raises(InputError, match="locked"):
        Journal(tmp_path / "j")


# --- progress ---------------------------------------------------------------------------------


def test_numbers_for_people() -> None:
    assert [show_bytes(n) for n in (0, 999, 1500, 6e8, 3e12)] == [
        "0 B", "999 B", "1.5 kB", "600.0 MB", "3.0 TB",
    ]  # fmt: skip
    assert [show_seconds(n) for n in (3.2, 125, 3700)] == ["3 s", "2 min 05 s", "1 h 01 min"]


def test_plain_lines() -> None:
    out, clock = io.StringIO(), Clock()
    lines = Lines(out, clock)
    lines.begin("one", 1000)
    lines.hashed(10)
    clock.now += 6
    lines.hashed(10)
    clock.now += 6
    lines.moved(600)
    lines.moved(10)
    lines.end("shipped")
    assert out.getvalue().splitlines() == [
        "one: 1.0 kB",
        "one: 20 B of 1.0 kB read",
        "one: 600 B of 1.0 kB, 50 B/s, 8 s left",
        "one: shipped (12 s)",
    ]


def test_a_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    bar = progress_for(out)
    assert isinstance(bar, Bar)
    bar.end("nothing was begun")
    bar.begin("one", 100)
    bar.hashed(1)
    bar.moved(50)
    bar.moved(50)
    bar.say("a remark")
    bar.end("shipped")
    assert "a remark" in out.getvalue()
    assert "one: shipped" in out.getvalue()


def test_which_progress_suits() -> None:
    assert isinstance(progress_for(io.StringIO()), Lines)
    silent = progress_for(quiet=True)
    assert isinstance(silent, Silent)
    silent.begin("x", 1)
    silent.hashed(1)
    silent.moved(1)
    silent.say("x")
    silent.end("x")

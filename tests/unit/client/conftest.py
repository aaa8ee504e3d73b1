"""A server, credentials, and waits that are too short to notice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glue.client import retries
from glue.client.journal import Journal
from glue.client.profile import Profile
from glue.client.progress import Silent
from glue.client.session import Session
from glue.client.ship import Shipper
from glue.client.transfer import Options
from glue.client.transport import Transport
from tests.unit.client.fake import Fake

if TYPE_CHECKING:
    from collections.abc import Iterator

Make = Callable[..., Path]
MakeShipper = Callable[..., Shipper]
MEBIBYTE = 1024 * 1024
METADATA = b"subject: mouse\nsubject_fatigue: 3\n"
# Seconds. So long nothing here takes on the busiest machine: beyond it something hangs.
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads this user's profile or journal."""
    made = tmp_path / "home"
    made.mkdir()
    for name in ("URL", "API_KEY", "DEVICE", "SECRET", "PROFILE", "DEBUG"):
        monkeypatch.delenv(f"PROVING_GROUND_{name}", raising=False)
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(made / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(made / "state"))
    monkeypatch.setenv("PROVING_GROUND_JOURNAL", str(made / "journal.sqlite"))
    monkeypatch.setenv("PROVING_GROUND_LOCAL_HOME", str(made / "local"))
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(retries, "JITTER", 0.01)
    monkeypatch.setattr(retries, "LONGEST_WAIT", 0.05)
    return made


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()
    yield made
    made.close()


@pytest.fixture
def session(fake: Fake) -> Iterator[Session]:
    with Session(Profile(**fake.profile()), patience=PATIENCE, timeout=PATIENCE) as made:
        yield made


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport(timeout=PATIENCE) as made:
        yield made


class Heard(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.total = 0
        self.gone = 0
        self.read = 0

    def begin(self, what: str, total: int) -> None:
        self.total += total

    def moved(self, count: int) -> None:
        self.gone += count

    def hashed(self, count: int) -> None:
        self.read += count

    def say(self, line: str) -> None:
        self.lines.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def journal(home: Path) -> Iterator[Journal]:
    with Journal(home / "journal.sqlite") as made:
        yield made


@pytest.fixture
def shipper(
    session: Session, transport: Transport, journal: Journal, heard: Heard
) -> Callable[..., Shipper]:
    def make(**options: object) -> Shipper:
        return Shipper(session, transport, journal, heard, Options(**options))  # type: ignore[arg-type]

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a recording's folder."""

    def make(name: str = "20210229_161221", **files: bytes) -> Path:
        made = tmp_path / "recordings" / name
        made.mkdir(parents=True)
        contents = files or {"a.bin": b"a" * 1000}
        for file, content in ({"session.txt": METADATA} | contents).items():
            (made / file.replace("__", ".")).write_bytes(content)
        return made

    return make


@pytest.fixture
def profile_file(fake: Fake, home: Path) -> Path:
    path = home / "profile.json"
    path.write_text(json.dumps(fake.profile()))
    return path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def bytes_of(size: int, seed: int = 1) -> bytes:
    import random

    return random.Random(seed).randbytes(size)


def arrived(fake: Fake, folder: Path) -> None:
    """Every file is there with its bytes, and no part was taken twice."""
    for file in folder.iterdir():
        if file.name != "manifest.json":
            stored = fake.objects[f"{folder.name}/{file.name}"]
            assert stored.content == file.read_bytes(), file.name
            assert stored.sha256 == digest(file.read_bytes())
    assert all(count == 1 for count in fake.accepted.values()), fake.accepted

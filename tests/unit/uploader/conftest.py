from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glue.uploader.settings import Limits, Settings
from glue.uploader.stopping import Stop
from glue.uploader.uploader import Uploader
from tests.unit.uploader.bucket import Bucket, put_form, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS, AGENT = "worker-1/results", "worker-1/agent"


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    bucket = Bucket()
    server = serve(bucket)
    yield bucket
    server.shutdown()
    server.server_close()


def open_files() -> int:
    """Count this process's open files and folders; connections come and go by themselves."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += str(link.readlink()).startswith("/")
    return count


@dataclass
class Desk:
    """An uploader of two folders whose clock stands still unless somebody waits."""

    bucket: Bucket
    settings: Settings
    uploader: Uploader
    now: list[float]

    @property
    def form_file(self) -> Path:
        return self.settings.form_file

    def folder(self, key: str) -> Path:
        return dict(self.settings.folders)[key]

    def put(self, key: str, name: str, content: bytes = b"content") -> Path:
        """Write a file that has not been touched for a while."""
        path = self.folder(key) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def look(self) -> bool:
        """Make one pass."""
        return self.uploader._pass(lambda: False, lambda _: None)

    def end(self) -> int:
        """Be told to end; return the exit code."""
        self.uploader.stop.set()
        return self.uploader.run()

    def limit(self, **limits: int) -> None:
        for folder in self.uploader.folders:
            folder.limits = replace(folder.limits, **limits)


@pytest.fixture
def desk(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    # Files of a test are written and sent within the same moment.
    monkeypatch.setattr("glue.uploader.passes.TICK_NANOSECONDS", -(10**12))
    for key in (RESULTS, AGENT):
        (tmp_path / key).mkdir(parents=True)
    settings = Settings(
        ((AGENT, tmp_path / AGENT), (RESULTS, tmp_path / RESULTS)),
        tmp_path / "form.json", 30, 60, Limits(),
    )  # fmt: skip
    put_form(settings.form_file, bucket.form())
    stop, now = Stop(), [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    before = open_files()
    yield Desk(bucket, settings, Uploader(settings, stop, clock=lambda: now[0], sleep=sleep), now)
    stop.close()
    assert open_files() <= before, "files were left open"

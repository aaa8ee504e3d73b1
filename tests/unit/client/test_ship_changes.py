"""Files that do not hold still while they are shipped, and manifests of one's own."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from glue.client import transfer, upload
from glue.client.hashing import hash_file
from glue.client.journal import Journal
from glue.client.scan import LocalFile
from tests.unit.client.conftest import (
    MEBIBYTE,
    Heard,
    Make,
    MakeShipper,
    bytes_of,
    digest,
)
from tests.unit.client.fake import Fake


def test_a_file_that_grows_while_it_is_hashed(
    fake: Fake, shipper: MakeShipper, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(a__bin=bytes_of(3 * MEBIBYTE))

    def hashing(local: LocalFile, part_size: int, stop: Any, moved: Any) -> Any:
        def more(_: int) -> None:
            with (made / "a.bin").open("ab") as file:
                file.write(b"more")

        return hash_file(local, part_size, stop, more)

    monkeypatch.setattr(transfer, "hash_file", hashing)
    result = shipper().ship(made)
    assert result.state == "failed"
    assert "a.bin: the file changed" in str(result.reason)
    assert result.temporary
    assert not fake.objects


@pytest.mark.parametrize("change", ["grow", "shrink", "replace", "unlink"])
def test_a_file_that_changes_between_hashing_and_sending(
    fake: Fake, shipper: MakeShipper, folder: Make, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(a__bin=bytes_of(20 * MEBIBYTE), b__bin=bytes_of(9 * MEBIBYTE))
    file = made / "a.bin"

    def hashing(local: LocalFile, *more: Any) -> Any:
        entry = hash_file(local, *more)
        if local.name == "a.bin":
            if change == "grow":
                with file.open("ab") as opened:
                    opened.write(b"more")
            elif change == "shrink":
                os.truncate(file, 5)
            elif change == "unlink":
                file.unlink()
            else:
                (made / ".new").write_bytes(file.read_bytes())
                (made / ".new").replace(file)
        return entry

    monkeypatch.setattr(transfer, "hash_file", hashing)
    result = shipper(part_size=8 * MEBIBYTE).ship(made)
    assert result.state == "failed"
    assert "a.bin: the file changed" in str(result.reason)
    assert f"{made.name}/session.txt" not in fake.objects
    assert f"{made.name}/a.bin" not in fake.objects


def test_a_file_that_shrinks_while_it_is_sent(
    fake: Fake, shipper: MakeShipper, folder: Make
) -> None:
    made = folder(a__bin=bytes_of(40 * MEBIBYTE))
    real = upload.FileSource.part

    def part(self: upload.FileSource, start: int, length: int) -> Any:
        body = real(self, start, length)
        if start:
            os.truncate(made / "a.bin", start)
        return body

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upload.FileSource, "part", part)
        result = shipper(part_size=8 * MEBIBYTE, connections=1).ship(made)
    assert "the file changed" in str(result.reason)
    assert not fake.objects


def test_a_file_written_to_without_a_trace(
    fake: Fake, shipper: MakeShipper, folder: Make, journal: Journal
) -> None:
    made = folder(a__bin=b"a" * 1000)
    facts = (made / "a.bin").stat()
    local = LocalFile("a.bin", made / "a.bin", 1000, facts.st_mtime_ns, facts.st_ino)
    entry = hash_file(local, 16 * MEBIBYTE, threading.Event())
    journal.keep_digests(made, local, entry)
    with (made / "a.bin").open("r+b") as file:
        file.write(b"b")
    os.utime(made / "a.bin", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    result = shipper().ship(made)
    assert "the file changed" in str(result.reason)
    assert journal.digests(made, local, 16 * MEBIBYTE) is None
    assert shipper().ship(made).state == "shipped"


# --- manifests of one's own -----------------------------------------------------------------


def own_manifest(folder: Path, **change: Any) -> None:
    files = []
    for file in sorted(folder.iterdir()):
        sha = digest(file.read_bytes())
        one = {
            "name": file.name, "size": file.stat().st_size, "sha256": sha,
            "part_size": 8 * MEBIBYTE, "parts": [sha],
        }  # fmt: skip
        files.append(one | change if file.name == "a.bin" else one)
    document = {"schema": 1, "recording": folder.name, "metadata": "session.txt", "files": files}
    (folder / "manifest.json").write_text(json.dumps(document))


def test_a_manifest_that_fits_is_replaced_by_ours(
    fake: Fake, shipper: MakeShipper, folder: Make
) -> None:
    made = folder()
    own_manifest(made)
    assert shipper().ship(made).state == "shipped"
    stored = json.loads(fake.objects[f"{made.name}/manifest.json"].content)
    assert stored["files"][0]["part_size"] == 16 * MEBIBYTE


def test_a_manifest_with_a_wrong_sum(
    fake: Fake, shipper: MakeShipper, folder: Make, heard: Heard
) -> None:
    made = folder()
    wrong = digest(b"x")
    own_manifest(made, sha256=wrong, parts=[wrong])
    assert "a.bin: its SHA-256" in str(shipper().ship(made).reason)
    assert not fake.objects
    # As it is, for the platform to judge: nothing raw is ever lost.
    assert shipper(check=False).ship(made).state == "shipped"
    stored = fake.objects[f"{made.name}/manifest.json"].content
    assert stored == (made / "manifest.json").read_bytes()


def test_broken_metadata_is_shipped_when_told_so(
    fake: Fake, shipper: MakeShipper, folder: Make, heard: Heard
) -> None:
    made = folder()
    (made / "session.txt").write_bytes(b"fatigue: NaN\n")
    (made / ".hidden").write_bytes(b"x")
    assert "fatigue" in str(shipper().ship(made).reason)
    assert shipper(check=False).ship(made).state == "shipped"
    assert "shipped unchecked" in heard.text
    assert ".hidden is left out" in heard.text

"""From a folder to a plan: whatever could not be kept is refused, with name and remedy."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.client import hashing
from glue.client import scan as scanning
from glue.client.hashing import hash_content, hash_file, hash_part
from glue.client.retries import StoppedError
from glue.client.scan import LocalFile, scan
from glue.errors import InputError
from tests.unit.client.conftest import METADATA, bytes_of, digest

Make = Callable[..., Path]


def refused(folder: Path, *words: str, **options: object) -> None:
    with pytest.raises(InputError) as caught:
        scan(folder, **options)  # type: ignore[arg-type]
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value), (word, str(caught.value))


def test_a_plan(folder: Make) -> None:
    made = folder(b__bin=b"b", a__bin=b"aa")
    (made / ".DS_Store").write_bytes(b"x")
    plan = scan(made)
    assert plan.recording == "20210229_161221"
    assert [file.name for file in plan.files] == ["a.bin", "b.bin", "session.txt"]
    assert plan.metadata.name == "session.txt"
    assert plan.ignored == (".DS_Store",)
    assert plan.size == 3 + len(METADATA)


@pytest.mark.parametrize("name", ["a b", "Aufnahme_ü", "a..b", "-a", "a" * 200])
def test_illegal_names_of_recordings(folder: Make, name: str) -> None:
    refused(folder(name), "recording")


@pytest.mark.parametrize("name", ["a b.bin", "ü.bin", "a..bin", "x" * 200])
def test_illegal_names_of_files(folder: Make, name: str) -> None:
    refused(folder(**{name: b""}), "file name")


def test_folders_that_are_none(folder: Make, tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "no such folder")
    refused(folder() / "a.bin", "not a folder")
    refused(Path("a\0b"), "cannot be read")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(empty, "empty")


def test_a_folder_that_may_not_be_read(folder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    made = folder()
    monkeypatch.setattr(os, "scandir", scandir)
    refused(made, "cannot be read")


def test_a_file_that_may_not_be_read(folder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folder()
    real = Path.open

    def opening(self: Path, *more: object) -> object:
        if self.name == "a.bin":
            raise PermissionError(13, "Permission denied")
        return real(self, *more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", opening)
    refused(made, "a.bin", "Permission denied")


def test_what_is_no_file(folder: Make, tmp_path: Path) -> None:
    made = folder()
    (made / "inner").mkdir()
    refused(made, "inner", "folder")
    (made / "inner").rmdir()
    os.mkfifo(made / "pipe")
    refused(made, "pipe", "not a regular file")
    (made / "pipe").unlink()
    (tmp_path / "secret").write_bytes(b"x")
    (made / "link").symlink_to(tmp_path / "secret")
    refused(made, "link", "outside")
    (made / "link").unlink()
    (made / "link").symlink_to("nothing")
    refused(made, "link", "leads nowhere")
    (made / "link").unlink()
    (made / "link").symlink_to("a.bin")
    assert [file.name for file in scan(made).data] == ["a.bin", "link"]


def test_too_many_files_and_too_large_ones(folder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folder()
    monkeypatch.setattr(scanning, "MOST_FILES", 1)
    refused(made, "2 files")
    monkeypatch.undo()
    monkeypatch.setattr(scanning, "LARGEST_FILE", 999)
    refused(made, "a.bin", "999")


def test_which_file_is_the_metadata(folder: Make) -> None:
    bare = folder("bare")
    (bare / "session.txt").unlink()
    refused(bare, "metadata", "--metadata")
    two = folder("two", other__json=b'{"subject": "mouse"}')
    refused(two, "other.json", "session.txt", "--metadata")
    assert scan(two, "other.json").metadata.name == "other.json"
    refused(two, "'gone.txt' is not in the folder", metadata="gone.txt")


@pytest.mark.parametrize("content", [b"\x00\x01", b"fatigue: NaN", b"x: 1\nx: 2", b"", b"words"])
def test_broken_metadata(folder: Make, content: bytes) -> None:
    made = folder(session__txt=content, a__bin=b"a")
    refused(made, "session.txt")
    assert "session.txt" in scan(made, check=False).warnings[0]


def test_metadata_that_is_too_long(folder: Make) -> None:
    refused(folder(session__txt=b"x: " + b"y" * 2_000_000, a__bin=b"a"), "session.txt", "2000003")


@pytest.mark.parametrize("fault", ["size", "missing", "extra", "name", "junk"])
def test_a_manifest_that_differs(folder: Make, fault: str) -> None:
    made = folder()
    files = [
        {
            "name": name, "size": len(content), "sha256": digest(content),
            "part_size": 8 * 1024 * 1024, "parts": [digest(content)],
        }
        for name, content in (("a.bin", b"a" * 1000), ("session.txt", METADATA))
    ]  # fmt: skip
    if fault == "size":
        files[0]["size"] = 999
    elif fault == "missing":
        files.append({**files[0], "name": "gone.bin"})
    elif fault == "extra":
        files = files[1:]
    document = {"schema": 1, "recording": made.name, "metadata": "session.txt", "files": files}
    if fault == "name":
        document["recording"] = "other"
    content = json.dumps(document) if fault != "junk" else "junk"
    (made / "manifest.json").write_text(content)
    refused(made, {"missing": "gone.bin", "name": "other", "junk": "JSON"}.get(fault, "a.bin"))
    if fault in ("size", "missing", "extra"):
        assert scan(made, check=False).warnings


def local(path: Path) -> LocalFile:
    facts = path.stat()
    return LocalFile(path.name, path, facts.st_size, facts.st_mtime_ns, facts.st_ino)


@given(size=st.integers(0, 3000), part_size=st.integers(1, 700))
def test_digests_by_file_and_in_memory_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, size: int, part_size: int
) -> None:
    content = bytes_of(size, part_size)
    path = tmp_path_factory.mktemp("hash") / "a.bin"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "BLOCK", 100)
        entry = hash_file(local(path), part_size, threading.Event())
        with path.open("rb") as file:
            for number, part in enumerate(entry.parts):
                start = number * part_size
                assert hash_part(file, start, min(part_size, size - start)) == part
    assert entry == hash_content("a.bin", content, part_size)
    assert entry.sha256 == digest(content)


@pytest.mark.parametrize("part_size", [100, 10_000])
def test_hashing_can_be_stopped(folder: Make, part_size: int) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        hash_file(local(folder() / "a.bin"), part_size, stop)


@pytest.mark.parametrize("part_size", [100, 10_000])
def test_a_file_that_shrinks_while_it_is_hashed(
    folder: Make, part_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder() / "a.bin"
    monkeypatch.setattr(hashing, "BLOCK", 50)
    with pytest.raises(InputError, match="changed"):
        hash_file(local(path), part_size, threading.Event(), lambda _: os.truncate(path, 10))


def test_a_file_that_is_another_one_when_it_is_hashed(folder: Make) -> None:
    path = folder() / "a.bin"
    before = local(path)
    path.write_bytes(b"other")
    with pytest.raises(InputError, match="changed"):
        hash_file(before, 100, threading.Event())
    path.unlink()
    with pytest.raises(InputError, match="changed"):
        hash_file(before, 100, threading.Event())


def test_a_file_whose_name_is_taken_while_it_is_hashed(folder: Make) -> None:
    path = folder() / "a.bin"

    def replace(_: int) -> None:
        path.rename(path.with_name("old"))
        path.write_bytes(b"a" * 1000)

    with pytest.raises(InputError, match="changed"):
        hash_file(local(path), 10_000, threading.Event(), replace)

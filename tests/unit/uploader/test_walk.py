"""A hostile folder: nothing in it is followed, blocks, or makes the look end."""

from __future__ import annotations

import os
import socket
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from glue.uploader import walk as walking
from glue.uploader.walk import Refused, walk

if TYPE_CHECKING:
    from pathlib import Path

MANY = 1000


def found(folder: Path, most: int = MANY) -> dict[str, str]:
    """What a look finds: the path of each entry and why it is left out."""
    return {entry.path: entry.refusal for entry in walk(str(folder), most)}


def test_files_are_found_at_every_depth(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    for path in ("one", "a/two", "a/b/three ü", "a/.hidden"):
        (tmp_path / path).write_text(path)
    assert found(tmp_path) == {"one": "", "a/two": "", "a/b/three ü": "", "a/.hidden": ""}
    for entry in walk(str(tmp_path), MANY):
        file, signature = entry.open()
        content = os.read(file, 99)
        os.close(file)
        assert content == entry.path.encode()
        assert signature == entry.signature
        assert signature.size == len(content)


def test_what_is_no_plain_file_is_left_out(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(secret)
    (folder / "folder-link").symlink_to("/etc")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    os.link(secret, folder / "hard")
    os.mkfifo(folder / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "socket"))
    server.close()
    assert found(folder) == {
        "link": walking.SYMBOLIC_LINK,
        "folder-link": walking.SYMBOLIC_LINK,
        "dangling": walking.SYMBOLIC_LINK,
        "loop": walking.SYMBOLIC_LINK,
        "hard": walking.HARD_LINK,
        "pipe": walking.NO_FILE,
        "socket": walking.NO_FILE,
    }


def test_another_file_system_is_not_entered(tmp_path: Path) -> None:
    status = tmp_path.stat()
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match=walking.MOUNT):
        walking.look((tmp_path / "file").stat(), status.st_dev + 1)
    (tmp_path / "folder").mkdir()
    directory = os.open(tmp_path, os.O_RDONLY)
    entries = list(walking._Walk(status.st_dev + 1, MANY).below(directory, "", 0))
    os.close(directory)
    assert {entry.path: entry.refusal for entry in entries} == {
        "file": walking.MOUNT,
        "folder": walking.MOUNT,
    }


@pytest.mark.parametrize(
    "name",
    [b"new\nline", b"\x1b[2J", b"tab\t", b"\xff\xfe", b"a${filename}", "\u202eturned".encode(),
     "line\u2028".encode(), b"carriage\r\n\r\n"],
)  # fmt: skip
def test_names_that_could_mislead_are_left_out(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "good").write_text("")
    (tmp_path / os.fsdecode(name)).write_bytes(b"content")
    reasons = Counter(found(tmp_path).values())
    assert reasons == {"": 1, walking.NAME: 1}


def test_a_tree_may_be_deep_but_not_endless(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 30, dir_fd=place)
        below = os.open("d" * 30, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    (tmp_path / "file").write_text("")
    reasons = Counter(found(tmp_path).values())
    assert reasons == {"": 1, walking.DEEP: 1}
    at_the_limit = "/".join(["x"] * walking.DEEPEST)
    (tmp_path / at_the_limit).mkdir(parents=True)
    (tmp_path / at_the_limit / "last").write_text("")
    assert found(tmp_path)[f"{at_the_limit}/last"] == ""


def test_only_so_many_entries_are_looked_at(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number % 10}" / f"{number}").mkdir(parents=True)
    reasons = found(tmp_path, 50)
    assert set(reasons.values()) == {walking.TOO_MANY_ENTRIES}
    assert all("//" not in path for path in reasons)
    (tmp_path / "flat").mkdir()
    for number in range(500):
        (tmp_path / "flat" / f"{number}").touch()
    counted = Counter(found(tmp_path / "flat", 100).values())
    assert counted == {"": 100, walking.TOO_MANY_ENTRIES: 1}
    assert set(found(tmp_path / "flat", 500).values()) == {""}


def test_a_flood_in_a_folder_hides_no_file_above_it(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"folder{number % 7}" / f"{number}").mkdir(parents=True)
    for number in range(20):
        (tmp_path / f"file{number}").touch()
    paths = [entry.path for entry in walk(str(tmp_path), 50)]
    assert sorted(paths[:20]) == sorted(f"file{number}" for number in range(20))


def test_memory_does_not_grow_with_the_names(tmp_path: Path) -> None:
    for number in range(5000):
        (tmp_path / f"{'n' * 200}{number}").touch()
    tracemalloc.start()
    count = sum(1 for _ in walk(str(tmp_path), 10_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 5000
    assert peak < 500_000  # the names alone are a million bytes


def test_a_folder_swapped_for_a_link_leads_nowhere(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    elsewhere.mkdir()
    (elsewhere / "secret").write_text("secret")
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "secret").write_text("harmless")
    for entry in walk(str(folder), MANY):
        (folder / "sub").rename(tmp_path / "moved")
        (folder / "sub").symlink_to(elsewhere)
        file, _ = entry.open()
        assert os.read(file, 99) == b"harmless"
        os.close(file)
    assert found(folder) == {"sub": walking.SYMBOLIC_LINK}


def test_a_file_swapped_after_the_look_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    secret = tmp_path / "secret"
    secret.write_text("secret")
    path = folder / "file"

    def as_link() -> None:
        path.symlink_to(secret)

    swaps = [
        (as_link, walking.UNREADABLE),
        (lambda: os.mkfifo(path), walking.NO_FILE),
        (lambda: os.link(secret, path), walking.HARD_LINK),
        (path.mkdir, walking.NO_FILE),
        (lambda: None, walking.UNREADABLE),
    ]
    for swap, refusal in swaps:
        path.write_text("harmless")
        for entry in walk(str(folder), MANY):
            path.unlink()
            swap()
            with pytest.raises(Refused) as refused:
                entry.open()
            assert str(refused.value) == refusal
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


def test_what_vanishes_or_cannot_be_read_does_not_end_the_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gone", "locked", "file"):
        (tmp_path / name).write_text("")
    (tmp_path / "closed").mkdir()
    real_stat, real_scandir = os.stat, os.scandir

    def stat(name: str, **options: object) -> os.stat_result:
        if name == "gone":
            raise FileNotFoundError
        if name == "locked":
            raise PermissionError
        return real_stat(name, **options)  # type: ignore[arg-type]

    shut = real_stat(tmp_path / "closed").st_ino

    def scandir(directory: int) -> object:
        if os.fstat(directory).st_ino == shut:
            raise PermissionError
        return real_scandir(directory)

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "scandir", scandir)
    reasons = {entry.path: entry.refusal for entry in walk(str(tmp_path), MANY)}
    unreadable = walking.UNREADABLE
    assert reasons == {"locked": unreadable, "file": "", "closed/": unreadable}


def test_the_folder_itself_must_be_there_and_no_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("link", "missing"):
        with pytest.raises(OSError, match=name):
            list(walk(str(tmp_path / name), MANY))

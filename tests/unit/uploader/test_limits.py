"""Budgets, and what is said about what they leave out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.unit.uploader.bucket import PREFIX, put_form
from tests.unit.uploader.conftest import AGENT, RESULTS

if TYPE_CHECKING:
    import pytest

    from tests.unit.uploader.conftest import Desk


def test_a_flood_of_files_uses_up_its_own_budget_only(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.limit(files=10)
    for number in range(45):
        desk.put(AGENT, f"{number}")
    for number in range(10):
        desk.put(RESULTS, f"{number}")
    assert desk.end() == 0
    folders = [key.split("/")[1] for key in desk.bucket.keys]
    assert folders == ["results"] * 10 + ["agent"] * 10
    said = capsys.readouterr().out.splitlines()
    assert sum("left out '" in line for line in said) == 20  # named, and no more
    assert f"{AGENT}: 10 files, 70 bytes; left out: 35 more than 10 files" in said


def test_the_budget_counts_what_was_sent_and_is_gone(desk: Desk) -> None:
    desk.limit(files=3)
    for number in range(6):
        path = desk.put(AGENT, f"{number}")
        assert desk.look()
        path.unlink()
    assert len(desk.bucket.objects) == 3
    desk.put(AGENT, "0", b"changed")  # what is there already may be renewed
    desk.now[0] += 1000
    assert desk.look()
    assert desk.bucket.objects[f"{PREFIX}{AGENT}/0"] == b"changed"


def test_bytes_in_all_and_of_one_file(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.limit(bytes=100, largest_bytes=80)
    desk.put(AGENT, "a", b"x" * 80)
    assert desk.look()
    desk.put(AGENT, "b", b"x" * 21)
    desk.put(AGENT, "c", b"x" * 81)
    desk.put(RESULTS, "a", b"x" * 80)
    assert desk.end() == 0
    assert sorted(desk.bucket.keys) == [f"{AGENT}/a", f"{RESULTS}/a"]
    said = capsys.readouterr().out
    assert "left out 'b': more than 100 bytes in all" in said
    assert "left out 'c': larger than 80 bytes" in said
    desk.put(AGENT, "a", b"x" * 10)  # makes room
    desk.now[0] += 1000
    assert desk.look()
    assert desk.end() == 0
    assert sorted(desk.bucket.keys)[:3] == [f"{AGENT}/a", f"{AGENT}/a", f"{AGENT}/b"]


def test_a_sparse_giant_is_not_read(desk: Desk) -> None:
    path = desk.put(AGENT, "giant", b"")
    os.truncate(path, 2**40)
    desk.put(AGENT, "small")
    assert desk.end() == 0
    assert desk.bucket.keys == [f"{AGENT}/small"]


def test_the_forms_own_limit_holds(desk: Desk) -> None:
    put_form(desk.form_file, desk.bucket.form(largest_bytes=10))
    desk.put(AGENT, "a", b"x" * 11)
    assert desk.end() == 0
    assert desk.bucket.calls == 0


def test_what_s3_finds_too_large_is_not_sent_again_until_it_changes(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    put_form(desk.form_file, desk.bucket.form(largest_bytes=None))
    desk.bucket.largest = 10
    path = desk.put(AGENT, "a", b"x" * 11)
    assert desk.look()
    assert desk.look()
    assert desk.bucket.calls == 1
    assert "left out 'a': S3 refuses it: answer 400 EntityTooLarge" in capsys.readouterr().out
    path.write_bytes(b"x")
    assert desk.end() == 0
    assert desk.bucket.keys == [f"{AGENT}/a"]


def test_a_name_that_is_too_long_for_s3(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.put(AGENT, "/".join(["x" * 200] * 5) + "/file")
    desk.put(AGENT, "file")
    assert desk.end() == 0
    assert desk.bucket.keys == [f"{AGENT}/file"]
    said = capsys.readouterr().out
    assert "its name is too long for S3" in said
    assert max(map(len, said.splitlines())) < 300


def test_nobody_can_write_lines_into_the_log(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.put(AGENT, "x\neverything that may be sent was sent \x1b[2J ü\u202e")
    assert desk.look()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isascii()
    assert line.isprintable()


def test_refusals_are_remembered_within_limits(desk: Desk) -> None:
    desk.limit(files=3)
    put_form(desk.form_file, desk.bucket.form(largest_bytes=None))
    desk.bucket.largest = 1
    for number in range(10):
        desk.put(AGENT, f"{number}")
    assert desk.look()
    (folder,) = [folder for folder in desk.uploader.folders if folder.key == AGENT]
    assert len(folder._refused) == 3

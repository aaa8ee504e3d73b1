"""What is sent, when, in which order, and how the end comes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from glue.uploader.passes import ATTEMPTS
from glue.uploader.walk import Entry, Signature
from tests.unit.uploader.bucket import PREFIX, put_form
from tests.unit.uploader.conftest import AGENT, RESULTS

if TYPE_CHECKING:
    from tests.unit.uploader.conftest import Desk


def test_new_and_changed_files_are_sent_and_others_are_not(desk: Desk) -> None:
    desk.put(RESULTS, "simulation_results.json", b"{}")
    desk.put(AGENT, "logs/agent ü.log", b"--\r\n--not a boundary--\r\n")
    assert desk.look()
    assert desk.bucket.objects == {
        f"{PREFIX}{RESULTS}/simulation_results.json": b"{}",
        f"{PREFIX}{AGENT}/logs/agent ü.log": b"--\r\n--not a boundary--\r\n",
    }
    assert set(desk.bucket.fields[0]) == {"key", "policy", "x-amz-signature"}
    assert desk.look()
    assert desk.bucket.calls == 2
    desk.put(RESULTS, "simulation_results.json", b'{"more": 1}')
    assert desk.look()
    assert desk.bucket.objects[f"{PREFIX}{RESULTS}/simulation_results.json"] == b'{"more": 1}'
    assert desk.bucket.calls == 3


def test_results_go_first_and_again_in_the_middle_of_a_flood(desk: Desk) -> None:
    results = desk.put(RESULTS, "simulation_results.json", b"1")
    for number in range(6):
        desk.put(AGENT, f"{number}")

    def before(key: str) -> None:
        desk.now[0] += 10  # each file takes ten seconds, and the period is thirty
        if "/agent/" in key:
            results.write_bytes(results.read_bytes() + b"1")

    desk.bucket.before = before
    assert desk.look()
    names = [key.split("/")[1] for key in desk.bucket.keys]
    assert names == ["results", *["agent"] * 3, "results", *["agent"] * 3]
    assert desk.bucket.objects[f"{PREFIX}{RESULTS}/simulation_results.json"] == b"1" * 4
    assert desk.end() == 0
    assert desk.bucket.objects[f"{PREFIX}{RESULTS}/simulation_results.json"] == b"1" * 7


def test_a_file_that_never_rests_is_sent_less_and_less(desk: Desk) -> None:
    desk.put(AGENT, "log", b"0")
    desk.put(RESULTS, "log", b"0")
    for second in range(0, 3600, 30):
        desk.put(AGENT, "log", b"%d" % second)
        desk.put(RESULTS, "log", b"%d" % second)
        desk.now[0] += 30
        desk.look()
    times = [key.split("/")[1] for key in desk.bucket.keys]
    assert times.count("results") == 120
    assert 8 <= times.count("agent") <= 12
    assert desk.end() == 0
    assert desk.bucket.objects[f"{PREFIX}{AGENT}/log"] == b"3570"


def test_a_file_that_changes_while_it_is_sent_is_sent_again(desk: Desk) -> None:
    path = desk.put(RESULTS, "simulation_results.json", b"1111")

    def before(key: str) -> None:
        path.write_bytes(b"2222")  # the second time there is nothing new in it
        desk.bucket.before = lambda key: None

    desk.bucket.before = before
    desk.look()
    assert desk.look()
    assert desk.bucket.objects[f"{PREFIX}{RESULTS}/simulation_results.json"] == b"2222"
    assert desk.bucket.calls == 2


def test_a_change_within_a_tick_of_the_clock_is_not_missed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glue.uploader.passes.TICK_NANOSECONDS", 10**12)
    desk.put(RESULTS, "file")
    assert desk.look()
    assert desk.look()
    assert desk.bucket.calls == 2  # it was too fresh to be sure of
    assert desk.end() == 0


def test_only_what_a_growing_file_had_at_first_is_sent(desk: Desk) -> None:
    path = desk.put(AGENT, "log", b"a" * 200_000)
    size = path.stat().st_size
    poster = desk.uploader.poster
    real = os.read

    def read(file: int, count: int) -> bytes:
        with path.open("ab") as more:
            more.write(b"b" * 100_000)
        return real(file, count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glue.uploader.post.os.read", read)
        assert desk.look()
    assert poster is desk.uploader.poster
    assert desk.bucket.objects[f"{PREFIX}{AGENT}/log"] == b"a" * size


def test_a_file_that_shrinks_while_it_is_read_neither_blocks_nor_misleads(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    path = desk.put(AGENT, "log", b"a" * 200_000)
    desk.put(AGENT, "other")
    real = os.read

    def read(file: int, count: int) -> bytes:
        if os.fstat(file).st_ino == path.stat().st_ino:
            os.truncate(path, 10)
        found = real(file, count)
        if os.fstat(file).st_ino == path.stat().st_ino:
            os.truncate(path, 200_000)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glue.uploader.post.os.read", read)
        assert desk.look()
        assert desk.end() == 0
    assert list(desk.bucket.objects) == [f"{PREFIX}{AGENT}/other"]
    assert "1 the file became shorter while it was read" in capsys.readouterr().out


def test_the_form_is_read_before_each_pass(desk: Desk) -> None:
    desk.put(RESULTS, "one")
    assert desk.look()
    desk.bucket.good = {"second"}
    desk.put(RESULTS, "two")
    assert not desk.look()
    put_form(desk.form_file, desk.bucket.form("second"))
    assert desk.look()
    assert desk.bucket.keys == [f"{RESULTS}/one", f"{RESULTS}/two"]


@pytest.mark.parametrize("answer", [(403, "AccessDenied"), (400, "ExpiredToken"), (400, "Odd")])
def test_an_old_form_costs_few_requests(desk: Desk, answer: tuple[int, str]) -> None:
    desk.put(RESULTS, "results")
    for number in range(50):
        desk.put(AGENT, f"{number}")
    desk.bucket.moods = [answer] * 99
    assert not desk.look()
    assert desk.bucket.calls == 4  # one for the results, and three until the folder is given up
    desk.bucket.moods = []
    assert desk.look()
    assert len(desk.bucket.objects) == 51


def test_a_single_refusal_does_not_stop_the_others(desk: Desk) -> None:
    for number in range(5):
        desk.put(AGENT, f"{number}")
    desk.bucket.moods = [(204, ""), (403, "AccessDenied"), (403, "AccessDenied"), (204, ""),
                         (403, "AccessDenied")]  # fmt: skip
    assert not desk.look()
    assert len(desk.bucket.objects) == 2
    assert desk.end() == 0
    assert len(desk.bucket.objects) == 5


def test_the_end_waits_for_a_form_that_is_renewed(desk: Desk) -> None:
    desk.put(RESULTS, "results")
    put_form(desk.form_file, "{}")
    slept = desk.uploader.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        if desk.now[0] > 1020:
            put_form(desk.form_file, desk.bucket.form())

    desk.uploader.sleep = sleep
    assert desk.end() == 0
    assert len(desk.bucket.objects) == 1


def test_the_end_comes_without_a_form_too(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.put(RESULTS, "results")
    desk.form_file.unlink()
    assert desk.end() == 1
    assert 1050 < desk.now[0] <= 1060
    said = capsys.readouterr().out
    assert said.count("cannot be read") == 1
    assert "not everything was sent" in said


@pytest.mark.parametrize("mood", [(500, "InternalError"), (503, "SlowDown"), (429, ""), (0, ""),
                                  (400, "RequestTimeout"), (307, "TemporaryRedirect")])  # fmt: skip
def test_what_is_nobodys_fault_is_tried_again(desk: Desk, mood: tuple[int, str]) -> None:
    desk.put(RESULTS, "results")
    desk.bucket.moods = [mood] * (ATTEMPTS - 1)
    assert desk.look()
    desk.put(RESULTS, "more")
    desk.bucket.moods = [mood] * 99
    assert not desk.look()
    desk.bucket.moods = [mood] * ATTEMPTS
    assert desk.end() == 0
    assert len(desk.bucket.objects) == 2


def test_a_server_that_is_away_is_not_asked_for_every_file(desk: Desk) -> None:
    for number in range(50):
        desk.put(AGENT, f"{number}")
    desk.bucket.moods = [(500, "")] * 999
    assert not desk.look()
    assert desk.bucket.calls == ATTEMPTS
    put_form(desk.form_file, desk.bucket.form(address="http://127.0.0.1:1/bucket"))
    assert not desk.look()
    assert desk.bucket.calls == ATTEMPTS
    assert desk.end() == 1


def test_the_signal_cuts_a_flood_short_and_results_go_first(desk: Desk) -> None:
    results = desk.put(RESULTS, "results", b"1")
    for number in range(20):
        desk.put(AGENT, f"{number}", b"x" * 100_000)

    def before(key: str) -> None:
        if len(desk.bucket.keys) == 3:
            results.write_bytes(b"22")
            desk.uploader.stop.set()

    desk.bucket.before = before
    assert desk.uploader.run() == 0
    assert desk.bucket.keys.index(f"{RESULTS}/results", 1) <= 5
    assert len(desk.bucket.objects) == 21


def test_a_large_file_gives_way_to_the_end(desk: Desk) -> None:
    desk.put(AGENT, "large", b"x" * 5_000_000)
    real = os.read

    def read(file: int, count: int) -> bytes:
        desk.uploader.stop.set()
        return real(file, count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glue.uploader.post.os.read", read)
        assert desk.uploader.run() == 0
    assert desk.bucket.keys == [f"{AGENT}/large"]
    assert desk.bucket.calls == 2  # the first broke off


def test_the_last_pass_ends_when_its_time_is_up(desk: Desk) -> None:
    desk.put(RESULTS, "results")
    for number in range(20):
        desk.put(AGENT, f"{number}")

    def before(key: str) -> None:
        desk.now[0] += 10

    desk.bucket.before = before
    assert desk.end() == 1
    assert desk.bucket.keys[0] == f"{RESULTS}/results"
    assert len(desk.bucket.keys) == 6


def test_a_folder_that_went_away_is_no_success(desk: Desk) -> None:
    desk.put(RESULTS, "results")
    desk.folder(AGENT).rmdir()
    assert desk.end() == 1
    assert len(desk.bucket.objects) == 1


def test_what_changes_between_the_look_and_the_opening(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = desk.put(AGENT, "file", b"x" * 10)
    desk.limit(largest_bytes=100)
    real = Entry.open

    def grown(entry: Entry) -> tuple[int, Signature]:
        path.write_bytes(b"x" * 1000)
        return real(entry)

    def swapped(entry: Entry) -> tuple[int, Signature]:
        path.unlink()
        path.symlink_to("/etc/passwd")
        return real(entry)

    for changed, reason in ((grown, "larger than 100 bytes"), (swapped, "cannot be read")):
        path.write_bytes(b"x" * 10)
        monkeypatch.setattr(Entry, "open", changed)
        assert desk.look()
        (folder,) = [folder for folder in desk.uploader.folders if folder.key == AGENT]
        assert folder.left_out == {reason: 1}
    assert desk.bucket.calls == 0


def test_a_second_name_made_while_a_file_is_sent(desk: Desk) -> None:
    path = desk.put(AGENT, "file")
    desk.bucket.before = lambda key: os.link(path, desk.folder(AGENT).parent / "second")
    assert desk.look()
    desk.bucket.before = lambda key: None
    assert desk.look()
    (folder,) = [folder for folder in desk.uploader.folders if folder.key == AGENT]
    assert folder.left_out == {"a hard link": 1}
    assert desk.bucket.calls == 1


def test_the_signal_cuts_the_wait_for_another_attempt_short(desk: Desk) -> None:
    desk.put(RESULTS, "results")
    desk.bucket.moods = [(500, "")]
    desk.bucket.heard = desk.uploader.stop.set
    assert desk.uploader.run() == 0
    assert desk.bucket.calls == 2
    assert desk.now[0] == 1000  # the last pass began at once

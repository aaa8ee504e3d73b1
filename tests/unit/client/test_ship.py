"""Shipping: everything arrives once, whatever goes wrong on the way."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue.client import ship as shipping
from glue.client import transfer, upload
from glue.client.hashing import hash_file
from glue.client.journal import Journal
from glue.client.profile import Profile
from glue.client.scan import LocalFile
from glue.client.session import Session
from glue.client.ship import Shipper, plan_folders, ship_folders
from glue.client.transfer import Options
from glue.client.transport import Transport
from glue.errors import InputError
from tests.unit.client.conftest import PATIENCE, Heard, bytes_of, digest
from tests.unit.client.fake import Fake

MEBIBYTE = 1024 * 1024
Make = Callable[..., Path]
MakeShipper = Callable[..., Shipper]


def arrived(fake: Fake, folder: Path) -> None:
    """Every file is there with its bytes, and no part was taken twice."""
    for file in folder.iterdir():
        if file.name != "manifest.json":
            stored = fake.objects[f"{folder.name}/{file.name}"]
            assert stored.content == file.read_bytes(), file.name
            assert stored.sha256 == digest(file.read_bytes())
    assert all(count == 1 for count in fake.accepted.values()), fake.accepted


def test_data_then_manifest_then_metadata(
    fake: Fake, shipper: MakeShipper, folder: Make, heard: Heard
) -> None:
    made = folder(a__bin=bytes_of(20 * MEBIBYTE), b__bin=b"b" * 10, empty__bin=b"")
    result = shipper(part_size=8 * MEBIBYTE).ship(made)
    assert result.state == "shipped"
    assert result.bytes == 20 * MEBIBYTE + 10 + len((made / "session.txt").read_bytes())
    assert result.parts_sent == 3 + 1 + 1 + 1 + 1
    assert fake.order[-2:] == ["manifest.json", "session.txt"]
    arrived(fake, made)
    manifest = json.loads(fake.objects[f"{made.name}/manifest.json"].content)
    assert manifest["schema"] == 1
    assert manifest["recording"] == made.name
    assert manifest["metadata"] == "session.txt"
    assert [one["name"] for one in manifest["files"]] == [
        "a.bin", "b.bin", "empty.bin", "session.txt",
    ]  # fmt: skip
    assert len(manifest["files"][0]["parts"]) == 3
    manifest_size = len(fake.objects[f"{made.name}/manifest.json"].content)
    assert result.bytes_sent == result.bytes + manifest_size
    assert heard.gone == result.bytes_sent
    assert fake.recordings[made.name]["state"] == "processed"


def test_shipping_twice_sends_nothing(fake: Fake, shipper: MakeShipper, folder: Make) -> None:
    made = folder()
    assert shipper().ship(made).state == "shipped"
    before = len(fake.accepted)
    again = shipper().ship(made)
    assert (again.state, again.bytes_sent, again.parts_sent) == ("already there", 0, 0)
    assert len(fake.accepted) == before


def test_an_incomplete_recording_that_is_all_there(
    fake: Fake, shipper: MakeShipper, folder: Make
) -> None:
    made = folder()
    shipper().ship(made)
    fake.recordings[made.name] |= {"state": "quarantined", "reason": "metadata: odd"}
    again = shipper().ship(made)
    assert (again.state, again.reason) == ("already there", "metadata: odd")
    fake.fault("GET /v1/recordings/", 404)
    assert shipper().ship(made).state == "already there"


def test_a_complete_recording_whose_details_are_not_to_be_had(
    fake: Fake, shipper: MakeShipper, folder: Make
) -> None:
    made = folder()
    shipper().ship(made)
    fake.fault("GET /v1/recordings/", 404)
    assert shipper().ship(made).state == "already there"
    real = fake.recording
    fake.recording = lambda name: real(name) | {"state": "incomplete"}  # type: ignore[method-assign]
    assert shipper().ship(made).state == "already there"


@pytest.mark.parametrize("change", ["other", "more", "less"])
def test_a_complete_recording_is_never_changed(
    fake: Fake, shipper: MakeShipper, folder: Make, change: str, heard: Heard
) -> None:
    made = folder(a__bin=b"a", b__bin=b"b")
    shipper().ship(made)
    if change == "other":
        (made / "b.bin").write_bytes(b"c")
    elif change == "more":
        (made / "b.bin2").write_bytes(b"c")
    else:
        (made / "b.bin").unlink()
    result = shipper().ship(made)
    assert result.state == "failed"
    assert result.reason is not None
    assert "b.bin" in result.reason
    assert "complete already" in heard.text
    assert fake.failures[0]["recording"] == made.name


def test_other_content_under_a_stored_name(fake: Fake, shipper: MakeShipper, folder: Make) -> None:
    made = folder()
    fake.recordings[made.name] = {
        "recording": made.name, "state": "incomplete", "device": "rig",
    }  # fmt: skip
    fake.store(f"{made.name}/a.bin", b"other", digest(b"other"), 5)
    result = shipper().ship(made)
    assert result.state == "failed"
    assert "other content" in str(result.reason)


def test_another_devices_recording(fake: Fake, shipper: MakeShipper, folder: Make) -> None:
    made = folder()
    fake.recordings[made.name] = {"recording": made.name, "state": "incomplete", "device": "x"}
    assert "another device" in str(shipper().ship(made).reason)
    assert not fake.objects


@pytest.mark.parametrize(
    ("where", "kind", "more"),
    [
        ("POST .*/files$", "500", {}),
        ("POST .*/files$", "drop", {}),
        ("POST .*/token", "503", {}),
        ("POST .*/recordings$", "cut", {}),
        ("POST .*/complete", "502", {}),
        ("PUT /s3/.*a.bin", "503", {"code": "SlowDown"}),
        ("PUT /s3/.*a.bin", "400", {"code": "RequestTimeout"}),
        ("PUT /s3/.*a.bin", "drop", {}),
        ("PUT /s3/.*a.bin", "cut", {}),
        ("PUT /s3/.*a.bin", "slow", {}),
        ("PUT /s3/.*a.bin", "early", {}),
        ("PUT /s3/.*a.bin", "damage", {}),
        ("PUT /s3/.*a.bin", "404", {"code": "NoSuchUpload"}),
        ("PUT /s3/.*session", "lost", {}),
        ("PUT /s3/.*session", "409", {"code": "ConditionalRequestConflict"}),
        ("PUT /s3/.*manifest", "early", {}),
    ],
)
def test_faults_that_pass(
    fake: Fake, shipper: MakeShipper, folder: Make, where: str, kind: str, more: dict[str, Any]
) -> None:
    made = folder(a__bin=bytes_of(9 * MEBIBYTE))
    fault = fake.fault(where, kind, times=4, **more)
    result = shipper(part_size=8 * MEBIBYTE).ship(made)
    assert result.state == "shipped", result
    assert fault.hits > 0
    arrived(fake, made)


def test_a_part_whose_answer_is_lost_is_not_sent_again(
    fake: Fake, session: Session, transport: Transport, journal: Journal, folder: Make, heard: Heard
) -> None:
    made = folder(a__bin=bytes_of(30 * MEBIBYTE))
    fake.fault("PUT /s3/.*a.bin", "lost", times=3)
    options = Options(part_size=8 * MEBIBYTE, connections=2)
    result = Shipper(session, transport, journal, heard, options).ship(made)
    assert result.state == "shipped"
    arrived(fake, made)
    assert heard.gone == heard.total + len(fake.objects[f"{made.name}/manifest.json"].content)


def test_retry_after_is_obeyed(fake: Fake, shipper: MakeShipper, folder: Make) -> None:
    fake.fault("POST .*/recordings$", 429, retry_after="0.4")
    began = time.monotonic()
    assert shipper().ship(folder()).state == "shipped"
    assert time.monotonic() - began >= 0.4


def test_addresses_that_expire_are_asked_for_again(
    fake: Fake, shipper: MakeShipper, folder: Make
) -> None:
    made = folder(a__bin=bytes_of(17 * MEBIBYTE))
    fake.url_lifetime = -1.0

    def later() -> None:
        deadline = time.monotonic() + PATIENCE
        while fake.count("PUT /s3") < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
        fake.url_lifetime = 900

    thread = threading.Thread(target=later)
    thread.start()
    result = shipper(part_size=8 * MEBIBYTE).ship(made)
    thread.join()
    assert result.state == "shipped"
    arrived(fake, made)


@pytest.mark.parametrize(("good_for", "asked"), [(60.0, 1), (-1.0, 2)])
def test_the_last_files_are_asked_for_ahead(
    fake: Fake,
    shipper: MakeShipper,
    folder: Make,
    good_for: float,
    asked: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfer, "AHEAD_SECONDS", good_for)
    questions: list[str] = []
    real = upload.Uploader._ask

    def ask(self: upload.Uploader, entry: Any) -> Any:
        questions.append(entry.name)
        return real(self, entry)

    monkeypatch.setattr(upload.Uploader, "_ask", ask)
    made = folder(a__bin=b"a" * 10, b__bin=b"b" * 20)
    assert shipper().ship(made).state == "shipped"
    assert questions.count("manifest.json") == asked
    assert questions.count("session.txt") == asked
    assert questions.count("a.bin") == 1
    assert fake.order[-2:] == ["manifest.json", "session.txt"]
    arrived(fake, made)


def test_a_refused_question_ahead_is_asked_again(
    fake: Fake, shipper: MakeShipper, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = upload.Uploader._ask
    refused: list[str] = []

    def ask(self: upload.Uploader, entry: Any) -> Any:
        if entry.name == "manifest.json" and not refused:
            refused.append(entry.name)
            raise InputError("recording", "not now", "later")
        return real(self, entry)

    monkeypatch.setattr(upload.Uploader, "_ask", ask)
    made = folder()
    assert shipper().ship(made).state == "shipped"
    assert refused
    arrived(fake, made)


def test_the_smallest_file_is_read_first(
    fake: Fake, shipper: MakeShipper, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def hashing(local: LocalFile, *more: Any) -> Any:
        read.append(local.name)
        return hash_file(local, *more)

    monkeypatch.setattr(transfer, "hash_file", hashing)
    made = folder(a__bin=b"a" * 3000, b__bin=b"b" * 2000, c__bin=b"c" * 1000)
    assert shipper().ship(made).state == "shipped"
    assert read == ["c.bin", "b.bin", "a.bin", "session.txt"]
    manifest = json.loads(fake.objects[f"{made.name}/manifest.json"].content)
    assert [one["name"] for one in manifest["files"]] == ["a.bin", "b.bin", "c.bin", "session.txt"]


def test_more_parts_than_one_call_has_addresses_for(
    fake: Fake, shipper: MakeShipper, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.client.fake.MOST_URLS", 2)
    made = folder(a__bin=bytes_of(36 * MEBIBYTE))
    assert shipper(part_size=8 * MEBIBYTE).ship(made).parts_sent == 5 + 2
    assert fake.count("POST .*/files$") == 3 + 2
    arrived(fake, made)


def test_an_upload_that_lost_parts_before_it_was_completed(
    fake: Fake, shipper: MakeShipper, folder: Make
) -> None:
    made = folder(a__bin=bytes_of(9 * MEBIBYTE))
    real = fake.complete

    def complete(recording: str, body: Any) -> Any:
        fake.complete = real  # type: ignore[method-assign]
        del fake.uploads[f"{recording}/{body['name']}"].parts[1]
        return real(recording, body)

    fake.complete = complete  # type: ignore[method-assign]
    assert shipper(part_size=8 * MEBIBYTE).ship(made).state == "shipped"


def test_parts_that_vanish_for_ever(
    fake: Fake, shipper: MakeShipper, folder: Make, heard: Heard
) -> None:
    made = folder(a__bin=bytes_of(9 * MEBIBYTE))
    real = fake.put

    def put(path: str, query: dict[str, str], headers: Any, body: Any) -> None:
        real(path, query, headers, body)
        for one in fake.uploads.values():
            one.parts.clear()

    fake.put = put  # type: ignore[method-assign]
    real_file = fake.file

    def file(recording: str, body: Any) -> Any:
        answer = real_file(recording, body)
        return answer | {"urls": answer.get("urls", ())[:1]}

    fake.file = file  # type: ignore[method-assign]
    result = shipper(part_size=8 * MEBIBYTE).ship(made)
    assert result.state == "failed"
    assert result.temporary
    assert "again and again" in str(result.reason)


def test_s3_refuses_for_good(fake: Fake, shipper: MakeShipper, folder: Make) -> None:
    fake.fault("PUT /s3/.*a.bin", 400, times=99, code="EntityTooLarge")
    result = shipper().ship(folder())
    assert result.state == "failed"
    assert "EntityTooLarge" in str(result.reason)
    assert not result.temporary


def test_patience_ends(
    fake: Fake, transport: Transport, journal: Journal, folder: Make, heard: Heard, home: Path
) -> None:
    made = folder()
    fake.fault("PUT /s3", 503, times=10_000)
    with Session(Profile(**fake.profile()), patience=0.3) as session:
        result = Shipper(session, transport, journal, heard, Options()).ship(made)
    assert result.state == "failed"
    assert result.temporary
    assert "it resumes" in heard.text
    assert not fake.failures
    line = json.loads((home / "failures.jsonl").read_text())
    assert line["recording"] == made.name
    assert line["folder"] == str(made)


def test_the_platform_cannot_be_told_of_a_failure(
    fake: Fake, shipper: MakeShipper, folder: Make, heard: Heard
) -> None:
    fake.fault("POST .*/failures", 400)
    assert shipper().ship(folder("no..name")).state == "failed"
    assert "could not be told" in heard.text


def test_a_system_error_becomes_a_readable_one(
    fake: Fake, shipper: MakeShipper, folder: Make, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scan(*_: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(shipping, "scan", scan)
    result = shipper().ship(folder())
    assert result.temporary
    assert "error: /somewhere: No space left on device" in heard.text


# --- files that do not hold still -----------------------------------------------------------


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


# --- resuming -------------------------------------------------------------------------------


def test_hashing_is_not_repeated(
    fake: Fake, shipper: MakeShipper, folder: Make, heard: Heard
) -> None:
    made = folder(a__bin=bytes_of(9 * MEBIBYTE))
    fault = fake.fault("PUT /s3/.*session", 400, code="Odd")
    assert shipper().ship(made).state == "failed"
    read = heard.read
    assert read >= 9 * MEBIBYTE
    assert fault.hits == 1
    assert shipper().ship(made).state == "shipped"
    assert heard.read == read
    arrived(fake, made)


def test_two_shippers_on_one_folder(shipper: MakeShipper, folder: Make, journal: Journal) -> None:
    made = folder()
    with journal.hold(made):
        result = shipper().ship(made)
    assert result.state == "failed"
    assert result.temporary
    assert f"process {os.getpid()}" in str(result.reason)
    assert shipper().ship(made).state == "shipped"


def test_several_folders_and_one_is_bad(
    session: Session, folder: Make, heard: Heard, fake: Fake
) -> None:
    folders = [folder("one"), folder("t..wo"), folder("three")]
    results = ship_folders(folders, session, Options(), heard)
    assert [one.state for one in results] == ["shipped", "failed", "shipped"]
    assert results[0].to_dict()["recording"] == "one"
    assert len(fake.failures) == 1


def test_a_plan_sends_nothing(folder: Make, heard: Heard, fake: Fake) -> None:
    results = plan_folders([folder("one"), folder("t..wo")], Options(), heard)
    assert [(one.state, one.bytes) for one in results] == [("planned", 1034), ("failed", 0)]
    assert "what to do" in heard.text
    assert not fake.requests


@pytest.mark.parametrize(
    "options",
    [{"connections": 0}, {"connections": 65}, {"part_size": 1}, {"part_size": 8 * MEBIBYTE + 1}],
)
def test_options_out_of_range(options: dict[str, int]) -> None:
    with pytest.raises(InputError):
        Options(**options)  # type: ignore[arg-type]


def test_ctrl_c_ends_the_threads(
    fake: Fake, shipper: MakeShipper, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(a__bin=bytes_of(9 * MEBIBYTE))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer, "wait", interrupted)
    fake.fault("PUT", "slow", times=50)
    with pytest.raises(KeyboardInterrupt):
        shipper(part_size=8 * MEBIBYTE).ship(made)
    monkeypatch.undo()

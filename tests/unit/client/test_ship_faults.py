"""Shipping over a network, to an API and to an S3 that fail: everything arrives once."""

from __future__ import annotations

import json
import threading
import time
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
from glue.client.ship import Shipper
from glue.client.transfer import Options
from glue.client.transport import Transport
from glue.errors import InputError
from tests.unit.client.conftest import (
    MEBIBYTE,
    PATIENCE,
    Heard,
    Make,
    MakeShipper,
    arrived,
    bytes_of,
)
from tests.unit.client.fake import Fake


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

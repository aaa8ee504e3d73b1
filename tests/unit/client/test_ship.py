"""Shipping: everything arrives once, and shipping again sends what is missing."""

from __future__ import annotations

import json
import os

import pytest

from glue.client import transfer
from glue.client.journal import Journal
from glue.client.session import Session
from glue.client.ship import plan_folders, ship_folders
from glue.client.transfer import Options
from glue.errors import InputError
from tests.unit.client.conftest import (
    MEBIBYTE,
    Heard,
    Make,
    MakeShipper,
    arrived,
    bytes_of,
    digest,
)
from tests.unit.client.fake import Fake


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

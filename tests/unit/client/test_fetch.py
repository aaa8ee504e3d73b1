"""Finding and fetching: just these versions, every byte verified, nothing overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue.client import fetch as fetching
from glue.client.dataset import PinnedObject, read_dataset, save_dataset
from glue.client.fetch import Fetcher, find_for_fetch, target_of
from glue.client.find import Question, find_all, find_objects, find_page, quarantined, replay, show
from glue.client.retries import GaveUpError
from glue.client.session import Session
from glue.client.transport import Transport
from glue.errors import Conflict, InputError, NotFound
from tests.unit.client.conftest import Heard, bytes_of, digest
from tests.unit.client.fake import Fake

CONTENTS = {"a.bin": bytes_of(3_000_000), "b.bin": b"", "session.txt": b"subject: m\n"}
MakeFetcher = Callable[..., Fetcher]


@pytest.fixture
def stored(fake: Fake) -> str:
    fake.recordings["rec"] = {"recording": "rec", "state": "processed", "device": "rig"}
    for name, content in CONTENTS.items():
        fake.store(f"rec/{name}", content, digest(content), len(content))
    return "rec"


@pytest.fixture
def fetcher(session: Session, transport: Transport, heard: Heard, tmp_path: Path) -> MakeFetcher:
    def make(**more: Any) -> Fetcher:
        return Fetcher(session, transport, heard, tmp_path / "to", **more)

    return make


def fetched(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_fetched_and_verified(
    fake: Fake, session: Session, fetcher: MakeFetcher, stored: str, tmp_path: Path, heard: Heard
) -> None:
    objects = find_for_fetch(session, [stored], "raw")
    files = fetcher().fetch(objects)
    assert fetched(tmp_path / "to") == CONTENTS
    assert (tmp_path / "to" / "rec" / "a.bin").is_file()
    assert {file.state for file in files} == {"fetched"}
    assert all(file.verified for file in files)
    assert files[0].to_dict()["recording"] == "rec"
    assert heard.gone == heard.total
    before = fake.count("GET /s3")
    assert {file.state for file in fetcher().fetch(objects)} == {"already there"}
    assert fake.count("GET /s3") == before


def test_what_has_nothing_to_fetch(session: Session, stored: str) -> None:
    with pytest.raises(NotFound, match="other has no raw objects"):
        find_for_fetch(session, [stored, "other"], "raw")
    with pytest.raises(InputError, match="kind"):
        find_for_fetch(session, [stored], "cooked")
    with pytest.raises(InputError, match="recording"):
        find_for_fetch(session, ["a b"], "raw")


def test_a_file_in_the_way(
    session: Session, fetcher: MakeFetcher, stored: str, tmp_path: Path
) -> None:
    objects = find_for_fetch(session, [stored], "raw")
    target = tmp_path / "to" / "rec" / "a.bin"
    target.parent.mkdir(parents=True)
    for content in (b"mine", b"x" * len(CONTENTS["a.bin"])):
        target.write_bytes(content)
        with pytest.raises(Conflict, match=r"a\.bin"):
            fetcher().fetch(objects)
        assert fetched(tmp_path / "to") == {"a.bin": content}
    fetcher(overwrite=True).fetch(objects)
    assert fetched(tmp_path / "to") == CONTENTS
    target.unlink()
    target.mkdir()
    with pytest.raises(Conflict):
        fetcher(overwrite=True).fetch(objects)
    (tmp_path / "to2").write_bytes(b"a file")
    other = Fetcher(session, Transport(), Heard(), tmp_path / "to2")
    with pytest.raises(InputError, match="cannot be read"):
        other.fetch(objects)


@pytest.mark.parametrize(
    ("kind", "more"),
    [("short", {}), ("drop", {}), ("500", {}), ("damage", {}), ("403", {"code": "AccessDenied"})],
)
def test_faults_that_pass(
    fake: Fake, session: Session, fetcher: MakeFetcher, stored: str, tmp_path: Path, kind: str,
    more: dict[str, Any], heard: Heard,
) -> None:  # fmt: skip
    fault = fake.fault("GET /s3/rec/a.bin", kind, **more)
    fetcher().fetch(find_for_fetch(session, [stored], "raw"))
    assert fault.hits == 1
    assert fetched(tmp_path / "to") == CONTENTS
    assert heard.gone == heard.total


def test_a_broken_download_goes_on_where_it_was(
    fake: Fake, session: Session, fetcher: MakeFetcher, stored: str, tmp_path: Path
) -> None:
    objects = find_for_fetch(session, [stored], "raw")
    fake.fault("GET /s3/rec/a.bin", "short")
    fake.fault("GET /s3/rec/a.bin", 400, code="Odd")
    with pytest.raises(InputError, match="Odd"):
        fetcher().fetch(objects)
    (part,) = (tmp_path / "to" / "rec").glob(".a.bin.*.part")
    assert 0 < part.stat().st_size < len(CONTENTS["a.bin"])
    ranges: list[str] = []
    real = fake.get

    def get(path: str, query: dict[str, str], headers: Any) -> tuple[int, bytes]:
        ranges.append(headers.get("Range", ""))
        return real(path, query, headers)

    fake.get = get  # type: ignore[method-assign]
    fetcher().fetch(objects)
    assert any(ranges)
    assert fetched(tmp_path / "to") == CONTENTS


@pytest.mark.parametrize("left", [b"x" * 10, b"x" * 4_000_000, b"x" * 3_000_000])
def test_leftovers_of_something_else(
    session: Session, fetcher: MakeFetcher, stored: str, tmp_path: Path, left: bytes
) -> None:
    objects = find_for_fetch(session, [stored], "raw")
    folder = tmp_path / "to" / "rec"
    folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching._Download, "run", lambda *_: (_ for _ in ()).throw(KeyError))
        with pytest.raises(KeyError):
            fetcher().fetch(objects)
    import hashlib

    a = next(item for item in objects if item.key.endswith("a.bin"))
    mark = hashlib.sha256(f"{a.sha256}{a.version_id}".encode()).hexdigest()[:12]
    (folder / f".a.bin.{mark}.part").write_bytes(left)
    fetcher().fetch(objects)
    assert fetched(tmp_path / "to") == CONTENTS


def test_an_object_that_is_damaged_for_good(
    fake: Fake, session: Session, fetcher: MakeFetcher, stored: str, tmp_path: Path
) -> None:
    fake.fault("GET /s3/rec/a.bin", "damage", times=99)
    with pytest.raises(InputError, match="twice"):
        fetcher().fetch(find_for_fetch(session, [stored], "raw"))
    assert "a.bin" not in fetched(tmp_path / "to")


def test_patience_ends(fake: Fake, session: Session, fetcher: MakeFetcher, stored: str) -> None:
    session.patience = 0.2
    fake.fault("GET /s3", 503, times=10_000)
    with pytest.raises(GaveUpError, match="resumes"):
        fetcher().fetch(find_for_fetch(session, [stored], "raw"))


def test_an_unknown_digest_is_said_to_be_unknown(
    session: Session, fetcher: MakeFetcher, stored: str
) -> None:
    objects = [
        item.model_copy(update={"sha256": None})
        for item in find_for_fetch(session, [stored], "raw")
    ]
    assert not any(file.verified for file in fetcher().fetch(objects))
    assert {file.state for file in fetcher().fetch(objects)} == {"already there"}


@pytest.mark.parametrize("key", ["a", "../a", "rec/../../a", "/etc/passwd", "rec//a", "rec/a\0b"])
def test_keys_that_lead_elsewhere(key: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="key"):
        target_of(tmp_path, key)


def test_a_key_named_twice(session: Session, fetcher: MakeFetcher, stored: str) -> None:
    objects = find_for_fetch(session, [stored], "raw")
    with pytest.raises(InputError, match="twice"):
        fetcher().fetch([*objects, objects[0]])


# --- datasets -------------------------------------------------------------------------------


def test_a_dataset_pins_versions(
    fake: Fake, session: Session, fetcher: MakeFetcher, stored: str, tmp_path: Path
) -> None:
    path = tmp_path / "dataset.json"
    question = Question(where=["fatigue >= 3"], since="2021-01-01", until="2022-01-01")
    saved = save_dataset(path, question.to_dict(), find_objects(session, question, kind="raw"))
    document = json.loads(path.read_text())
    assert document["schema"] == 1
    assert document["query"]["where"] == ["fatigue >= 3"]
    assert set(document["objects"][0]) == set(PinnedObject.model_fields)
    # A newer version does not matter.
    del fake.objects["rec/a.bin"]
    fake.store("rec/a.bin", b"newer", digest(b"newer"), 5)
    assert read_dataset(path) == saved
    fetcher().fetch(read_dataset(path).objects)
    assert fetched(tmp_path / "to") == CONTENTS


@pytest.mark.parametrize("content", ["", "{}", '{"schema": 2}', "junk"])
def test_files_that_are_no_dataset(tmp_path: Path, content: str) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(content)
    with pytest.raises(InputError, match="dataset"):
        read_dataset(path)


def test_datasets_that_cannot_be_read_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_dataset(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot be written"):
        save_dataset(tmp_path / "gone" / "x.json", {}, [])
    (tmp_path / "x").write_bytes(b"xx")
    monkeypatch.setattr("glue.client.dataset.MOST_BYTES", 1)
    with pytest.raises(InputError, match="too long"):
        read_dataset(tmp_path / "x")


# --- finding --------------------------------------------------------------------------------


def test_questions(fake: Fake, session: Session, stored: str) -> None:
    assert show(session, stored)["recording"] == "rec"
    assert [one["recording"] for one in find_all(session, Question())] == ["rec"]
    assert find_page(session, Question(state=["incomplete"]), 10)["recordings"] == []
    assert find_page(session, Question(), 1, "1")["recordings"] == []
    assert replay(session, stored) == {"recording": "rec"}
    assert fake.replayed == ["rec"]
    fake.recordings["bad"] = {"recording": "bad", "state": "quarantined", "device": "rig"}
    assert [one["recording"] for one in quarantined(session)] == ["bad"]
    with pytest.raises(InputError, match="lost"):
        Question(state=["lost"])

import json
from typing import Any

import pytest

from glue.recordings import ingest as ingesting
from glue.recordings import raw
from glue.recordings.catalogue import Catalogue
from glue.recordings.ingest import Ingest, examine, ingest_messages
from glue.recordings.manifest import LARGEST_MANIFEST, MEBIBYTE
from tests.unit.recordings.fixtures import RAW, Cloud
from tests.unit.recordings.samples import (
    Context,
    entry,
    files_of,
    manifest_of,
    put,
    put_recording,
    s3_event,
    sqs_event,
)


@pytest.fixture
def ingest(cloud: Cloud, catalogue: Catalogue) -> Ingest:
    return Ingest(cloud.s3, RAW, catalogue, cloud.sqs, cloud.preprocess_queue)


def deliver(ingest: Ingest, *bodies: str, received: int = 1) -> list[str]:
    answer = ingest_messages(ingest, sqs_event(*bodies, received=received), Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def state(catalogue: Catalogue, recording: str = "r") -> tuple[str, str | None]:
    found = catalogue.get(recording)
    assert found is not None
    return found.state, found.reason


def test_every_order_of_arrival_ends_complete(
    ingest: Ingest, cloud: Cloud, catalogue: Catalogue
) -> None:
    files = files_of()
    objects = {**files, "manifest.json": manifest_of("r", files)}
    for number, order in enumerate(
        [
            ["a.bin", "b.bin", "manifest.json", "session.txt"],
            ["session.txt", "manifest.json", "b.bin", "a.bin"],
            ["manifest.json", "a.bin", "session.txt", "b.bin"],
        ]
    ):
        name = f"r{number}"
        objects["manifest.json"] = manifest_of(name, files)
        for file in order:
            found = catalogue.get(name)
            assert found is None or found.state == "incomplete"
            put(cloud.s3, RAW, f"{name}/{file}", objects[file])
            assert deliver(ingest, s3_event(RAW, f"{name}/{file}")) == []
        assert state(catalogue, name) == ("complete", None)
        assert cloud.messages(cloud.preprocess_queue) == [{"recording": name}]


def test_what_it_waits_for_is_said(ingest: Ingest, cloud: Cloud, catalogue: Catalogue) -> None:
    put(cloud.s3, RAW, "r/a.bin", b"data")
    deliver(ingest, s3_event(RAW, "r/a.bin"))
    assert catalogue.get("r") is None
    put(cloud.s3, RAW, "r/session.txt", b"a: 1")
    deliver(ingest, s3_event(RAW, "r/session.txt"))
    assert state(catalogue) == ("incomplete", "waiting for manifest.json")
    files = {f"{i}.bin": b"x" for i in range(5)} | {"session.txt": b"a: 1"}
    put(cloud.s3, RAW, "s/manifest.json", manifest_of("s", files))
    deliver(ingest, s3_event(RAW, "s/manifest.json"))
    waits = "waiting for 0.bin, 1.bin, 2.bin and 3 more"
    assert state(catalogue, "s") == ("incomplete", waits)


def test_the_catalogue_holds_everything(ingest: Ingest, cloud: Cloud, catalogue: Catalogue) -> None:
    files = put_recording(cloud.s3, RAW, "20210228_161221")
    deliver(ingest, s3_event(RAW, "20210228_161221/session.txt"))
    found = catalogue.get("20210228_161221")
    assert found is not None
    assert found.recorded_at is not None
    assert found.recorded_at.isoformat() == "2021-02-28T16:12:21+00:00"
    values = {a.name: (a.value, a.unit) for a in found.attributes}
    assert values == {
        "subject_fatigue": (3, None),
        "hardware": ("Neuropixels 2.0", None),
        "temperature": (36.6, "C"),
    }
    versions = dict(cloud.versions(RAW))
    for stored in found.objects:
        name = stored.key.rpartition("/")[2]
        content = files.get(name) or manifest_of("20210228_161221", files)
        assert stored.size == len(content)
        assert stored.sha256 == raw.digest_of(content)
        assert stored.version_id == versions[stored.key]
    assert len(found.objects) == 4


def test_no_date_in_the_name(ingest: Ingest, cloud: Cloud, catalogue: Catalogue) -> None:
    put_recording(cloud.s3, RAW, "20210229_161221")
    deliver(ingest, s3_event(RAW, "20210229_161221/session.txt"))
    found = catalogue.get("20210229_161221")
    assert found is not None
    assert (found.state, found.recorded_at) == ("complete", None)


def test_events_delivered_five_times_and_mixed(
    ingest: Ingest, cloud: Cloud, catalogue: Catalogue
) -> None:
    for i in range(3):
        put_recording(cloud.s3, RAW, f"r{i}")
    bodies = [s3_event(RAW, f"r{i % 3}/{f}") for i in range(15) for f in ("a.bin", "session.txt")]
    assert deliver(ingest, *bodies) == []
    assert deliver(ingest, *reversed(bodies)) == []
    sent = cloud.messages(cloud.preprocess_queue)
    assert sorted(message["recording"] for message in sent) == ["r0", "r1", "r2"]


def test_a_second_attempt_hands_on_what_the_first_may_not_have(
    ingest: Ingest, cloud: Cloud, catalogue: Catalogue
) -> None:
    put_recording(cloud.s3, RAW, "r")
    deliver(ingest, s3_event(RAW, "r/a.bin"))
    cloud.messages(cloud.preprocess_queue)
    deliver(ingest, s3_event(RAW, "r/a.bin"), received=2)
    assert cloud.messages(cloud.preprocess_queue) == [{"recording": "r"}]
    deliver(ingest, json.dumps({"recording": "r", "again": True}))
    assert cloud.messages(cloud.preprocess_queue) == [{"recording": "r"}]


def broken_sets() -> dict[str, tuple[dict[str, bytes], bytes | None, str]]:
    files = files_of()
    good = manifest_of("r", files)
    other_sum = files | {"b.bin": b"B" + files["b.bin"][1:]}
    return {
        "size": (files | {"a.bin": b"short"}, good, "a.bin: it has 5 bytes"),
        "sum": (other_sum, good, "b.bin: its content has another SHA-256"),
        "extra": (files | {"extra.bin": b"x"}, good, "extra.bin arrived and is not listed"),
        "not json": (files, b"{", "it is not JSON"),
        "not text": (files, b"\xff", "it is not UTF-8"),
        "twice": (files, good.replace(b'"schema": 1,', b'"schema": 1, "schema": 1,'), "twice"),
        "wrong name": (files, manifest_of("q", files), "it says 'q' and lies in 'r'"),
        "no files": (files, b'{"schema":1,"recording":"r","metadata":"m","files":[]}', "files"),
        "metadata": (
            files_of(metadata=b"\xff\xfe"),
            manifest_of("r", files_of(metadata=b"\xff\xfe")),
            "session.txt: metadata: the file is binary",
        ),
        "nan": (
            files_of(metadata=b"a: 1\nb: nan"),
            manifest_of("r", files_of(metadata=b"a: 1\nb: nan")),
            "session.txt: metadata, line 2: b: 'nan' is not a finite number",
        ),
        "long": (
            files_of(metadata=b"a: " + b"x" * MEBIBYTE),
            manifest_of("r", files_of(metadata=b"a: " + b"x" * MEBIBYTE)),
            "session.txt: the metadata has 1048579 bytes",
        ),
    }


@pytest.mark.parametrize("case", broken_sets())
def test_what_is_broken_is_quarantined_with_its_reason(
    ingest: Ingest,
    cloud: Cloud,
    catalogue: Catalogue,
    capsys: pytest.CaptureFixture[str],
    case: str,
) -> None:
    files, manifest, reason = broken_sets()[case]
    for name, content in files.items():
        put(cloud.s3, RAW, f"r/{name}", content)
    assert manifest is not None
    put(cloud.s3, RAW, "r/manifest.json", manifest)
    assert deliver(ingest, s3_event(RAW, "r/session.txt"), s3_event(RAW, "r/a.bin")) == []
    found, why = state(catalogue)
    assert found == "quarantined"
    assert why is not None
    assert reason in why
    assert "; " in why
    assert cloud.messages(cloud.preprocess_queue) == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [line for line in lines if "_aws" in line]
    assert len(metrics) == 1
    (definition,) = metrics[0]["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == "ProvingGround"
    assert definition["Dimensions"] == [["environment"]]
    assert metrics[0]["environment"] == "test"
    assert metrics[0]["RecordingsQuarantined"] == [1.0]


def test_a_quarantined_recording_is_mended_by_a_replay(
    ingest: Ingest, cloud: Cloud, catalogue: Catalogue
) -> None:
    catalogue.hold("r", "quarantined", "an error of an older version of the code")
    put_recording(cloud.s3, RAW, "r")
    deliver(ingest, json.dumps({"recording": "r", "again": True}))
    assert state(catalogue) == ("complete", None)


def test_an_object_without_a_checksum_is_read_through(
    ingest: Ingest, cloud: Cloud, catalogue: Catalogue
) -> None:
    files = files_of()
    for name, content in files.items():
        put(cloud.s3, RAW, f"r/{name}", content, checksum=False)
    put(cloud.s3, RAW, "r/manifest.json", manifest_of("r", files))
    put(cloud.s3, RAW, "r/.DS_Store", b"ignored")
    cloud.s3.put_object(Bucket=RAW, Key="r/")
    deliver(ingest, s3_event(RAW, "r/a.bin"))
    assert state(catalogue) == ("complete", None)


def test_checksums_of_parts_compare_only_with_their_like(cloud: Cloud) -> None:
    content = b"x" * 100
    version = put(cloud.s3, RAW, "r/a.bin", content)
    file = entry("a.bin", content)

    def same(found: raw.RawObject, other: bytes = content) -> bool:
        return raw.same_content(cloud.s3, RAW, "r/a.bin", found, entry("a.bin", other))

    assert same(raw.RawObject(100, file.checksum, version))
    assert same(raw.RawObject(100, "of-other-parts-7", version))
    assert not same(raw.RawObject(100, "of-other-parts-7", version), b"y" * 100)
    assert not same(raw.RawObject(100, "AAAA", version))
    assert same(raw.RawObject(100, None, version))


def test_poison_and_foreign_messages_fail_alone(
    ingest: Ingest, cloud: Cloud, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    put_recording(cloud.s3, RAW, "r")
    bodies = [
        "no json",
        "[]",
        "{}",
        json.dumps({"Records": [{}]}),
        json.dumps({"Records": 3}),
        json.dumps({"Records": [None]}),
        s3_event("another-bucket", "r/a.bin"),
        s3_event(RAW, "in-no-folder"),
        s3_event(RAW, "bad..name/a.bin"),
        json.dumps({"recording": "../r"}),
        json.dumps({"recording": 3}),
        "[" * 100_000,
        s3_event(RAW, "r/session.txt"),
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
        s3_event(RAW, "r/a.bin", name="ObjectRemoved:Delete"),
    ]
    assert deliver(ingest, *bodies) == [f"message-{i}" for i in range(12)]
    assert state(catalogue) == ("complete", None)
    failed = [record for record in caplog.records if record.message == "message failed"]
    assert len(failed) == 12
    assert all(getattr(record, "reason", "") for record in failed)


def test_a_transient_fault_fails_the_message_only(
    ingest: Ingest, cloud: Cloud, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_recording(cloud.s3, RAW, "r")
    put_recording(cloud.s3, RAW, "s")
    whole = ingesting.examine

    def flaky(client: Any, bucket: str, recording: str) -> ingesting.Verdict:
        if recording == "r":
            raise ConnectionError("S3 is away")
        return whole(client, bucket, recording)

    monkeypatch.setattr(ingesting, "examine", flaky)
    assert deliver(ingest, s3_event(RAW, "r/a.bin"), s3_event(RAW, "s/a.bin")) == ["message-0"]
    assert catalogue.get("r") is None
    assert state(catalogue, "s") == ("complete", None)
    assert deliver(ingest, s3_event(RAW, "r/a.bin")) == ["message-0"]
    monkeypatch.undo()


def test_what_vanishes_while_looked_at(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    files = put_recording(cloud.s3, RAW, "r")
    listed = {name: len(content) for name, content in files.items()} | {"manifest.json": 1}
    monkeypatch.setattr(raw, "list_files", lambda *_: listed)
    cloud.s3.delete_object(Bucket=RAW, Key="r/a.bin")
    assert "a.bin" in examine(cloud.s3, RAW, "r").reason
    cloud.s3.delete_object(Bucket=RAW, Key="r/manifest.json")
    assert examine(cloud.s3, RAW, "r").reason == "waiting for manifest.json"


def test_a_recording_of_one_file_and_a_manifest_too_long(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_recording(cloud.s3, RAW, "r", {"session.txt": b"a: 1"})
    assert examine(cloud.s3, RAW, "r").state == "complete"
    monkeypatch.setattr("glue.recordings.manifest.LARGEST_MANIFEST", 10)
    assert "bytes" in examine(cloud.s3, RAW, "r").reason
    assert LARGEST_MANIFEST > 10


def test_other_faults_of_s3_are_raised(cloud: Cloud) -> None:
    from botocore.exceptions import ClientError

    for read in (raw.head, raw.read):
        with pytest.raises(ClientError):
            read(cloud.s3, "bucket-that-is-not-there", "key")

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glue.recordings import reconcile as reconciling
from glue.recordings.catalogue import Catalogue
from glue.recordings.reconcile import Reconcile
from tests.unit.recordings.fixtures import RAW, Cloud
from tests.unit.recordings.samples import put


@pytest.fixture
def reconcile(cloud: Cloud, catalogue: Catalogue) -> Reconcile:
    return Reconcile(cloud.s3, RAW, catalogue, cloud.sqs, cloud.ingest_queue, 24)


def test_asks_for_what_is_unsettled(
    reconcile: Reconcile, cloud: Cloud, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("new", "waiting", "broken", "complete", "failed", "processed", "bad..name")
    for name in names:
        put(cloud.s3, RAW, f"{name}/a.bin", b"x")
    catalogue.hold("waiting", "incomplete", "waits")
    catalogue.hold("broken", "quarantined", "is broken")
    for name in ("complete", "failed", "processed"):
        catalogue.settle(name, None, [], [])
    catalogue.explain("failed", "job failed")
    catalogue.add_processed("processed", [], finished=True)
    tomorrow = datetime.now(UTC) + timedelta(hours=25)
    assert reconcile.reconcile(tomorrow) == {"seen": 6, "asked": 3, "incomplete": 1}
    asked = {message["recording"]: message for message in cloud.messages(cloud.ingest_queue)}
    assert set(asked) == {"new", "waiting", "complete"}
    assert asked["complete"]["again"]
    out = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metric,) = [line for line in out if "_aws" in line]
    assert metric["RecordingsIncomplete"] == [1.0]
    assert reconcile.reconcile() == {"seen": 6, "asked": 3, "incomplete": 0}


def test_many_recordings_go_in_portions(
    reconcile: Reconcile, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "COMPARED_AT_ONCE", 7)
    for i in range(23):
        put(cloud.s3, RAW, f"r{i:02}/a.bin", b"x")
    assert reconcile.reconcile()["asked"] == 23
    assert len(cloud.messages(cloud.ingest_queue)) == 23


def test_an_empty_bucket(reconcile: Reconcile) -> None:
    assert reconcile.reconcile() == {"seen": 0, "asked": 0, "incomplete": 0}


def test_what_could_not_be_sent_is_logged(
    reconcile: Reconcile, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    put(cloud.s3, RAW, "r/a.bin", b"x")

    class Queue:
        def send_message_batch(self, **_: Any) -> dict[str, Any]:
            return {"Failed": [{"Id": "0", "Code": "InternalError"}]}

    broken: Any = Queue()
    Reconcile(cloud.s3, RAW, reconcile.catalogue, broken, "url", 24).reconcile()
    assert "request not sent" in [record.message for record in caplog.records]

"""What mends are made of, as far as it needs no cloud."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.local import mends
from glue.local.coverage import COVERAGE
from glue.local.mends import alarms, guard, lambda_layers, metrics, s3_conditions, upload_store


# --------------------------------------------------------------------- mends
def test_a_mend_refuses_another_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("emulator")
    vars(module)["known"] = guard.fingerprint
    print_of_it = guard.fingerprint(guard.fingerprint)
    guard.expect(module, {"known": print_of_it})
    with pytest.raises(guard.MendError, match=r"gone is missing; known is .*, expected 0"):
        guard.expect(module, {"gone": "0", "known": "0"})
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.6.0")
    with pytest.raises(guard.MendError, match=r"for ministack 1\.5\.33, found 1\.6\.0"):
        mends.apply_all(Path("/nowhere"))


def test_every_mend_says_what_aws_does_and_what_the_emulator_does() -> None:
    import importlib

    for subject in mends.SUBJECTS:
        text = importlib.import_module(f"glue.local.mends.{subject}").__doc__ or ""
        assert mends.VERSION in text
        assert subject == "saving" or "AWS" in text


def test_only_requests_that_make_an_object_are_object_creations() -> None:
    write = s3_conditions.write_context
    creation = "s3:ObjectCreationOperation"
    assert write({}, {"if-none-match": "*"}) == {creation: "true", "s3:if-none-match": "*"}
    assert write({"uploadId": ["1"]}, {})[creation] == "true"
    assert write({"uploads": [""]}, {})[creation] == "false"
    assert write({"uploadId": ["1"], "partNumber": ["1"]}, {})[creation] == "false"


def test_uploads_cut_off_in_the_middle_are_cleared_away(tmp_path: Path) -> None:
    store = upload_store.Store(tmp_path)
    store.create("1", "whole", {"bucket": "b", "parts": {}})
    for number, body in ((1, b"one"), (2, b"two"), (1, b"again")):
        part = {"body": body, "etag": f'"{body.hex()}"', "size": len(body)}
        store.add("1", "whole", number, part)
    (tmp_path / "1" / "whole" / "3.json").write_text(json.dumps({"file": "3.gone"}))
    (tmp_path / "1" / "cut-off").mkdir()
    loaded = store.load()
    assert list(loaded) == [("1", "whole")]
    parts = loaded["1", "whole"]["parts"]
    assert sorted(parts) == [1, 2]
    assert store.join("1", "whole", [parts[1], parts[2]]).read_bytes() == b"againtwo"
    assert not (tmp_path / "1" / "cut-off").exists()
    assert len(list((tmp_path / "1" / "whole").glob("1.*"))) == 2
    store.remove("1", "whole")
    assert store.load() == {}


def placed(store: upload_store.Store, number: int, body: bytes) -> dict[str, Any]:
    """Add a part as the emulator does: its bytes first, then its facts."""
    place = store.place("1", "u", number, len(body))
    place.write(body)
    part = {"body": body, "etag": f'"{body[:4].hex()}"', "size": len(body)}
    store.add("1", "u", number, part, place)
    return part


def test_parts_that_lie_in_a_row_are_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_store, "_copy", lambda *_: pytest.fail("it was copied"))
    store = upload_store.Store(tmp_path)
    store.create("1", "u", {})
    parts = {number: placed(store, number, body) for number, body in
             ((2, b"two."), (3, b"end"), (1, b"one."), (4, b"left"))}  # fmt: skip
    joined = store.join("1", "u", [parts[1], parts[2], parts[3]])
    assert joined.read_bytes() == b"one.two.end"


@pytest.mark.parametrize(
    "why", ["shorter first", "sent again", "refused", "being written", "chosen", "restart"]
)
def test_parts_that_do_not_lie_in_a_row_are_copied(tmp_path: Path, why: str) -> None:
    store = upload_store.Store(tmp_path)
    store.create("1", "u", {})
    expected = b"one.two.end"
    if why == "shorter first":
        parts = [placed(store, 3, b"end"), placed(store, 1, b"one."), placed(store, 2, b"two.")]
        parts = [parts[1], parts[2], parts[0]]
    else:
        parts = [placed(store, 1, b"one.")]
        if why == "refused":
            refused = store.place("1", "u", 2, 4)
            refused.write(b"bad!")
            store.give_up(refused)
        if why == "restart":
            store = upload_store.Store(tmp_path)
            assert store.load()["1", "u"]["parts"] == {1: parts[0]}
        parts += [placed(store, 2, b"two."), placed(store, 3, b"end")]
    if why == "sent again":
        parts[0] = placed(store, 1, b"eno.")
        expected = b"eno.two.end"
    elif why == "being written":
        other = store.place("1", "u", 4, 4)
        expected = b"one.two.end"
    elif why == "chosen":
        parts = [parts[0], parts[2]]
        expected = b"one.end"
    joined = store.join("1", "u", parts)
    if why == "being written":
        other.write(b"late")
    assert joined.read_bytes() == expected


def test_a_refused_part_leaves_nothing_of_its_own(tmp_path: Path) -> None:
    store = upload_store.Store(tmp_path)
    store.create("1", "u", {})
    placed(store, 1, b"one.")
    again = store.place("1", "u", 1, 4)
    again.write(b"bad!")
    store.give_up(again)
    assert sorted(one.name for one in store.of("1", "u").iterdir()) == [
        "1.json", "upload.json", "whole",
    ]  # fmt: skip
    store.remove("1", "u")
    store.give_up(store.place("1", "u", 2, 4))
    store.clear()
    assert not tmp_path.exists()


@pytest.mark.parametrize("kind", ["missing", "refusing", "short"])
def test_files_are_joined_also_without_help_of_the_kernel(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: int, target: int, count: int) -> int:
        raise OSError

    if kind == "missing":
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    else:
        fake = refuse if kind == "refusing" else (lambda source, target, count: 0)
        monkeypatch.setattr(os, "copy_file_range", fake, raising=False)
    store = upload_store.Store(tmp_path)
    store.create("1", "u", {})
    parts = []
    for number in (1, 2):
        part = {"body": bytes([number]) * 2_000_000, "etag": f'"{number}"', "size": 2_000_000}
        store.add("1", "u", number, part)
        parts.append(part)
    joined = store.join("1", "u", parts).read_bytes()
    assert joined == b"\x01" * 2_000_000 + b"\x02" * 2_000_000


def test_layers_are_kept_once_and_pruned(tmp_path: Path) -> None:
    store = lambda_layers.Store(tmp_path / "layers")

    class Layers:
        def __init__(self) -> None:
            self._data: dict[Any, Any] = {}

    layers = Layers()
    layers._data["scope"] = {"versions": [{"_zip_data": b"one", "Version": 1}, {"_zip_data": b""}]}
    kept = lambda_layers.externalised(layers, store)
    text = json.loads(json.dumps(kept._data["scope"]))
    assert "one" not in json.dumps(text)
    lambda_layers.internalise(text, store)
    assert text["versions"][0] == {"_zip_data": b"one", "Version": 1}
    assert layers._data["scope"]["versions"][0]["_zip_data"] == b"one"
    assert len(list(store.folder.iterdir())) == 1
    store.prune(set())
    assert not list(store.folder.iterdir())


# -------------------------------------------------------------------- alarms
def test_query_parameters_become_nested() -> None:
    assert alarms.unflatten(
        {
            "AlarmName": ["a"], "ActionsEnabled": "true",
            "AlarmActions.member.2": ["second"], "AlarmActions.member.1": ["first"],
            "Dimensions.member.1.Name": ["n"], "Dimensions.member.1.Value": ["v"],
        }
    ) == {
        "AlarmName": "a", "ActionsEnabled": True, "AlarmActions": ["first", "second"],
        "Dimensions": [{"Name": "n", "Value": "v"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "needed", "missing", "expected"),
    [
        ([2.0], 1, "missing", "ALARM"),
        ([0.0], 1, "missing", "OK"),
        ([None], 1, "missing", "INSUFFICIENT_DATA"),
        ([None], 1, "notBreaching", "OK"),
        ([None], 1, "breaching", "ALARM"),
        ([None], 1, "ignore", "before"),
        ([2.0, None, 2.0], 2, "missing", "ALARM"),
        ([2.0, None, 0.0], 2, "missing", "OK"),
        ([2.0, None, 0.0], 2, "breaching", "ALARM"),
        ([2.0, 2.0, 0.0], 3, "missing", "OK"),
    ],
)
def test_periods_make_a_state(
    values: list[float | None], needed: int, missing: str, expected: str
) -> None:
    assert alarms.judge(values, lambda value: value > 1, needed, missing, "before") == expected


def test_each_period_has_its_own_points() -> None:
    points = [{"Timestamp": second, "Value": second} for second in (5.0, 61.0, 119.0, 120.0)]
    found = alarms.period_values(
        points, 60, 3, 180.0, lambda inside: max(float(p["Value"]) for p in inside)
    )
    assert found == [None, 120.0, 5.0]


def test_an_alarm_of_a_percentile_names_no_plain_statistic() -> None:
    text = alarms.describe(
        {"AlarmName": "a", "Statistic": "Average", "ExtendedStatistic": "p95",
         "ActionsEnabled": True, "StateUpdatedTimestamp": 0, "Threshold": 0.0}
    )  # fmt: skip
    assert "<ExtendedStatistic>p95</ExtendedStatistic>" in text
    assert "<Statistic>" not in text
    assert "<Threshold>0.0</Threshold>" in text


# ------------------------------------------------------------------- metrics
def embedding(**changes: Any) -> str:
    record = {
        "_aws": {
            "Timestamp": 1_700_000_000_000,
            "CloudWatchMetrics": [
                {"Namespace": "N", "Dimensions": [["a"], ["absent"], []],
                 "Metrics": [{"Name": "m", "Unit": "Count"}, {"Name": "text"}, {}]}
            ],
        },
        "a": 1, "m": 2, "text": "x", **changes,
    }  # fmt: skip
    return json.dumps(record)


def test_embedded_metrics_are_read() -> None:
    assert list(metrics.embedded(embedding())) == [
        ("N", "m", {"a": "1"}, "Count", [2.0], 1_700_000_000.0),
        ("N", "m", {}, "Count", [2.0], 1_700_000_000.0),
    ]
    assert [found[4] for found in metrics.embedded(embedding(m=[1, 2.5]))] == [[1.0, 2.5]] * 2
    assert list(metrics.embedded(embedding(m=True))) == []
    assert list(metrics.embedded(embedding(m=[]))) == []
    for line in ("text", '{"_aws": 1}', '{"_aws": {}}', '"_aws"', '{"_aws": {"x":'):
        assert list(metrics.embedded(line)) == []
    odd = '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": "none"}}'
    assert list(metrics.embedded(odd)) == []


@given(st.text())
def test_no_log_line_stops_the_reading(line: str) -> None:
    assert list(metrics.embedded(line + '{"_aws":' + line)) == []


def test_a_queue_is_counted() -> None:
    messages = [
        {"visible_at": 5, "sent_at": 1},
        {"visible_at": 20, "sent_at": 8, "receive_count": 1},
        {"visible_at": 20, "sent_at": 9},
    ]
    assert metrics.queue_facts(messages, 10.0) == {
        "ApproximateNumberOfMessagesVisible": (1, "Count"),
        "ApproximateNumberOfMessagesNotVisible": (1, "Count"),
        "ApproximateNumberOfMessagesDelayed": (1, "Count"),
        "ApproximateAgeOfOldestMessage": (9.0, "Seconds"),
    }


def test_one_point_a_minute_keeps_the_highest() -> None:
    points: list[dict[str, Any]] = []
    for second, value in ((1.0, 1.0), (3.0, 4.0), (59.0, 0.0), (60.0, 2.0)):
        metrics.keep_highest(points, {"Timestamp": second, "Value": value})
    assert points == [{"Timestamp": 59.0, "Value": 4.0}, {"Timestamp": 60.0, "Value": 2.0}]


def test_what_is_covered_is_said_of_each_subject_once() -> None:
    subjects = [entry.subject for entry in COVERAGE]
    assert len(subjects) == len(set(subjects))
    assert {entry.state for entry in COVERAGE} == {"proven", "simulated", "not covered"}

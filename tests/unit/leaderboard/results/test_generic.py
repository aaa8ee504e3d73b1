"""The format for challenges that are not CARLA's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.leaderboard.results import generic
from glue.leaderboard.results.generic import parse_generic, schema

SCHEMA = Path(generic.__file__).with_name("generic.schema.json")
GOOD: dict[str, Any] = {
    "format": "leaderboard-result",
    "format_version": 1,
    "status": "finished",
    "units": {"done": 3, "expected": 3},
    "metrics": {"F1": 0.5, "Recall": 1},
}


def verdict(
    units: int | None = None, labels: list[str] | None = None, **changes: Any
) -> tuple[str, str]:
    parsed = parse_generic(json.dumps(GOOD | changes), units=units, labels=labels)
    return parsed.outcome, parsed.reason


def test_the_schema_beside_the_code_is_the_codes() -> None:
    assert json.loads(SCHEMA.read_text()) == schema()
    assert jsonschema_rs.meta.is_valid(schema())
    (example,) = schema()["examples"]
    for document in (GOOD, example):
        assert jsonschema_rs.is_valid(schema(), document)
        assert parse_generic(json.dumps(document)).trusted


def test_a_finished_result() -> None:
    parsed = parse_generic(json.dumps(GOOD), units=3, labels=["Recall", "F1"])
    assert (parsed.trusted, parsed.reason) == (True, "finished: all 3 units")
    assert list(parsed.metrics.items()) == [("F1", 0.5), ("Recall", 1.0)]
    assert (parsed.routes_done, parsed.routes_expected, parsed.records) == (3, 3, ())


def test_a_result_on_its_way() -> None:
    parsed = parse_generic(
        json.dumps(GOOD | {"status": "running", "units": {"done": 1, "expected": 3}})
    )
    assert (parsed.outcome, parsed.metrics) == ("not_yet", {})
    assert parsed.interim == {"F1": 0.5, "Recall": 1}
    assert parsed.reason == "the evaluation is not finished: 1 of 3 units are done"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"units": 4}, "about 3 units and 4 are expected"),
        ({"labels": ["F1"]}, "not the leaderboard's: ['Recall']"),
        ({"labels": ["F1", "Recall", "AUC"]}, "not the leaderboard's: ['AUC']"),
        ({"metrics": {}}, "it has no metrics"),
        ({"status": "failed"}, "it says no reason"),
        ({"status": "failed", "reason": "no GPU\n"}, "no GPU"),
        ({"status": "done"}, "status: Input should be"),
        ({"format_version": 2}, "format_version"),
        ({"format_version": True}, "format_version"),
        ({"extra": 1}, "extra: Extra inputs"),
        ({"metrics": {"": 1}}, "metrics"),
        ({"metrics": {"F1": True}}, "metrics.F1"),
        ({"metrics": {"F1": float("nan")}}, "metrics.F1"),
        ({"metrics": {"F1": [1]}}, "metrics.F1"),
    ],
)
def test_what_is_unusable(given: dict[str, Any], says: str) -> None:
    outcome, reason = verdict(**given)
    assert outcome == "unusable"
    assert says in reason


def test_units_that_lack() -> None:
    outcome, reason = _with_units(2, 3)
    assert (outcome, "2 of 3 units are done" in reason) == ("unusable", True)
    assert "units.expected" in _with_units(0, 0)[1]


def _with_units(done: int, expected: int) -> tuple[str, str]:
    parsed = parse_generic(json.dumps(GOOD | {"units": {"done": done, "expected": expected}}))
    return parsed.outcome, parsed.reason


@given(st.integers(0, len(json.dumps(GOOD)) - 1))
def test_any_truncation_is_not_yet(length: int) -> None:
    assert parse_generic(json.dumps(GOOD)[:length]).outcome == "not_yet"


VALUES = st.none() | st.booleans() | st.integers(-2, 4) | st.floats() | st.text(max_size=3)


@given(st.dictionaries(st.sampled_from([*GOOD, "reason", "x"]), VALUES, max_size=3))
def test_code_and_schema_agree(changes: dict[str, Any]) -> None:
    document = GOOD | changes
    parsed = parse_generic(json.dumps(document))
    fits = jsonschema_rs.is_valid(schema(), document)
    if parsed.reason.startswith("this is no leaderboard-result file"):
        # JSON has no whole numbers of its own: to a schema 1.0 is one, and here it is not.
        assert not fits or any(isinstance(value, float) for value in changes.values())
    else:
        assert fits

"""What of a CARLA results file is believed, and what is said about the rest."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glue.leaderboard.results import reading
from glue.leaderboard.results.carla import FINISHED as FINISHED_STATUSES
from glue.leaderboard.results.carla import parse
from glue.leaderboard.results.carla_figures import LABELS
from tests.unit.leaderboard.results.files import (
    CRASHED,
    FINISHED,
    LB10,
    LB20,
    MIXED,
    changed,
    loaded,
    record,
    run,
)


def test_a_real_run_of_2_0() -> None:
    parsed = parse(LB20, routes=25)
    assert (parsed.version, parsed.outcome, parsed.reason) == (
        "2.0",
        "trusted",
        "Finished: all 25 routes",
    )
    assert list(parsed.metrics) == [
        "Driving score",
        "Route completion",
        "Infraction penalty",
        "Collisions pedestrians",
        "Collisions vehicles",
        "Collisions layout",
        "Red light infractions",
        "Stop sign infractions",
        "Off-road infractions",
        "Route deviations",
        "Route timeouts",
        "Agent blocked",
        "Yield emergency vehicle infractions",
        "Scenario timeouts",
        "Min speed infractions",
    ]
    assert list(parsed.metrics.values()) == [95.533774, 100, 0.955338, *[0] * 11, 0.767]
    assert all(type(value) is float for value in parsed.metrics.values())
    assert parsed.interim == parsed.metrics
    assert (parsed.routes_done, parsed.failures, parsed.remarks) == (25, (), ())


def test_a_real_run_of_1_0_that_was_resumed() -> None:
    parsed = parse(LB10, routes=36)
    assert (parsed.version, parsed.trusted) == ("1.0", True)
    assert len(parsed.metrics) == 12
    assert parsed.metrics["Driving score"] == 74.4870800423343
    assert parsed.metrics["Agent blocked"] == 0.36024160659319093
    # The file lists 12 completed routes among its exceptions; the routes themselves know better.
    assert len(parsed.failures) == 13
    assert {status for _, status in parsed.failures} == {"Failed - Agent got blocked"}
    resumed, old_writer = parsed.remarks
    assert "resumed" in resumed
    assert "100 times too small" in old_writer


@pytest.mark.parametrize(("content", "done"), [(MIXED, 12), (CRASHED, 1)])
def test_a_run_on_its_way_has_interim_figures_and_no_metrics(content: bytes, done: int) -> None:
    parsed = parse(content, routes=25)
    assert (parsed.outcome, parsed.metrics) == ("not_yet", {})
    assert parsed.reason == f"the run is not finished: {done} of 25 routes are done"
    assert (parsed.routes_done, parsed.routes_expected, len(parsed.failures)) == (done, 25, 1)
    scores = [r["scores"]["score_composed"] for r in loaded(content)["_checkpoint"]["records"]]
    assert parsed.interim["Driving score"] == pytest.approx(sum(scores) / 25, abs=1e-6)


def test_the_length_of_the_lists_inside_does_not_matter() -> None:
    for place, value in (("labels", ["Avg. driving score"]), ("values", ["1"]), ("labels", [])):
        assert parse(changed(LB20, place, value)).metrics == parse(LB20).metrics


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "half-written"),
        (b'{"_checkpoint": ' + b"1" * 5000 + b"}", "half-written"),
        (b"\xff\xfe{", "half-written"),
        (LB20[:-1], "half-written"),
        (LB20 + LB20[-40:], "half-written"),
    ],
)
def test_what_is_no_json_is_not_yet(content: bytes, says: str) -> None:
    parsed = parse(content)
    assert (parsed.outcome, parsed.version) == ("not_yet", None)
    assert says in parsed.reason


G = "_checkpoint/global_record"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[]", "no JSON object but []"),
        ("null", "no JSON object but None"),
        ("{}", "_checkpoint: Field required"),
        ('{"_checkpoint": [1]}', "_checkpoint: Input should be a valid dictionary"),
        ("[" * 100_000, "nested"),
        (changed(LB20, "_checkpoint/progress", []), "its progress is []"),
        (changed(LB20, "_checkpoint/progress", [25]), "its progress is [25]"),
        (changed(LB20, "_checkpoint/progress", [24, 25]), "24 of 25"),
        (changed(LB20, "_checkpoint/progress", [25, 50]), "about 50 routes and 25"),
        (changed(LB20, "_checkpoint/progress", [25, 25, 25]), "at most 2 items"),
        (changed(LB20, "_checkpoint/progress", ["25", 25]), "_checkpoint.progress.0"),
        (changed(LB20, "_checkpoint/progress", [-1, 25]), "_checkpoint.progress.0"),
        (changed(LB20, "_checkpoint/records", []), "records of 0 routes instead of 25"),
        (changed(LB20, "_checkpoint/records/3/status", "Started"), "'RouteScenario_3_rep0' has"),
        (changed(LB20, "_checkpoint/records/3/route_id", "RouteScenario_4_rep0"), "2 times"),
        (changed(LB20, "_checkpoint/records/3/route_id", 3), "records.3.route_id"),
        (changed(LB20, "_checkpoint/records/3/scores/score_route", True), "and not True"),
        (changed(LB20, "_checkpoint/records/3/scores/score_route", math.nan), "finite number"),
        (changed(LB20, "_checkpoint/records/3/scores/score_route", 1e300), "score_route"),
        (changed(LB20, "_checkpoint/records/3/scores/score_route", 10**400), "score_route"),
        (changed(LB20, "_checkpoint/records/3/infractions/red_light", 1), "red_light"),
        (changed(LB20, G, {}), "no global record"),
        (changed(LB20, f"{G}/scores_mean/score_composed", "NaN"), "Driving score is 'NaN'"),
        (changed(LB20, f"{G}/scores_mean/score_composed", math.nan), "Driving score is nan"),
        (changed(LB20, f"{G}/scores_mean/score_composed", True), "Driving score is True"),
        (changed(LB20, f"{G}/scores_mean/score_composed", 10**400), "Driving score is 1000"),
        (changed(LB20, f"{G}/scores_mean/score_composed", 95.6), "of another run"),
        (changed(LB20, f"{G}/scores_mean", []), "Driving score is missing"),
        (changed(LB20, f"{G}/infractions", {}), "Collisions pedestrians is missing"),
        (changed(LB10, f"{G}/infractions/red_light", []), "Red light infractions is []"),
        (changed(LB10, f"{G}/infractions/red_light", math.inf), "Red light infractions is inf"),
        (changed(LB10, f"{G}/scores_mean", {}), "some of its parts are of version 1.0"),
        (changed(LB20, "_checkpoint/records/0", record(0, "1.0")), "some of its parts"),
        (changed(LB20, "entry_status", "Crashed"), "resume the run"),
        (changed(LB20, "entry_status", "Rejected"), "sensors"),
        (changed(LB20, "entry_status", "Invalid"), "without resume"),
        (changed(LB10, "entry_status", "Finished with missing data"), "lacks routes"),
        (changed(LB20, "entry_status", "finished"), "which no evaluator writes"),
        (changed(LB20, "entry_status", None), "entry_status"),
    ],
)
def test_what_waiting_does_not_mend_is_unusable(content: str, says: str) -> None:
    parsed = parse(content, routes=25 if '"num_infractions"' in content else None)
    assert (parsed.outcome, parsed.metrics, parsed.trusted) == ("unusable", {}, False)
    assert says in parsed.reason
    assert parsed.reason.isascii()


def test_a_file_of_fewer_routes_than_expected() -> None:
    for content, routes in ((LB20, 26), (LB20, 24), (LB10, 180)):
        parsed = parse(content, routes=routes)
        assert parsed.outcome == "unusable"
        assert f"{routes} are expected" in parsed.reason
    nothing = json.dumps(loaded(LB20) | {"_checkpoint": {"progress": [0, 0]}})
    assert "it has no routes" in parse(nothing).reason


def test_old_figures_under_a_new_run() -> None:
    """An evaluator that is started again leaves the old global record where it was."""
    stale = loaded(LB10) | {"entry_status": "Crashed"}
    stale["_checkpoint"]["progress"] = [9, 23]
    assert not parse(json.dumps(stale)).trusted
    stale["entry_status"] = "Started"
    assert parse(json.dumps(stale)).outcome == "not_yet"
    stale["entry_status"] = "Finished"
    assert "9 of 23" in parse(json.dumps(stale)).reason


def test_the_defaults_that_evaluators_begin_with() -> None:
    default: dict[str, Any] = {
        "_checkpoint": {"global_record": {}, "progress": [], "records": []},
        "sensors": [],
        "values": [],
        "labels": [],
    }
    first = parse(json.dumps(default | {"entry_status": "", "eligible": ""}))
    second = parse(json.dumps(default | {"entry_status": "Started", "eligible": False}))
    assert (first.version, first.outcome) == ("1.0", "not_yet")
    assert set(first.interim.values()) == {0}
    assert (second.version, second.outcome, second.interim) == (None, "not_yet", {})
    assert second.reason == "the run is not finished: 0 of an unknown number of routes are done"
    told = parse(json.dumps(default | {"entry_status": "Started"}), routes=20, version="2.1")
    assert (told.version, set(told.interim.values())) == ("2.1", {0})


def test_names_without_repetition_may_stand_as_often_as_all_others() -> None:
    twice = [record(i, name=f"RouteScenario_{i % 3}") for i in range(6)]
    assert parse(json.dumps(run(twice))).trusted
    assert "2 times" in parse(json.dumps(run(twice[:5]))).reason


def test_an_entry_that_is_not_eligible_is_remarked() -> None:
    parsed = parse(changed(LB20, "eligible", value=False))
    assert parsed.trusted
    assert parsed.remarks == ("the evaluator does not call the entry eligible",)


def test_a_file_beyond_any_size_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_RESULTS", 100)
    parsed = parse(LB20)
    assert (parsed.outcome, str(len(LB20)) in parsed.reason) == ("unusable", True)


HIT = ["hit a car"]
SLOWLY = {"min_speed_infractions": ["Average speed is 50% of the surrounding traffic's one"]}
OFF = ["Agent went outside its route lanes for about 100.5 meters (10% of the completed route)"]


@pytest.mark.parametrize(
    ("penalty", "infractions", "version"),
    [
        (0.6, {"collisions_vehicle": HIT}, "2.0"),
        (1 / 1.7, {"collisions_vehicle": HIT}, "2.1"),
        (0.6 * 0.85 * 0.9, {"collisions_vehicle": HIT, "outside_route_lanes": OFF} | SLOWLY, "2.0"),
        (1 / (1 + 0.7 + 0.2), {"collisions_vehicle": HIT} | SLOWLY, "2.1"),
        (1 / (1 + 0.7 + 0.4), {"collisions_vehicle": HIT} | SLOWLY, "2.1"),
        (0.5, {"collisions_pedestrian": HIT}, "2.0"),  # both: 2.0 unless told otherwise
        (0.123, {"collisions_vehicle": HIT}, "2.0"),  # neither: a fork's own coefficients
        (1, {"min_speed_infractions": ["no figure"]}, "2.0"),
    ],
)
def test_2_0_and_2_1_are_told_apart_by_the_penalties(
    penalty: float, infractions: dict[str, Any], version: str
) -> None:
    records = [record(0), record(1, penalty=penalty, **infractions)]
    parsed = parse(json.dumps(run(records)))
    assert (parsed.version, parsed.trusted) == (version, True)


def test_the_version_that_ran_decides_and_contradicts() -> None:
    undecided = json.dumps(run([record(0, penalty=0.5, collisions_pedestrian=HIT)]))
    assert parse(undecided, version="2.1").version == "2.1"
    assert parse(undecided, version="2.0").trusted
    clear = json.dumps(run([record(0, penalty=1 / 1.7, collisions_vehicle=HIT)]))
    assert parse(clear, version="2.1").trusted
    for content, wrong in ((clear, "2.0"), (LB20, "2.1"), (LB20, "1.0"), (LB10, "2.0")):
        parsed = parse(content, version=wrong)  # type: ignore[arg-type]
        assert parsed.outcome == "unusable"
        assert f"and {wrong} ran" in parsed.reason


def test_off_road_is_a_distance_in_2_0() -> None:
    parsed = parse(MIXED, routes=25)
    assert parsed.interim["Off-road infractions"] == 0.077
    far = json.dumps(run([record(0, outside_route_lanes=["about " + "9" * 400 + " meters"])]))
    assert parse(far).interim == {}


def test_names_of_the_metrics_in_a_table() -> None:
    assert [label.attribute for label in LABELS["2.0"]] == [
        "driving_score",
        "route_completion",
        "infraction_penalty",
        "collisions_pedestrians",
        "collisions_vehicles",
        "collisions_layout",
        "red_light_infractions",
        "stop_sign_infractions",
        "off_road_infractions",
        "route_deviations",
        "route_timeouts",
        "agent_blocked",
        "yield_emergency_vehicle_infractions",
        "scenario_timeouts",
        "min_speed_infractions",
    ]


@given(st.sampled_from([LB10, LB20, MIXED, CRASHED]), st.data())
def test_any_truncation_is_not_yet(content: bytes, data: st.DataObject) -> None:
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    parsed = parse(cut, routes=25)
    assert (parsed.outcome, parsed.metrics) == ("not_yet", {})


@given(st.binary(max_size=200))
@example(b"{}")
@example(b"NaN")
@example(b'{"_checkpoint": {"progress": [1e999]}}')
@example(b'{"_checkpoint": {"records": [{"index": 0, "route_id": "\\ud800", "status": ""}]}}')
def test_any_bytes_give_a_verdict(content: bytes) -> None:
    parsed = parse(content)
    assert not parsed.trusted
    parsed.reason.encode()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(FINISHED_STATUSES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def places(document: object, path: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    if isinstance(document, dict | list):
        steps = document if isinstance(document, dict) else range(len(document))
        for step in steps:
            found += [(*path, step), *places(document[step], (*path, step))]
    return found


def put(content: bytes, path: tuple[Any, ...], value: object) -> str:
    document = part = json.loads(content)
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return json.dumps(document)


SMALL = json.dumps(run([record(0), record(1, penalty=0.6, collisions_vehicle=HIT)])).encode()


@given(st.sampled_from(places(json.loads(SMALL))), JSON)
def test_whatever_is_changed_there_is_a_verdict_and_only_finite_metrics(
    path: tuple[Any, ...], value: object
) -> None:
    parsed = parse(put(SMALL, path, value), routes=2)
    parsed.reason.encode()
    for figures in (parsed.metrics, parsed.interim):
        assert all(type(v) is float and math.isfinite(v) for v in figures.values())
    if parsed.trusted:
        assert len(parsed.metrics) == 15
        assert parsed.entry_status in FINISHED_STATUSES
        assert len(parsed.records) == parsed.routes_done == parsed.routes_expected == 2


@given(
    st.sampled_from(["1.0", "2.0"]),
    st.integers(0, 40),
    st.tuples(st.integers(0, 40), st.integers(0, 40)) | st.none(),
    st.sampled_from(
        ["", "Started", "Finished", "Crashed", "Finished with agent errors", "Invalid"]
    ),
    st.booleans(),
)
def test_an_incomplete_file_is_never_trusted(
    version: str,
    kept: int,
    progress: tuple[int, int] | None,
    status: str,
    has_global_record: bool,
) -> None:
    document = loaded(FINISHED[version])
    routes = len(document["_checkpoint"]["records"])
    document["_checkpoint"]["records"] = document["_checkpoint"]["records"][:kept]
    document["_checkpoint"]["progress"] = list(progress or (routes, routes))
    document["entry_status"] = status
    if not has_global_record:
        document["_checkpoint"]["global_record"] = {}
    whole = (
        kept >= routes
        and progress in {None, (routes, routes)}
        and status in FINISHED_STATUSES
        and has_global_record
    )
    assert parse(json.dumps(document), routes=routes).trusted is whole

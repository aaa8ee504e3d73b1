"""Workers' files become one result, or a reason why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.leaderboard.results.carla import parse
from glue.leaderboard.results.generic import parse_generic
from glue.leaderboard.results.merge import merge
from glue.leaderboard.results.render import render
from tests.unit.leaderboard.results.files import (
    FINISHED,
    LB10,
    LB20,
    MIXED,
    part_of,
    record,
    run,
    shares,
)

COUNT = {"1.0": 36, "2.0": 25}
FOUR = [list(range(start, start + 5)) for start in range(0, 20, 5)]


def parts(count: int = 4) -> list[str]:
    """Return the files of workers that share the first 20 routes of the real run."""
    return [part_of(LB20, routes) for routes in FOUR[:count]]


def made(names: list[str], version: str = "2.0", **changes: Any) -> str:
    return json.dumps(
        run([record(i, version, name=n) for i, n in enumerate(names)], version) | changes
    )


@given(st.sampled_from(["1.0", "2.0"]), st.data())
def test_any_partition_merges_to_the_whole(version: str, data: st.DataObject) -> None:
    content, count = FINISHED[version], COUNT[version]
    shared = data.draw(shares(count))
    merged = merge([part_of(content, routes) for routes in shared], len(shared), count)
    whole = parse(content, routes=count)
    assert (merged.trusted, merged.version) == (True, version), merged.reason
    assert merged.records == whole.records
    assert merged.failures == whole.failures
    # This 1.0 file's own infraction figures are those of the older writer.
    expected = whole.metrics if version == "2.0" else whole.interim
    assert merged.metrics == pytest.approx(expected)
    assert merged == merge([content], 1, count)


@given(st.data())
def test_without_one_worker_nothing_is_trusted(data: st.DataObject) -> None:
    shared = data.draw(shares(25).filter(lambda drawn: len(drawn) > 1))
    files = [part_of(LB20, routes) for routes in shared]
    lost = data.draw(st.integers(0, len(files) - 1))
    wrong = data.draw(st.sampled_from(["removed", "empty", "cut", "another's"]))
    if wrong == "removed":
        del files[lost]
    elif wrong == "empty":
        files[lost] = ""
    elif wrong == "cut":
        files[lost] = files[lost][: data.draw(st.integers(0, len(files[lost]) - 1))]
    else:
        files[lost] = files[lost - 1]
    merged = merge(files, len(shared), 25)
    assert merged.outcome == ("unusable" if wrong == "another's" else "not_yet")
    assert merged.metrics == {}


def test_a_merged_run() -> None:
    merged = merge(parts(), 4, 20)
    assert (merged.outcome, merged.reason) == ("trusted", "Finished: all 20 routes")
    assert merged.document
    assert merged.document.checkpoint.progress == [20, 20]
    assert [one.index for one in merged.records] == list(range(20))
    overall = merged.document.checkpoint.global_record
    assert overall["status"] == "Completed"
    assert overall["meta"]["total_length"] == pytest.approx(
        sum(one.meta.route_length for one in merged.records)
    )
    assert overall["scores_std_dev"]["score_route"] == 0
    assert merge([parse(file) for file in parts()], 4, 20) == merged


def test_the_status_of_a_merged_run() -> None:
    perfect = merge([json.dumps(run([record(0, status="Perfect")]))], 1, 1)
    assert perfect.document
    assert perfect.document.checkpoint.global_record["status"] == "Perfect"
    assert perfect.document.checkpoint.global_record["scores_std_dev"] == {
        "score_composed": 0,
        "score_route": 0,
        "score_penalty": 0,
    }
    with_errors = merge([part_of(LB10, [0]), part_of(LB10, [1], entry_status="Finished")], 2, 2)
    assert with_errors.entry_status == "Finished with agent errors"
    failed = merge([part_of(LB10, list(range(36)))], 1, 36).document
    assert failed
    assert failed.checkpoint.global_record["status"] == "Failed"
    assert len(failed.checkpoint.global_record["meta"]["exceptions"]) == 13


def test_the_last_worker_that_never_wrote_is_missed() -> None:
    """The evaluator's own script makes a finished run of this."""
    merged = merge(parts(3), 4, 20)
    assert (merged.outcome, merged.reason) == ("not_yet", "worker 4: there is no file of it")
    assert (merged.routes_done, merged.routes_expected) == (15, 20)
    assert merged.interim["Route completion"] == 75
    # Nor does it pass when three workers are all that is said to have run.
    assert "about 15 routes and 20 are expected" in merge(parts(3), 3, 20).reason


def test_workers_on_their_way_are_named() -> None:
    running = json.loads(part_of(LB20, FOUR[1])) | {"entry_status": "Started"}
    running["_checkpoint"]["records"] = running["_checkpoint"]["records"][:2]
    merged = merge([parts()[0], json.dumps(running), ""], 3, 15)
    assert merged.outcome == "not_yet"
    assert merged.reason == (
        "worker 2: the run is not finished: 2 of 5 routes are done; "
        "worker 3: the file is empty: the evaluator has not written it yet"
    )
    assert merged.routes_done == 7
    nobody = merge([], 2, 10)
    assert (nobody.outcome, nobody.version, nobody.routes_done) == ("not_yet", None, 0)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([*parts(), part_of(LB20, [20])], "files of 5 workers, and 4 ran"),
        ([*parts(3), parts()[0]], "workers 1 and 4 both have 'RouteScenario_0_rep0'"),
        ([*parts(3), parts()[0][:-1] + ', "x": 1}'], "both have"),
        ([*parts(3), part_of(LB20, FOUR[3], entry_status="Crashed")], "worker 4: the file says"),
        ([*parts(3), part_of(LB20, FOUR[3], sensors=["carla_lidar"])], "workers 1 and 4 have diff"),
        ([*parts(3), part_of(LB10, FOUR[3])], "worker 1 is of version 2.0 and worker 4 of 1.0"),
        ([*parts(3), part_of(LB20, [20, 21, 22, 23, 24])], "the routes jump from 14 to 20"),
        ([*parts(3), MIXED], "both have"),
        ([*parts(3), "[]"], "worker 4: the file holds no JSON object"),
        ([*parts(3), part_of(LB20, FOUR[3][:4])], "about 19 routes and 20 are expected"),
    ],
)
def test_wrong_workers_are_noticed(files: list[str], says: str) -> None:
    merged = merge(files, 4, 20)
    assert (merged.outcome, merged.metrics) == ("unusable", {})
    assert says in merged.reason


def test_a_worker_whose_sensors_are_not_told() -> None:
    assert merge([*parts(3), part_of(LB20, FOUR[3], sensors=[])], 4, 20).trusted


def test_a_file_of_another_format_is_no_workers() -> None:
    other = parse_generic(
        '{"format": "leaderboard-result", "format_version": 1, "status": "finished", '
        '"units": {"done": 1, "expected": 1}, "metrics": {"Driving score": 1}}'
    )
    assert other.trusted
    merged = merge([other], 1, 1)
    assert (merged.outcome, merged.reason) == (
        "unusable",
        "worker 1: this is no CARLA results file",
    )


def test_repetitions_are_counted() -> None:
    one = made(["RouteScenario_0_rep0", "RouteScenario_0_rep1", "RouteScenario_1_rep0"])
    two = made(["RouteScenario_2_rep0"])
    assert "route 0 was driven 2 times and route 1 1" in merge([one, two], 2, 4).reason
    rest = made(["RouteScenario_1_rep1", "RouteScenario_2_rep0", "RouteScenario_2_rep1"])
    merged = merge([one, rest], 2, 6)
    assert merged.trusted
    assert [r.route_id[-6:] for r in merged.records] == [f"{a}_rep{b}" for a in "012" for b in "01"]


def test_names_of_another_kind_are_taken_as_they_are() -> None:
    merged = merge([made(["town-9", "town-2"]), made(["RouteScenario_7_rep0"])], 2, 3)
    assert merged.trusted
    assert [r.route_id for r in merged.records] == ["RouteScenario_7_rep0", "town-2", "town-9"]


def test_parts_that_2_0_and_2_1_would_write_alike() -> None:
    hit = json.dumps(
        run([record(0, penalty=1 / 1.7, name="RouteScenario_1_rep0", collisions_vehicle=["a car"])])
    )
    clean = made(["RouteScenario_0_rep0"])
    assert merge([clean, hit], 2, 2).version == "2.1"
    assert merge([clean], 1, 1).version == "2.0"
    assert merge([clean], 1, 1, version="2.1").version == "2.1"
    assert "and 2.0 ran" in merge([clean, hit], 2, 2, version="2.0").reason
    old = json.dumps(
        run([record(0, penalty=0.6, name="RouteScenario_2_rep0", collisions_vehicle=["a car"])])
    )
    assert "worker 2 is of version 2.1 and worker 3 of 2.0" in merge([clean, hit, old], 3, 3).reason
    first = made(["RouteScenario_1_rep0"], "1.0")
    assert "some of its parts" in merge([clean, first], 2, 2).reason


@given(st.sampled_from(["1.0", "2.0"]), st.data())
def test_what_is_rendered_is_read_again(version: str, data: st.DataObject) -> None:
    shared = data.draw(shares(COUNT[version]))
    files = [part_of(FINISHED[version], routes) for routes in shared]
    kept = data.draw(st.integers(0, len(files)))
    merged = merge(files[:kept], len(files), COUNT[version])
    again = parse(render(merged), routes=COUNT[version])
    assert (again.outcome, again.metrics, again.interim, again.failures, again.document) == (
        merged.outcome,
        merged.metrics,
        merged.interim,
        merged.failures,
        merged.document,
    )
    if kept == len(files):
        assert again == merged
        assert render(again) == render(merged)

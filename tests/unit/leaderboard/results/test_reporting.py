"""What is reported: EvalAI's result, what participants read, and the written results file."""

from __future__ import annotations

import json
import math

import pytest

from glue.errors import InputError
from glue.leaderboard.results.carla import parse
from glue.leaderboard.results.evalai import CARLA_LABELS, result_text
from glue.leaderboard.results.parsed import Parsed
from glue.leaderboard.results.render import render
from glue.leaderboard.results.stdout import stdout_text
from tests.unit.leaderboard.results.files import CRASHED, LB10, LB20, MIXED, changed, loaded


def test_the_result_that_evalai_wants() -> None:
    for content in (LB10, LB20):
        metrics = parse(content).metrics
        text = result_text(metrics)
        assert json.loads(text) == [
            {"split": "leaderboard", "show_to_participant": True, "accuracies": metrics}
        ]
        assert list(json.loads(text)[0]["accuracies"]) == list(CARLA_LABELS)[: len(metrics)]
    other = result_text({"F1": 0.5}, "test", show_to_participant=False, labels=["F1"])
    assert other == '[{"split": "test", "show_to_participant": false, "accuracies": {"F1": 0.5}}]'


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ({}, "there are none"),
        ({"Avg. driving score": 1.0}, "no label 'Avg. driving score'"),
        ({"driving score": 1.0}, "no label 'driving score'"),
        ({"Driving score": math.nan}, "nan is no finite number"),
        ({"Driving score": math.inf}, "inf is no finite number"),
        ({"Driving score": "NaN"}, "'NaN' is no finite number"),
        ({"Driving score": True}, "True is no finite number"),
        ({"Driving score": []}, "is no finite number"),
    ],
)
def test_what_evalai_would_refuse_never_leaves(metrics: dict[str, float], says: str) -> None:
    with pytest.raises(InputError, match="metrics") as caught:
        result_text(metrics)
    assert says in str(caught.value)
    with pytest.raises(InputError, match="codename of the dataset split"):
        result_text({"Driving score": 1.0}, "")


def test_what_a_participant_reads() -> None:
    text = stdout_text(parse(MIXED, routes=25))
    assert text.splitlines()[:6] == [
        "Routes done: 12 of 25",
        "State: the run is not finished: 12 of 25 routes are done",
        "Sensors: camera, lidar, radar, gnss, imu, speedometer",
        "Simulation: 0.665 x real time, 13.3 frames a second",
        "",
        "Each route: driving score = route completion x infraction penalty",
    ]
    assert "RouteScenario_3_rep0: 100.00 = 100.00 x 1.000, Perfect (no infractions)" in text
    assert (
        "RouteScenario_10_rep0: 10.63 = 99.76 x 0.107, Failed - Agent got blocked "
        "(collisions vehicles 3, off-road infractions 1, agent blocked 1, scenario timeouts 1, "
        "min speed infractions 2)"
    ) in text
    assert "Note: the evaluator was resumed" in stdout_text(parse(LB10))


def test_a_strangers_names_stay_one_line_of_ascii() -> None:
    odd = changed(CRASHED, "_checkpoint/records/0/route_id", "a\nRoutes done: 25 of 25\u202e")
    text = stdout_text(parse(odd.replace("carla_camera", "\\u001b[31m")))
    assert text.isascii()
    assert "\x1b" not in text
    assert not any(line == "Routes done: 25 of 25" for line in text.splitlines())


def test_a_run_of_which_nothing_is_there() -> None:
    assert stdout_text(parse(b"")) == (
        "Routes done: 0 of an unknown number of\n"
        "State: the file is empty: the evaluator has not written it yet\n"
    )


def test_a_written_file_is_of_the_evaluators_shape() -> None:
    for content in (LB10, LB20, MIXED, CRASHED):
        real, written = loaded(content), json.loads(render(parse(content)))
        assert set(written) == set(real)
        assert written["labels"] == real["labels"]
        assert [float(v) for v in written["values"]] == [float(v) for v in real["values"]]
        assert written["_checkpoint"] == real["_checkpoint"]
        assert parse(json.dumps(written)) == parse(content)
    with pytest.raises(InputError, match="no CARLA results file to write"):
        render(Parsed("not_yet", "the file is empty"))

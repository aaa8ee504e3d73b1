"""Results: believed only when they are complete, kept whatever happens, told once."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from glue.leaderboard.evalai.errors import EvalAIBusy, EvalAIRefused, EvalAIUnavailable
from glue.leaderboard.kubernetes.errors import KubernetesUnavailable
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from glue.settings import Evaluation, Pod
from tests.unit.leaderboard.kubernetes.samples import crashed, ended
from tests.unit.leaderboard.results.files import CRASHED, LB10, LB20, changed, part_of
from tests.unit.leaderboard.steps.world import (
    PARTLY,
    WHOLE,
    InProcess,
    World,
    ends,
    runs,
)
from tests.unit.leaderboard.store.ground import BUCKET, Ground

RUNNING, FINISHED, FAILED = ("PATCH", "running"), ("PUT", "FINISHED"), ("PUT", "FAILED")


def at_its_end(world: World, content: bytes | str | None = WHOLE, **changes: Any) -> Run:
    """Take a submission to the step that closes it."""
    run = world.step(world.step(world.submit(**changes)))
    runs(run)(world)
    run = world.step(run)
    ends(run, content)(world)
    run = world.step(run)
    assert run.next == "finish"
    return run


def test_a_complete_result_is_stored_and_told(world: World) -> None:
    world.cluster.logs["agent-1"] = "I drive. \0\n"
    run = at_its_end(world)
    assert world.drive(run).next == "end"
    item = world.stored(run)
    assert item.state is State.FINISHED
    assert (item.routes_done, item.routes_expected) == (25, 25)
    assert item.results == f"s3://{BUCKET}/{run.submission}/results.json"
    assert (item.evalai_status, item.reason, item.remedy) == ("finished", "", "")
    assert item.ended_at == "2026-11-18T11:06:40.000Z"
    assert len(item.metrics) == 15
    assert "off_road_infractions" in item.metrics
    held = world.held(run)
    (score,) = held["scores"].values()
    assert score["accuracies"]["Driving score"] == item.metrics["driving_score"]
    assert "Routes done: 25 of 25" in held["stdout"]
    assert "--- agent-1 ---\nI drive. \N{REPLACEMENT CHARACTER}" in held["stdout"]
    assert "evaluator-1" not in held["stdout"]
    assert "--- evaluator-1 ---\nthe words of evaluator-1" in held["environment_log"]
    assert "the words of uploader" in held["environment_log"]
    assert json.loads(held["metadata"])["version"] == "2.0"
    assert world.results(run) is not None
    stored = {found.key: found for found in world.services.storage.objects(run.submission)}
    assert {f"{run.submission}/evalai/{name}" for name in
            ("results.json", "stdout.txt", "metadata.json")} <= set(stored)  # fmt: skip
    assert world.cluster.held == world.cluster.secrets == {}


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, "results_incomplete", "there is no results file"),
        (b"", "results_incomplete", "the file is empty"),
        (LB20[: len(LB20) // 2], "results_incomplete", "half-written"),
        (PARTLY, "results_incomplete", "12 of 25 routes"),
        (b"[]", "results_unusable", "no JSON object"),
        (LB10, "results_unusable", "1.0, and 2.0 ran"),
        (CRASHED, "results_incomplete", "1 of 25 routes"),
        (part_of(LB20, list(range(20))), "results_unusable", "20 routes and 25 are expected"),
        (
            changed(LB20, "_checkpoint/global_record/scores_mean/score_composed", 99.9),
            "results_unusable",
            "the global record is of another run",
        ),
        (
            changed(LB20, "_checkpoint/global_record/scores_mean/score_composed", float("nan")),
            "results_unusable",
            "no finite number",
        ),
        (changed(LB20, "_checkpoint/records/3/status", "Started"), "results_unusable", "Started"),
    ],
    ids=[
        "no file",
        "empty",
        "half-written",
        "partial",
        "no object",
        "of another version",
        "a worker's only",
        "fewer routes",
        "inconsistent",
        "NaN",
        "a route that is not over",
    ],
)
def test_a_result_that_cannot_be_believed_fails_with_the_reason(
    world: World, content: bytes | str | None, code: str, words: str
) -> None:
    run = at_its_end(world, content)
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, code)
    assert words in item.reason
    held = world.held(run)
    assert held["status"] == "failed"
    assert words in held["stderr"]
    assert world.told(run) == [RUNNING, FAILED]
    assert item.metrics == {}
    assert item.results is None
    assert world.results(run) is None
    # What the run wrote is still there.
    sizes = [found.size for found in world.services.storage.objects(run.submission)]
    assert sizes == ([] if content is None else [len(content)])


@pytest.mark.parametrize(
    ("uploader", "words"),
    [
        (ended("uploader", 1), "uploader ended with 1"),
        (
            ended("uploader", 137, "OOMKilled") | {"restartCount": 1},
            "137 (OOMKilled), 2 times in all",
        ),
        (crashed("uploader", 137, 1), "uploader ended with 137"),
    ],
    ids=["not everything", "out of memory", "down when the run was over"],
)
def test_results_that_were_not_sent_are_no_fault_of_the_submission(
    world: World, uploader: Any, words: str
) -> None:
    run = at_its_end(world, PARTLY)
    world.cluster.pod(ended("evaluator-1", 0), init=(uploader,), phase="Succeeded")
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, "results_not_sent")
    assert "12 of 25 routes" in item.reason
    assert words in item.reason
    assert "no fault of the submission" in world.held(run)["stderr"]
    assert "see that S3 can be reached" in item.remedy


def test_what_makes_results_unusable_was_sent(world: World) -> None:
    run = at_its_end(world, b"[]")
    world.cluster.pod(init=(ended("uploader", 1),), phase="Succeeded")
    world.drive(run)
    assert world.stored(run).reason_code == "results_unusable"


def test_a_pod_that_cannot_be_read_explains_nothing(world: World) -> None:
    run = at_its_end(world, PARTLY)
    world.cluster.pod(init=(ended("uploader", 1),), phase="Succeeded")
    world.cluster.problem = KubernetesUnavailable("no answer", "", 503)
    following = world.step(run)
    assert following.failure is not None
    assert following.failure.code == "results_incomplete"


def test_a_missing_worker_is_noticed(ground: Ground, evalai: InProcess) -> None:
    world = World(ground, evalai, pod=Pod(workers=2))
    run = at_its_end(world, part_of(LB20, list(range(13))))
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, "results_incomplete")
    assert "worker 2: there is no results file" in item.reason


def test_several_workers_and_a_format_that_knows_none(ground: Ground, evalai: InProcess) -> None:
    world = World(
        ground, evalai, pod=Pod(workers=2), evaluation=Evaluation(format="generic", routes=4)
    )
    run = world.submit()
    world.drive(run, [runs(run)])
    assert world.stored(run).reason_code == "configuration"


def test_a_file_of_the_generic_format_that_is_not_there(ground: Ground, evalai: InProcess) -> None:
    world = World(ground, evalai, evaluation=Evaluation(format="generic", routes=4))
    run = at_its_end(world, None)
    world.drive(run)
    assert world.stored(run).reason_code == "results_incomplete"


def test_what_evalai_does_not_take_is_kept(world: World) -> None:
    run = at_its_end(world)
    split = {"codename": "leaderboard", "labels": ["Accuracy"]}
    world.evalai.put_challenge(phases=[{"pk": run.phase, "codename": "x-Y", "splits": [split]}])
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, "rejected_by_evalai")
    assert "metrics are missing" in item.reason
    assert "compare the labels" in item.remedy
    assert len(item.metrics) == 15
    assert item.results is not None
    assert world.results(run) is not None
    held = world.held(run)
    assert (held["status"], "metrics are missing" in held["stderr"]) == ("failed", True)
    assert world.told(run) == [RUNNING, FAILED]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 500, "times": None}, EvalAIUnavailable),
        ({"status": 502, "times": None}, EvalAIUnavailable),
        ({"status": 429, "times": None}, EvalAIBusy),
        ({"status": 401, "times": None}, EvalAIRefused),
    ],
)
def test_evalai_that_does_not_hear_gets_the_result_later(
    world: World, fault: dict[str, Any], error: type[Exception]
) -> None:
    run = at_its_end(world)
    world.evalai.fault("status", **fault)
    with pytest.raises(error):
        world.drive(run)  # for hours; then the execution ends, and nothing is lost by that
    item = world.stored(run)
    assert item.state is State.FINISHING
    assert len(item.metrics) == 15
    assert world.results(run) is not None
    assert world.told(run) == [RUNNING]
    world.evalai.admin("DELETE", "faults")
    taken_up = run.model_copy(update={"next": "watch", "part": 2})
    assert world.drive(taken_up).next == "end"
    assert world.stored(run).state is State.FINISHED
    assert world.told(run) == [RUNNING, FINISHED]


def test_evalai_that_hears_again_when_all_tries_are_over(world: World) -> None:
    run = at_its_end(world)
    world.evalai.fault("status", status=500, times=2 * 4 + 1)
    assert world.drive(run).next == "end"
    assert world.stored(run).state is State.FINISHED
    assert world.told(run) == [RUNNING, FINISHED]


def test_an_answer_that_is_lost_is_told_once(world: World) -> None:
    run = at_its_end(world)
    inner = world.transport._inner

    class Losing(httpx.BaseTransport):
        lost = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = inner.handle_request(request)
            if request.method == "PUT" and not self.lost:
                self.lost += 1
                raise httpx.ReadError("connection lost")
            return answer

    world.transport._inner = Losing()
    assert world.drive(run).next == "end"
    assert world.stored(run).state is State.FINISHED
    assert world.told(run) == [RUNNING, FINISHED]


@pytest.mark.parametrize("status", ["cancelled", "archived", "failed"])
def test_what_was_closed_there_meanwhile_stays_as_it_is(world: World, status: str) -> None:
    run = at_its_end(world)
    world.evalai.application._store.put(  # type: ignore[attr-defined]
        "submission", run.submission, world.held(run) | {"status": status}
    )
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.evalai_status) == (State.CANCELLED, status)
    assert item.reason_code == ("closed_at_evalai" if status == "failed" else "cancelled")
    assert world.told(run) == [RUNNING]
    assert world.held(run)["status"] == status
    assert world.results(run) is not None  # no result is lost


def test_a_closed_one_that_evalai_has_not_heard_of_is_told(world: World) -> None:
    run = at_its_end(world)
    item = world.stored(run)
    world.services.table.move(item, State.FINISHED, evalai_status="running")
    assert world.step(run).next == "end"
    item = world.stored(run)
    assert (item.state, item.evalai_status) == (State.FINISHED, "finished")
    assert world.told(run) == [RUNNING, FINISHED]


@pytest.mark.parametrize("state", [State.FINISHED, State.CANCELLED, State.FAILED])
def test_a_closed_one_is_not_closed_again(world: World, state: State) -> None:
    run = at_its_end(world)
    world.services.table.move(world.stored(run), state, evalai_status="finished")
    before = world.stored(run)
    assert world.step(run).next == "end"
    assert world.stored(run) == before
    assert world.told(run) == [RUNNING]
    assert world.cluster.held == {}


def test_a_submission_that_is_not_there_is_over(world: World) -> None:
    assert world.step(world.submit(next="finish")).next == "end"


def test_a_cluster_that_refuses_keeps_nobody_from_the_end(world: World) -> None:
    from glue.leaderboard.kubernetes.errors import KubernetesRefused

    run = at_its_end(world)
    world.cluster.problem = KubernetesRefused("no", "Forbidden", 403)
    assert world.drive(run).next == "end"
    assert world.stored(run).state is State.FINISHED
    assert world.told(run) == [RUNNING, FINISHED]


def test_long_logs_are_cut_fairly(ground: Ground, evalai: InProcess) -> None:
    world = World(ground, evalai, pod=Pod(workers=2))
    world.cluster.logs |= {f"agent-{worker}": str(worker) * 200_000 for worker in (1, 2)}
    run = at_its_end(world, part_of(LB20, list(range(13))))
    world.write(run, part_of(LB20, list(range(13, 25))), 2)
    world.drive(run)
    stdout = world.held(run)["stdout"]
    assert stdout.count("1" * 1000) == stdout.count("2" * 1000) == 30
    assert "Routes done: 25 of 25" in stdout

"""The end of what goes wrong: a reason for people, nothing left behind, EvalAI's word the last."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glue.errors import InputError
from glue.leaderboard import reasons
from glue.leaderboard.evalai.errors import EvalAIRefused
from glue.leaderboard.kubernetes.errors import KubernetesUnavailable
from glue.leaderboard.run import Failure, Run, StepError
from glue.leaderboard.states import State
from glue.leaderboard.steps import STEPS
from tests.unit.leaderboard.evalai.stage import TEAM
from tests.unit.leaderboard.steps.world import World, ends, runs, waits

RUNNING, FAILED = ("PATCH", "running"), ("PUT", "FAILED")
WHY = Failure(code="job_lost", message="Somebody deleted it.")


def launched(world: World) -> Run:
    return world.step(world.step(world.submit()))


def caught(run: Run, error: str, message: Any = "secret detail") -> Run:
    """Return a run as a Catch hands it on."""
    cause = json.dumps({"errorMessage": message, "errorType": error, "stackTrace": ["line 1"]})
    return run.model_copy(update={"next": "fail", "error": StepError(Error=error, Cause=cause)})


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("EvalAIUnavailable", "evalai_unavailable", "EvalAI did not answer for hours"),
        ("EvalAIBusy", "evalai_busy", "no more calls"),
        ("EvalAIRefused", "evalai_refused", "token"),
        ("KubernetesUnavailable", "kubernetes_unavailable", "The cluster did not answer"),
        ("KubernetesRefused", "kubernetes_refused", "The cluster did not take it"),
        ("InputError", "configuration", "not set up as it should be"),
        ("States.Timeout", "step_timeout", "took too long"),
        ("ZeroDivisionError", "internal", "A step of ours failed"),
        ("Lambda.Unknown", "internal", "A step of ours failed"),
    ],
)
def test_a_step_that_failed_is_told_without_its_innards(
    world: World, error: str, code: str, words: str
) -> None:
    run = caught(launched(world), error)
    assert world.drive(run).next == "end"
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.FAILED, code)
    held = world.held(run)
    assert words in held["stderr"]
    assert "secret detail" not in held["stderr"] + held["stdout"] + item.reason
    assert f"{error}: secret detail" in held["environment_log"]
    assert "line 1" not in held["environment_log"]
    assert "rerun leaderboard-10" in item.remedy
    assert world.cluster.held == world.cluster.secrets == {}


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ('{"errorMessage": "so"}', "so"),
        ('{"errorMessage": null}', ""),
        ('"text"', ""),
        ("no JSON", "no JSON"),
        ("", ""),
        ("x" * 9000, "x" * 500),
    ],
)
def test_whatever_a_cause_holds(cause: str, said: str) -> None:
    assert reasons.said(StepError(Error="X", Cause=cause)) == said


def test_a_rejection_that_was_raised_is_told_in_evalais_words() -> None:
    cause = json.dumps({"errorMessage": "EvalAI rejected the call (status 400): no split"})
    failure = reasons.failed_step(StepError(Error="EvalAIRejected", Cause=cause))
    assert (failure.code, "no split" in failure.message) == ("rejected_by_evalai", True)


def test_the_participant_reads_the_agents_words_and_the_hosts_ours(world: World) -> None:
    run = launched(world)
    runs(run)(world)
    run = world.step(run)
    world.drive(run.then("fail", failure=WHY))
    held = world.held(run)
    assert held["stderr"] == "Somebody deleted it.\n"
    assert held["stdout"] == "--- agent-1 ---\nthe words of agent-1\n"
    assert held["environment_log"].startswith("job_lost: Somebody deleted it.\n")
    assert "the words of evaluator-1" in held["environment_log"]
    assert "the words of simulator-1" in held["environment_log"]
    assert json.loads(held["metadata"])["reason"] == "job_lost"


def test_logs_that_cannot_be_read_are_done_without(world: World) -> None:
    run = launched(world)
    runs(run)(world)
    run = world.step(run)
    world.cluster.pods_of.clear()
    world.drive(run.then("fail", failure=WHY))
    assert world.held(run)["stdout"] == ""
    assert world.told(run) == [RUNNING, FAILED]


def test_a_job_that_still_runs_is_ended_before_evalai_is_waited_for(world: World) -> None:
    run = launched(world)
    waits()(world)
    run = world.step(run).then("fail", failure=WHY)
    world.evalai.fault("status", status=401, times=None)
    with pytest.raises(EvalAIRefused):
        world.step(run)
    assert world.cluster.held == world.cluster.secrets == {}
    assert world.stored(run).state is State.WAITING
    world.evalai.admin("DELETE", "faults")
    assert world.drive(run).next == "end"
    assert world.stored(run).state is State.FAILED


def test_a_job_that_is_over_is_kept_until_evalai_has_heard_what_it_said(world: World) -> None:
    run = launched(world)
    runs(run)(world)
    run = world.step(run)
    ends(run, None)(world)
    run = run.then("fail", failure=WHY)
    world.evalai.fault("status", status=401, times=None)
    with pytest.raises(EvalAIRefused):
        world.step(run)
    world.evalai.admin("DELETE", "faults")
    world.drive(run)
    assert "the words of agent-1" in world.held(run)["stdout"]
    assert world.cluster.held == {}


def test_a_cluster_that_does_not_answer_keeps_evalai_from_nothing(world: World) -> None:
    run = launched(world).then("fail", failure=WHY)
    world.cluster.problem = KubernetesUnavailable("no answer")
    with pytest.raises(KubernetesUnavailable):
        world.drive(run)
    assert world.told(run) == [FAILED]
    assert world.stored(run).state is State.FAILED
    world.cluster.problem = None
    assert world.drive(run).next == "end"  # the Job goes as soon as it can
    assert world.cluster.held == {}
    assert world.told(run) == [FAILED]


def test_a_cluster_that_is_not_set_up_keeps_evalai_from_nothing(world: World) -> None:
    run = launched(world)
    runs(run)(world)
    run = caught(world.step(run), "InputError", "certificate_authority: it is none")
    world.cluster.problem = InputError("certificate_authority", "it is none", "write one")
    assert world.drive(run).next == "end"
    assert world.stored(run).reason_code == "configuration"
    assert world.told(run) == [RUNNING, FAILED]


@pytest.mark.parametrize("status", ["cancelled", "archived"])
def test_a_cancel_wins(world: World, status: str) -> None:
    run = launched(world).then("fail", failure=WHY)
    store = world.evalai.application._store  # type: ignore[attr-defined]
    store.put("submission", run.submission, world.held(run) | {"status": status})
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.CANCELLED, "cancelled")
    assert item.evalai_status == world.held(run)["status"] == status
    assert world.told(run) == []


@pytest.mark.parametrize("error", ["Closed", "Superseded"])
def test_what_is_over_is_no_failure(world: World, error: str) -> None:
    run = caught(launched(world), error)
    assert world.drive(run).next == "end"
    assert world.told(run) == []
    assert world.stored(run).state is State.WAITING  # another attempt's, or closed by now


def test_a_later_attempt_is_left_alone(world: World) -> None:
    run = launched(world)
    item = world.stored(run).model_copy(update={"attempt": 2, "state": State.SUBMITTED})
    world.services.table.open(item)
    assert world.drive(run.then("fail", failure=WHY)).next == "end"
    assert world.stored(run).state is State.SUBMITTED
    assert world.told(run) == []
    assert world.cluster.held == {}


def test_a_later_attempt_that_comes_meanwhile_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launched(world)
    item = world.stored(run)
    world.services.table.open(item.model_copy(update={"attempt": 2}))
    with monkeypatch.context() as patch:
        patch.setattr(type(world.services.table), "get", lambda *_: item)  # read a moment before
        assert world.drive(run.then("fail", failure=WHY)).next == "end"
    assert world.stored(run).attempt == 2
    assert world.stored(run).reason_code == ""
    assert world.told(run) == []


def test_an_attempt_without_an_item_gets_one(world: World) -> None:
    run = caught(world.submit(), "ClientError")
    world.drive(run)
    item = world.stored(run)
    assert (str(item.team), item.state, item.reason_code) == (str(TEAM), State.FAILED, "internal")
    assert item.evalai_status == world.held(run)["status"] == "failed"


def test_a_second_attempt_without_an_item_gets_one(world: World) -> None:
    first = world.submit(is_static_dataset=True)
    world.drive(first)
    run = caught(world.run_of(first.key, attempt=2, reopen=True), "ClientError")
    world.drive(run)
    item = world.stored(run)
    assert (item.attempt, item.state, item.reason_code) == (2, State.FAILED, "internal")
    assert item.team_name == "Racers"


def test_a_submission_that_evalai_does_not_know_is_nobodys(world: World) -> None:
    run = world.submit().model_copy(update={"submission": 4711})
    assert world.drive(run).next == "end"
    assert world.item(run) is None
    assert world.told(run) == []


def test_a_failure_that_evalai_does_not_take_is_closed_all_the_same(world: World) -> None:
    run = launched(world).then("fail", failure=WHY)
    world.evalai.fault("status", status=400, method="PUT", times=None)
    assert world.drive(run).next == "end"
    item = world.stored(run)
    assert (item.state, item.evalai_status) == (State.FAILED, "failed")


def test_a_closed_one_that_evalai_has_not_heard_of_is_told(world: World) -> None:
    run = launched(world)
    world.services.table.move(
        world.stored(run), State.FAILED, reason_code="deadline", reason="It took too long."
    )
    assert world.drive(run.then("fail", failure=WHY)).next == "end"
    item = world.stored(run)
    assert (item.state, item.reason_code, item.evalai_status) == (
        State.FAILED,
        "deadline",
        "failed",
    )
    assert world.told(run) == [FAILED]


@pytest.mark.parametrize("has_result", [True, False])
def test_what_evalai_holds_as_finished(world: World, has_result: bool) -> None:
    """A step that told the result and died is no failure; anybody else's result is none of ours."""
    run = launched(world)
    metrics = {"driving_score": 41.2} if has_result else {}
    world.services.table.move(world.stored(run), State.FINISHING, metrics=metrics)
    store = world.evalai.application._store  # type: ignore[attr-defined]
    store.put("submission", run.submission, world.held(run) | {"status": "finished"})
    world.drive(caught(run, "ClientError"))
    item = world.stored(run)
    assert item.state is (State.FINISHED if has_result else State.FAILED)
    assert item.evalai_status == "finished"
    assert item.reason_code == ("" if has_result else "internal")


def test_a_rerun_that_fails_leaves_the_result_of_before(world: World) -> None:
    first = world.submit()
    world.drive(first, [runs(first), ends(first)])
    again = world.run_of(first.key, attempt=2, reopen=True)
    again = world.step(world.step(again))
    world.drive(again.then("fail", failure=WHY))
    item = world.stored(again)
    assert (item.attempt, item.state, item.evalai_status) == (2, State.FAILED, "finished")
    assert world.held(again)["status"] == "finished"


def test_what_somebody_closed_at_evalai_is_cancelled_here(world: World) -> None:
    run = launched(world)
    failure = Failure(code="closed_at_evalai", message="EvalAI holds it as failed")
    store = world.evalai.application._store  # type: ignore[attr-defined]
    store.put("submission", run.submission, world.held(run) | {"status": "failed"})
    world.drive(run.then("fail", failure=failure))
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.CANCELLED, "closed_at_evalai")


def test_a_run_that_fails_without_saying_why(world: World) -> None:
    run = launched(world).model_copy(update={"next": "fail"})
    world.drive(run)
    assert world.stored(run).reason_code == "internal"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (119.6, "2 min"), (3599, "59 min"), (3600, "1 h 0 min"), (9000, "2 h 30 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert reasons.duration(seconds) == text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("no_gpu_node", "then run it again by `glue leaderboard rerun leaderboard-20 7`"),
        ("anything_else", "run it again by `glue leaderboard rerun leaderboard-20 7`"),
        (
            "rejected_by_evalai",
            "without a run, by `glue leaderboard rerun leaderboard-20 7 --judge-only`",
        ),
        (
            "results_incomplete",
            "judge what is stored by `glue leaderboard rerun leaderboard-20 7 --judge-only`",
        ),
        ("cancelled", ""),
    ],
)
def test_remedies(code: str, words: str) -> None:
    found = reasons.remedy_of(code, "leaderboard-20", 7)
    assert found.endswith(words)
    assert bool(found) is bool(words)


def test_the_steps_are_those_that_a_run_names() -> None:
    from typing import get_args

    from glue.leaderboard.run import Next

    assert set(STEPS) | {"end"} == set(get_args(Next))

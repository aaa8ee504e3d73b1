"""What the reconciler mends, what it leaves alone, and what it tells a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from glue.leaderboard.names import execution_name, worker_results
from glue.leaderboard.reconcile import Unreconciled
from glue.leaderboard.reconcile_findings import NOT_CLOSED, NOT_PREPARED
from glue.leaderboard.reconcile_items import BROKEN_OFF, CLOSED_AT_EVALAI
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from tests.unit.leaderboard.evalai.stage import CHALLENGE, PHASE
from tests.unit.leaderboard.reconcile.stage import Scene, ago, text
from tests.unit.leaderboard.results.files import LB20, MIXED
from tests.unit.leaderboard.store.ground import BUCKET

if TYPE_CHECKING:
    from glue.leaderboard.table import SubmissionItem

LONG = 1000.0  # seconds: more than any grace


def results(scene: Scene, item: SubmissionItem, content: bytes = LB20) -> None:
    key = worker_results(item.submission, item.attempt, 1)
    scene.ground.s3.put_object(Bucket=BUCKET, Key=key, Body=content)


def test_nothing_to_do(scene: Scene) -> None:
    assert scene.reconcile() == {}


# --- executions that are not there, or have ended ------------------------------------------


def test_one_that_nobody_has_begun_is_begun_under_its_own_name(scene: Scene) -> None:
    item = scene.submitted()
    scene.later(LONG)
    assert scene.reconcile() == {"started": 1}
    (started,) = scene.states.started
    assert started["name"] == execution_name(item.submission, 1)
    assert Run.model_validate_json(started["input"]).next == "prepare"
    assert scene.reconcile() == {"at_work": 1, "evalai_at_work": 1}, "it is not begun twice"


def test_what_has_just_been_submitted_is_left_to_whoever_does_it(scene: Scene) -> None:
    scene.submitted()
    assert scene.reconcile() == {"young": 1}
    assert not scene.states.started


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED", "none"])
def test_an_execution_that_left_it_open(scene: Scene, status: str) -> None:
    item = scene.submitted(State.RUNNING, pod="pod-1")
    if status != "none":
        scene.states.have(item, status, scene.now, stopDate=scene.now)
    assert scene.reconcile() == {"young": 1}
    scene.later(LONG)
    assert scene.reconcile() == {"failed": 1}
    stored = scene.stored(item)
    assert (stored.state, stored.reason_code) == (State.FAILED, "execution_ended")
    assert scene.held(item) == stored.evalai_status == "failed"
    (told,) = scene.evalai.told("PUT")
    assert told["body"]["stderr"].startswith(BROKEN_OFF.message)
    assert scene.jobs.secrets_deleted
    assert scene.reconcile() == {}
    assert len(scene.evalai.told("PUT")) == 1


def test_results_that_were_there_are_not_lost_with_the_execution(scene: Scene) -> None:
    item = scene.submitted(State.FINISHING)
    scene.states.have(item, "FAILED", scene.now)
    results(scene, item)
    scene.later(LONG)
    assert scene.reconcile() == {"finished": 1}
    stored = scene.stored(item)
    assert (stored.state, stored.evalai_status) == (State.FINISHED, "finished")
    assert stored.metrics["driving_score"] > 0
    assert scene.held(item) == "finished"


def test_results_that_are_not_to_be_believed_fail_it(scene: Scene) -> None:
    item = scene.submitted(State.FINISHING)
    scene.states.have(item, "FAILED", scene.now)
    results(scene, item, MIXED)
    scene.later(LONG)
    assert scene.reconcile() == {"failed": 1}
    assert scene.stored(item).reason_code.startswith("results_")
    assert scene.held(item) == "failed"


def test_a_cancel_wins(scene: Scene) -> None:
    item = scene.submitted(State.FINISHING)
    scene.states.have(item, "FAILED", scene.now)
    results(scene, item)
    scene.evalai.cancel(key_of(item))
    scene.later(LONG)
    scene.reconcile()
    assert scene.stored(item).state is State.CANCELLED
    assert scene.held(item) == "cancelled"


def key_of(item: SubmissionItem):  # type: ignore[no-untyped-def]
    from glue.leaderboard.evalai.models import SubmissionKey

    return SubmissionKey(item.challenge, item.phase, item.submission)


# --- executions at work --------------------------------------------------------------------


def test_one_at_work_is_left_alone(scene: Scene) -> None:
    item = scene.submitted(State.RUNNING, launched_at=text(scene.now))
    scene.states.have(item, "RUNNING", scene.now)
    scene.later(LONG)
    before = scene.stored(item)
    assert scene.reconcile() == {"at_work": 1, "evalai_at_work": 1}
    assert scene.stored(item) == before


def test_a_pod_that_waits_too_long_is_told_once_and_taken_back_when_it_runs(scene: Scene) -> None:
    item = scene.submitted(
        State.WAITING, launched_at=text(scene.now), reason_code="no_gpu_node", reason="0/3 nodes"
    )
    scene.states.have(item, "RUNNING", scene.now)
    scene.later(LONG)
    assert scene.reconcile()["stuck"] == 1
    told = scene.stored(item)
    assert "no_gpu_node" in told.finding
    assert "node group" in told.remedy
    scene.later(LONG)
    assert scene.reconcile()["stuck"] == 1
    assert scene.stored(item) == told, "what has not changed is not written again"
    scene.ground.table.move(item, State.RUNNING)
    assert scene.reconcile()["at_work"] == 1
    assert (scene.stored(item).finding, scene.stored(item).remedy) == ("", "")


def test_results_that_evalai_does_not_take_are_kept_beyond_every_deadline(scene: Scene) -> None:
    item = scene.submitted(State.FINISHING, launched_at=text(scene.now))
    scene.states.have(item, "RUNNING", scene.now)
    scene.later(30 * 24 * 3600)
    for _ in range(2):
        assert scene.reconcile()["stuck"] == 1
        assert scene.stored(item).finding == NOT_CLOSED.what
        assert scene.stored(item).state is State.FINISHING


def test_preparation_that_gets_nowhere(scene: Scene) -> None:
    item = scene.submitted(State.SUBMITTED)
    scene.states.have(item, "RUNNING", scene.now)
    scene.later(LONG)
    assert scene.reconcile()["stuck"] == 1
    assert scene.stored(item).finding == NOT_PREPARED.what


def test_beyond_every_deadline_it_is_failed_whatever_its_execution_does(scene: Scene) -> None:
    item = scene.submitted(State.RUNNING, launched_at=text(scene.now))
    scene.states.have(item, "RUNNING", scene.now)
    pod = scene.services.pod
    scene.later(pod.waiting_seconds + pod.run_seconds + pod.grace_seconds + 3601)
    assert scene.reconcile() == {"failed": 1}
    assert scene.stored(item).reason_code == "deadline"
    assert scene.held(item) == "failed"


# --- EvalAI --------------------------------------------------------------------------------


def test_a_failure_that_evalai_has_not_heard_of_is_told(scene: Scene) -> None:
    item = scene.submitted(State.FAILED, reason_code="program", reason="It crashed.")
    assert scene.reconcile() == {"young": 1}
    scene.later(LONG)
    assert scene.reconcile() == {"told": 1}
    assert scene.held(item) == "failed"
    assert scene.evalai.told("PUT")[0]["body"]["stderr"] == "It crashed.\n"
    assert scene.reconcile() == {}


def test_a_result_that_evalai_has_not_heard_of_is_told(scene: Scene) -> None:
    item = scene.submitted(State.FINISHED)
    results(scene, item)
    scene.later(LONG)
    assert scene.reconcile() == {"told": 1}
    assert scene.held(item) == scene.stored(item).evalai_status == "finished"
    assert scene.reconcile() == {}


def test_a_cancel_that_the_watch_overlooks_is_heeded_at_the_second_look(scene: Scene) -> None:
    item = scene.submitted(State.RUNNING, launched_at=text(scene.now))
    scene.states.have(item, "RUNNING", scene.now)
    scene.evalai.cancel(key_of(item))
    assert scene.reconcile() == {"at_work": 1, "evalai_noticed": 1}
    assert scene.stored(item).finding.startswith(f"{CLOSED_AT_EVALAI} cancelled")
    assert scene.reconcile() == {"at_work": 1, "evalai_failed": 1}
    assert scene.stored(item).state is State.CANCELLED
    assert scene.evalai.told("PUT") == []


@pytest.mark.parametrize(
    ("state", "deed"), [(State.CANCELLED, "settled"), (State.FINISHING, "at_work")]
)
def test_what_its_watch_does_meanwhile_keeps_its_own_words(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, state: State, deed: str
) -> None:
    """The watch notices the cancel just after the reconciler has read the item for it."""
    item = scene.submitted(State.RUNNING, launched_at=text(scene.now))
    scene.states.have(item, "RUNNING", scene.now)
    scene.evalai.cancel(key_of(item))
    table = scene.services.table
    read, reads = table.get, []

    def get(team: int | str, submission: int) -> SubmissionItem | None:
        found = read(team, submission)
        reads.append(found)
        if len(reads) == 2:
            table.move(item, state, remedy="run it again")
        return found

    monkeypatch.setattr(table, "get", get)
    assert scene.reconcile() == {"at_work": 1, f"evalai_{deed}": 1}
    monkeypatch.undo()
    stored = scene.stored(item)
    assert (stored.state, stored.finding, stored.remedy) == (state, "", "run it again")


def test_what_evalai_opened_again_is_let_go_on(scene: Scene) -> None:
    item = scene.submitted(State.RUNNING, finding=f"{CLOSED_AT_EVALAI} failed, and …", remedy="x")
    scene.states.have(item, "RUNNING", scene.now)
    assert scene.reconcile() == {"at_work": 1, "evalai_at_work": 1}
    assert scene.stored(item).finding == ""


def test_a_rerun_is_not_ended_by_what_the_attempt_before_came_to(scene: Scene) -> None:
    item = scene.submitted(State.LAUNCHING)
    scene.evalai.update(key_of(item), submission_status="FAILED", result="[]", stdout="",
                        stderr="", environment_log="", metadata="")  # fmt: skip
    again = scene.ground.table.open(item.model_copy(update={"attempt": 2, "reopen": True}))
    scene.states.have(again, "RUNNING", scene.now)
    assert scene.reconcile() == {"at_work": 1, "evalai_at_work": 1}


def test_what_evalai_holds_of_a_run_that_is_finishing_is_its_own_result(scene: Scene) -> None:
    item = scene.submitted(State.FINISHING, launched_at=text(scene.now))
    scene.states.have(item, "RUNNING", scene.now)
    scene.evalai.cancel(key_of(item))
    assert scene.reconcile() == {"at_work": 1, "evalai_at_work": 1}


def test_evalai_down_is_met_once_and_keeps_nothing_else_from_being_done(scene: Scene) -> None:
    left = [scene.submitted(State.RUNNING) for _ in range(3)]
    fresh = scene.submitted()
    scene.later(LONG)
    scene.evalai.fault("down", times=None)
    with pytest.raises(Unreconciled, match=r"^1 failed: submission .*EvalAIUnavailable") as raised:
        scene.reconcile()
    counts = {name: number for name, number in raised.value.counts.items() if number}
    assert counts == {"unmended": 1, "postponed": 2, "started": 1}
    assert scene.states.started[0]["name"] == execution_name(fresh.submission, 1)
    blamed = [item for item in map(scene.stored, left) if item.finding]
    assert len(blamed) == 1
    assert "cannot be mended" in blamed[0].finding
    scene.evalai.admin("DELETE", "faults")
    scene.later(LONG)
    assert scene.reconcile()["failed"] == 3
    assert {scene.held(item) for item in left} == {"failed"}


def test_evalai_busy_is_no_trouble(scene: Scene) -> None:
    item = scene.submitted(State.RUNNING)
    scene.later(LONG)
    scene.evalai.fault("status", status=429, times=None)
    assert scene.reconcile() == {"postponed": 1}
    assert scene.stored(item).finding == ""


# --- executions without an item ------------------------------------------------------------


def test_an_execution_that_ended_before_there_was_an_item(scene: Scene) -> None:
    key = scene.evalai.submit()
    run = Run(challenge=CHALLENGE, phase=PHASE, submission=key.submission, image="registry/agent:1")
    scene.states.start_execution(
        stateMachineArn=scene.services.state_machine_arn,
        name=execution_name(key.submission, 1),
        input=run.model_dump_json(),
    )
    (execution,) = scene.states.executions.values()
    execution |= {
        "status": "FAILED", "startDate": ago(scene.now, hours=5), "stopDate": scene.now,
        "input": run.model_dump_json(),
    }  # fmt: skip
    assert scene.reconcile() == {}, "it has just ended"
    scene.later(LONG)
    assert scene.reconcile() == {"failed": 1}
    assert scene.evalai.held(key)["status"] == "failed"
    assert scene.reconcile() == {}


def test_strays_that_nobody_can_take_care_of(scene: Scene) -> None:
    key = scene.evalai.submit()
    run = Run(challenge=CHALLENGE, phase=PHASE, submission=key.submission)
    for number, more in (
        (1, {"input": run.model_dump_json()}),
        (2, {"input": run.model_dump_json(), "startDate": ago(scene.now, days=4)}),
    ):
        arn = f"{scene.services.state_machine_arn.replace('stateMachine', 'execution')}:"
        name = execution_name(key.submission, number)
        scene.states.executions[arn + name] = {
            "status": "TIMED_OUT", "startDate": ago(scene.now, hours=5), "stopDate": scene.now,
        } | more  # fmt: skip
    scene.later(LONG)
    scene.evalai.fault("status", status=401, times=None)
    with pytest.raises(Unreconciled, match="EvalAIRefused"):
        scene.reconcile()
    scene.evalai.admin("DELETE", "faults")
    scene.evalai.fault("status", status=429, times=1)
    assert scene.reconcile()["postponed"] == 1


# --- races and troubles --------------------------------------------------------------------


def test_one_that_cannot_be_read_does_not_stop_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = scene.submitted(State.RUNNING), scene.submitted(State.RUNNING)
    scene.later(LONG)
    real = scene.states.describe_execution

    def describe(executionArn: str) -> dict[str, object]:  # noqa: N803 - as boto3
        if execution_name(broken.submission, 1) in executionArn:
            raise OSError("no route")
        return real(executionArn)

    monkeypatch.setattr(scene.states, "describe_execution", describe)
    with pytest.raises(Unreconciled, match="no route"):
        scene.reconcile()
    assert scene.stored(sound).state is State.FAILED
    assert "no route" in scene.stored(broken).finding


def test_another_attempt_that_begins_meanwhile_wins(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = scene.submitted(State.RUNNING)
    scene.later(LONG)
    real = scene.states.describe_execution

    def describe(executionArn: str) -> dict[str, object]:  # noqa: N803 - as boto3
        scene.ground.table.open(item.model_copy(update={"attempt": 2, "state": State.SUBMITTED}))
        return real(executionArn)

    monkeypatch.setattr(scene.states, "describe_execution", describe)
    assert scene.reconcile() == {"settled": 1}
    assert scene.stored(item).attempt == 2
    assert scene.held(item) == "submitted"


def test_a_queue_that_is_gone_is_told_at_the_end(scene: Scene) -> None:
    scene.submitted()
    scene.later(LONG)
    for url in scene.ground.queues.values():
        scene.ground.sqs.delete_queue(QueueUrl=url)
    with pytest.raises(Unreconciled, match=r"queue: .*NonExistentQueue"):
        scene.reconcile()
    assert len(scene.states.started) == 1


def test_stuck_ones_are_counted_for_the_alarm(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.states.have(scene.submitted(), "RUNNING", scene.now)
    scene.ground.sqs.send_message(
        QueueUrl=scene.ground.queues["leaderboard-20"], MessageBody="no JSON"
    )
    scene.later(LONG)
    scene.reconcile()
    (metric,) = [
        line for line in capsys.readouterr().out.splitlines() if "SubmissionsStuck" in line
    ]
    assert '"SubmissionsStuck":[2.0]' in metric.replace(" ", "")

"""From a message to one execution: deliveries, resumes, other leaderboards, what is no message."""

from __future__ import annotations

import json

import pytest

from glue.errors import InputError
from glue.leaderboard.evalai.errors import EvalAIUnavailable
from glue.leaderboard.evalai.models import Status
from glue.leaderboard.start import Start
from glue.leaderboard.states import CLOSED, State
from tests.unit.leaderboard.start.samples import (
    IMAGE,
    EvalAI,
    attempts_of,
    body_of,
    end,
    executions,
    resume_of,
    start_of,
)
from tests.unit.leaderboard.store.ground import OTHER, TRACKS, Ground, item_of


@pytest.fixture
def evalai() -> EvalAI:
    return EvalAI()


@pytest.fixture
def start(ground: Ground, evalai: EvalAI) -> Start:
    return start_of(ground, evalai)


def test_five_deliveries_make_one_execution(ground: Ground, start: Start, evalai: EvalAI) -> None:
    assert {start.take(body_of()) for _ in range(3)} == {"started"}
    ground.table.open(item_of(image=IMAGE))
    assert start.take(body_of()) == "at work"
    ground.table.move(item_of(), State.PREPARING)
    assert start.take(body_of()) == "at work"
    assert executions(ground) == {
        "submission-99-attempt-1": {
            "challenge": 7,
            "phase": 12,
            "submission": 99,
            "attempt": 1,
            "image": IMAGE,
            "is_static_dataset": False,
            "reopen": False,
            "results_of": None,
            "team": None,
            "track": "leaderboard-10-SENSORS",
            "next": "prepare",
            "wait_seconds": 0,
            "watches": 0,
            "part": 1,
            "execution": None,
            "looked_at": None,
            "failure": None,
            "error": None,
        }
    }
    assert evalai.asked == 0


def test_deliveries_in_another_form_are_the_same_submission(ground: Ground, start: Start) -> None:
    assert start.take(body_of()) == "started"
    assert start.take(resume_of()) == "at work"  # without the image its input is another
    assert len(executions(ground)) == 1


@pytest.mark.parametrize("state", sorted(CLOSED))
@pytest.mark.parametrize(
    "status", [Status.FINISHED, Status.FAILED, Status.CANCELLED, Status.RUNNING]
)
def test_a_late_delivery_changes_nothing(
    ground: Ground, start: Start, evalai: EvalAI, state: State, status: Status
) -> None:
    closed = ground.table.move(ground.table.open(item_of()), state, evalai_status="finished")
    evalai.statuses[99] = status
    assert start.take(body_of()) == "closed"
    assert ground.table.find(99) == closed
    assert executions(ground) == {}


@pytest.mark.parametrize("told", ["", "submitted", "running"])
def test_nothing_begins_over_a_result_that_was_not_told(
    ground: Ground, start: Start, evalai: EvalAI, told: str
) -> None:
    item = ground.table.open(item_of())
    finished = ground.table.move(item, State.FINISHED, evalai_status=told)
    evalai.statuses[99] = Status.RESUMING
    assert start.take(resume_of()) == "closed"
    assert ground.table.find(99) == finished


def test_a_resume_makes_the_next_attempt(ground: Ground, start: Start, evalai: EvalAI) -> None:
    first = ground.table.open(
        item_of(team_name="Racers", track="old", image=IMAGE, submitted_at="2026-11-18T10:00:00Z")
    )
    ground.table.move(
        first, State.FAILED, reason="crashed", reason_code="agent", metrics={"driving_score": 1.0}
    )
    evalai.statuses[99] = Status.RESUMING
    assert start.take(resume_of()) == "resumed"
    assert start.take(resume_of()) == "at work"
    second = ground.table.find(99)
    assert second is not None
    now = {"attempt": 2, "track": "leaderboard-10-SENSORS", "updated_at": second.updated_at}
    assert second == first.model_copy(update=now)
    given = executions(ground)["submission-99-attempt-2"]
    assert (given["image"], given["team"], given["reopen"]) == (IMAGE, "5", False)
    assert len(executions(ground)) == 1


@pytest.mark.parametrize("told", ["running", "partially_evaluated", "failed"])
def test_a_resume_before_the_end_was_noted(
    ground: Ground, start: Start, evalai: EvalAI, told: str
) -> None:
    """Somebody failed it at EvalAI and had it resumed while our attempt was at work."""
    ground.table.move(ground.table.open(item_of()), State.RUNNING, evalai_status=told)
    evalai.statuses[99] = Status.RUNNING
    assert start.take(body_of()) == "at work"
    evalai.statuses[99] = Status.RESUMING
    assert start.take(resume_of()) == "resumed"
    assert list(executions(ground)) == ["submission-99-attempt-2"]


@pytest.mark.parametrize("told", ["", "submitted", "resuming"])
def test_an_attempt_at_work_costs_no_call(
    ground: Ground, start: Start, evalai: EvalAI, told: str
) -> None:
    ground.table.move(ground.table.open(item_of()), State.WAITING, evalai_status=told)
    assert start.take(resume_of()) == "at work"
    assert evalai.asked == 0
    assert executions(ground) == {}


def test_killed_between_table_and_execution(ground: Ground, start: Start) -> None:
    ground.table.open(item_of(attempt=2, reopen=True, is_static_dataset=True, image=IMAGE))
    assert start.take(resume_of()) == "at work"
    given = executions(ground)["submission-99-attempt-2"]
    assert (given["reopen"], given["is_static_dataset"], given["image"]) == (True, True, IMAGE)


def test_an_execution_that_ended_before_its_first_step(
    ground: Ground, start: Start, evalai: EvalAI
) -> None:
    ground.table.open(item_of())
    start.take(body_of())
    end(ground, "submission-99-attempt-1")
    assert start.take(body_of()) == "resumed"
    assert sorted(executions(ground)) == ["submission-99-attempt-1", "submission-99-attempt-2"]
    end(ground, "submission-99-attempt-2")
    evalai.statuses[99] = Status.CANCELLED
    assert start.take(body_of()) == "at work"  # that one the reconciler closes
    assert len(executions(ground)) == 2


def test_attempts_that_never_got_into_the_table(
    ground: Ground, start: Start, evalai: EvalAI
) -> None:
    for number in (1, 2, 3):
        assert start.take(body_of()) == ("started" if number == 1 else "resumed")
        assert start.take(body_of()) == ("started" if number == 1 else "at work")
        end(ground, f"submission-99-attempt-{number}")
    evalai.statuses[99] = Status.CANCELLED
    assert start.take(body_of()) == "closed"
    assert len(executions(ground)) == 3


def test_the_index_comes_late(
    ground: Ground, start: Start, evalai: EvalAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    start.take(body_of())
    end(ground, "submission-99-attempt-1")
    item = ground.table.move(ground.table.open(item_of()), State.FINISHED)
    evalai.statuses[99] = Status.FINISHED
    answers = iter([None, item])
    monkeypatch.setattr(ground.table, "find", lambda _: next(answers))
    assert start.take(body_of()) == "closed"


def test_somebody_was_faster(
    ground: Ground, start: Start, evalai: EvalAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ground.table.move(ground.table.open(item_of()), State.FAILED)
    ground.table.open(item_of(attempt=3))
    monkeypatch.setattr(ground.table, "find", lambda _: first)
    evalai.statuses[99] = Status.RESUMING
    assert start.take(resume_of()) == "at work"
    assert executions(ground) == {}


def test_phases_of_another_leaderboard_are_handed_on(ground: Ground, start: Start) -> None:
    body = body_of(phase=13)
    assert start.take(body) == "forwarded"
    assert ground.messages(OTHER) == [body]
    assert executions(ground) == {}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("poison", "message: it is not JSON"),
        ("[]", "message: it is not a JSON object"),
        (body_of(submission_pk=None), "submission_pk: it is missing"),
        (body_of(submission=-1), "submission_pk: '-1' is not a primary key"),
        (body_of(phase=77), "phase 77 belongs to no track .known phases: 12, 13, 14, 15"),
        (body_of(phase=14), "belongs to leaderboard-30, which this environment does not have"),
        (body_of(phase=15), "'nonsense' does not name a leaderboard"),
    ],
)
def test_what_cannot_be_started_says_why(
    ground: Ground, start: Start, body: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        start.take(body)
    assert executions(ground) == {}


def test_a_track_is_seen_as_soon_as_it_is_written(ground: Ground, start: Start) -> None:
    with pytest.raises(InputError, match="phase 16"):
        start.take(body_of(phase=16))
    ground.secrets.put_secret_value(
        SecretId=ground.tracks_arn,
        SecretString=json.dumps(TRACKS | {"16": "leaderboard-10-MAP"}),
    )
    assert start.take(body_of(phase=16)) == "started"


def test_no_track_yet(ground: Ground, start: Start) -> None:
    ground.secrets.put_secret_value(SecretId=ground.tracks_arn, SecretString="{}")
    with pytest.raises(InputError, match="it names no track; run `glue leaderboard connect`"):
        start.take(body_of())


def test_evalai_away(ground: Ground, start: Start, evalai: EvalAI) -> None:
    closed = ground.table.move(ground.table.open(item_of()), State.FAILED)
    evalai.error = EvalAIUnavailable("no answer")
    with pytest.raises(EvalAIUnavailable):
        start.take(resume_of())
    assert ground.table.find(99) == closed
    evalai.error = None
    evalai.statuses[99] = Status.RESUMING
    assert start.take(resume_of()) == "resumed"


def test_no_end_of_ended_attempts(ground: Ground, start: Start) -> None:
    attempts = attempts_of(ground)
    for number in range(1, 53):
        run = item_of(attempt=number)
        ground.states.start_execution(
            stateMachineArn=ground.machine, name=f"submission-99-attempt-{number}", input="{}"
        )
        end(ground, f"submission-99-attempt-{number}")
    with pytest.raises(InputError, match="50 attempts at 99"):
        start.take(body_of())
    ground.table.move(ground.table.open(item_of()), State.FAILED)
    with pytest.raises(InputError, match="50 attempts at 99"):
        attempts.next(run.model_copy(update={"attempt": 1}))

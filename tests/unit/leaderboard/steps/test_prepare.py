"""What is read from EvalAI before anything runs, and what keeps a submission from running."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from glue.leaderboard.evalai.errors import EvalAIUnavailable
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from glue.leaderboard.steps.image import image_of
from glue.leaderboard.table import SubmissionItem
from tests.unit.leaderboard.evalai.stage import IMAGE, OTHER_PHASE, TEAM
from tests.unit.leaderboard.steps.world import World, ends, runs

ADDRESS = "https://files.example/submission.json"


def opened(world: World, run: Run, **fields: Any) -> SubmissionItem:
    values = run.model_dump(include={"challenge", "phase", "submission", "attempt"})
    item = SubmissionItem.model_validate(values | {"team": TEAM} | fields)
    return world.services.table.open(item)


def test_reads_the_submission(world: World) -> None:
    run = world.step(world.submit())
    assert (run.next, run.team, run.image) == ("launch", str(TEAM), IMAGE)
    item = world.stored(run)
    assert item.state is State.PREPARING
    assert (str(item.team), item.team_name, item.image) == (str(TEAM), "Racers", IMAGE)
    assert item.evalai_status == "submitted"
    assert item.submitted_at is not None
    assert item.prepared_at == run.looked_at == "2026-11-18T11:06:40.000Z"
    assert item.execution is not None


def test_an_attempt_that_was_opened_keeps_what_it_has(world: World) -> None:
    first = world.submit(image=None, attempt=2)
    opened(world, first, track="MAP", image="team:2", team_name="old name")
    run = world.step(first)
    assert (run.next, run.image) == ("launch", "team:2")
    item = world.stored(run)
    assert (item.track, item.team_name, item.attempt) == ("MAP", "Racers", 2)


def test_a_later_attempt_has_nothing_of_the_one_before(world: World) -> None:
    first = world.submit(is_static_dataset=True)
    world.drive(first)
    run = world.step(world.run_of(first.key, attempt=2, reopen=True, image=None))
    assert run.next == "launch"  # with the image of the attempt before
    item = world.stored(run)
    assert (item.state, item.attempt, item.image) == (State.PREPARING, 2, IMAGE)
    assert (item.reason, item.reason_code, item.ended_at, item.remedy) == ("", "", None, "")
    assert item.evalai_status == ""  # what EvalAI holds is the attempt before's


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"is_static_dataset": True}, "static_dataset", "static dataset"),
        ({"image": None}, "no_image", "Submit it again"),
        ({"phase": OTHER_PHASE}, "wrong_phase", "phase 12 at EvalAI, and came with 13"),
        ({"team": "77"}, "wrong_team", "team 31 at EvalAI, and was of team 77"),
    ],
)
def test_what_cannot_be_run_fails_with_its_reason(
    world: World, changes: dict[str, Any], code: str, words: str
) -> None:
    run = world.submit(**changes)
    end = world.drive(run)
    assert end.failure is not None
    assert (end.failure.code, words in end.failure.message) == (code, True)
    assert world.cluster.made == []
    held = world.held(run)
    assert held["status"] == "failed"
    assert words in held["stderr"]
    if code != "wrong_team":
        item = world.stored(run)
        assert (item.state, item.reason_code) == (State.FAILED, code)
        assert words in item.reason


def test_a_submission_that_was_given_to_another_team_fails_where_it_was(world: World) -> None:
    run = world.submit()
    opened(world, run, team=5)
    world.drive(run)
    item = world.stored(run)
    assert (str(item.team), item.state, item.reason_code) == ("5", State.FAILED, "wrong_team")


@pytest.mark.parametrize("status", ["cancelled", "archived"])
def test_what_was_withdrawn_is_cancelled(world: World, status: str) -> None:
    run = world.submit(reopen=True)
    hold(world, run, status)
    world.drive(run)
    item = world.stored(run)
    assert (item.state, item.reason_code) == (State.CANCELLED, "cancelled")
    assert item.evalai_status == world.held(run)["status"] == status
    assert world.told(run) == []
    assert world.cluster.made == []


@pytest.mark.parametrize("status", ["finished", "failed"])
def test_what_is_closed_there_is_run_again_only_when_asked(world: World, status: str) -> None:
    run = world.submit()
    hold(world, run, status)
    world.drive(run)
    assert world.stored(run).reason_code == "closed_at_evalai"
    assert world.stored(run).state is State.CANCELLED
    assert world.told(run) == []
    again = world.run_of(run.key, attempt=2, reopen=True)
    world.drive(again, [runs(again), ends(again)])
    assert world.told(run) == [("PATCH", "running"), ("PUT", "FINISHED")]


def test_a_later_attempt_that_nobody_waits_for_leaves_the_one_before_alone(world: World) -> None:
    run = world.submit()
    world.drive(run, [runs(run), ends(run)])
    before = world.stored(run)
    assert world.drive(world.run_of(run.key, attempt=2)).next == "end"
    assert world.stored(run) == before


@pytest.mark.parametrize("attempt", [1, 2])
def test_an_attempt_that_is_over_is_not_prepared_again(world: World, attempt: int) -> None:
    run = world.submit()
    opened(world, run, attempt=2, state=State.FAILED)
    before = world.stored(run)
    assert world.step(run.model_copy(update={"attempt": attempt})).next == "end"
    assert world.stored(run) == before
    assert world.evalai.told() == []


def test_one_that_gives_way_at_the_last_moment_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.submit()
    opened(world, run, attempt=2)
    monkeypatch.setattr(type(world.services.table), "find", lambda *_: None)  # a late index
    assert world.step(run).next == "end"


def test_one_that_evalai_does_not_know_fails(world: World) -> None:
    run = world.submit().model_copy(update={"submission": 4711})
    following = world.step(run)
    assert (following.next, following.failure and following.failure.code) == (
        "fail",
        "unknown_submission",
    )


def test_evalai_that_is_down_is_waited_for(world: World) -> None:
    run = world.submit()
    world.evalai.fault("status", status=503, times=8)
    with pytest.raises(EvalAIUnavailable):
        world.step(run)
    assert world.item(run) is None
    assert world.drive(run, [runs(run), ends(run)]).next == "end"
    assert world.stored(run).state is State.FINISHED


def hold(world: World, run: Run, status: str) -> None:
    """Have EvalAI hold a submission in a status, whoever wrote it."""
    store = world.evalai.application._store  # type: ignore[attr-defined]
    store.put("submission", run.submission, world.held(run) | {"status": status})


def serving(content: bytes, status: int = 200) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers
        return httpx.Response(status, content=content)

    return httpx.MockTransport(answer)


def test_the_image_stands_in_evalais_file() -> None:
    file = json.dumps({"submitted_image_uri": IMAGE}).encode()
    assert image_of(ADDRESS, serving(file)) == IMAGE


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 200),
        (b"[]", 200),
        (b"{}", 200),
        (b'{"submitted_image_uri": 7}', 200),
        (b'{"submitted_image_uri": "no image; rm -rf /"}', 200),
        (b'{"submitted_image_uri": "team:1"}', 403),
        (b"\xff" * 100, 200),
        (b" " * 100_000 + b'{"submitted_image_uri": "team:1"}', 200),
        (b"[" * 50_000, 200),
    ],
)
def test_a_file_without_an_image_is_none(content: bytes, status: int) -> None:
    assert image_of(ADDRESS, serving(content, status)) is None


@pytest.mark.parametrize(
    "address", [None, "", "ftp://x/y", "http://files.example/x", "https://[", "https://x:port/y"]
)
def test_only_addresses_that_can_be_trusted_are_read(address: str | None) -> None:
    assert image_of(address, serving(b'{"submitted_image_uri": "team:1"}')) is None

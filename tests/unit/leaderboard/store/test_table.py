"""The table: which change may follow which, and what is kept as what."""

from __future__ import annotations

import pytest

from glue.leaderboard.states import CLOSED, OPEN, State
from glue.leaderboard.table import Closed, Moved, SubmissionItem, Superseded
from tests.unit.leaderboard.store.ground import LEADERBOARD, Ground, item_of


def raw(ground: Ground, submission: int = 99) -> dict[str, dict[str, object]]:
    key = {"team-id": {"S": "5"}, "submission-id": {"S": str(submission)}}
    found: dict[str, dict[str, object]] = ground.dynamodb.get_item(TableName=LEADERBOARD, Key=key)[
        "Item"
    ]
    return found


def test_kept_in_its_own_types(ground: Ground) -> None:
    item = ground.table.open(item_of(team_name="Racers", image="registry/agent:1"))
    metrics = {"driving_score": 41.25, "off_road_infractions": 0.1, "agent_blocked": 3}
    moved = ground.table.move(item, State.FINISHED, metrics=metrics, routes_done=36, pod="p")
    assert raw(ground) == {
        "team-id": {"S": "5"},
        "submission-id": {"S": "99"},
        "challenge": {"N": "7"},
        "phase": {"N": "12"},
        "attempt": {"N": "1"},
        "state": {"S": "finished"},
        "team_name": {"S": "Racers"},
        "track": {"S": ""},
        "image": {"S": "registry/agent:1"},
        "is_static_dataset": {"BOOL": False},
        "reopen": {"BOOL": False},
        "reason_code": {"S": ""},
        "reason": {"S": ""},
        "routes_done": {"N": "36"},
        "pod": {"S": "p"},
        "metrics": {
            "M": {
                "driving_score": {"N": "41.25"},
                "off_road_infractions": {"N": "0.1"},
                "agent_blocked": {"N": "3.0"},
            }
        },
        "evalai_status": {"S": ""},
        "finding": {"S": ""},
        "remedy": {"S": ""},
        "updated_at": {"S": "2026-11-18T11:06:40.000Z"},
    }
    assert ground.table.get(5, 99) == ground.table.find(99) == moved
    assert moved.metrics == metrics


def test_none_takes_a_field_away(ground: Ground) -> None:
    item = ground.table.open(item_of(pod="p"))
    assert ground.table.note(item, pod=None, node="n").pod is None
    assert "pod" not in raw(ground)
    assert raw(ground)["node"] == {"S": "n"}


def test_nothing_there(ground: Ground) -> None:
    assert ground.table.find(99) is None
    assert ground.table.get(5, 99) is None
    assert list(ground.table.all()) == list(ground.table.in_state(State.RUNNING)) == []
    with pytest.raises(Superseded, match="the item is gone") as gone:
        ground.table.move(item_of(), State.RUNNING)
    assert gone.value.item is None


def test_opening_begins_once(ground: Ground) -> None:
    opened = ground.table.open(item_of(image="first"))
    ground.clock.now += 60
    assert ground.table.open(item_of(image="second")) == opened
    later = ground.table.open(item_of(image="third", attempt=2))
    assert (later.attempt, later.image, later.updated_at) == (
        2,
        "third",
        "2026-11-18T11:07:40.000Z",
    )
    with pytest.raises(Superseded, match="attempt 2 has begun") as refused:
        ground.table.open(item_of(image="fourth"))
    assert refused.value.item == ground.table.find(99) == later


@pytest.mark.parametrize("state", sorted(CLOSED))
def test_closed_stays_closed(ground: Ground, state: State) -> None:
    item = ground.table.open(item_of())
    closed = ground.table.move(item, state, reason="the end")
    for other in set(State) - {state}:
        with pytest.raises(Closed) as refused:
            ground.table.move(item, other, reason="late")
        assert refused.value.item == closed
    assert ground.table.move(item, state, results="s3://b/99/results.json").reason == "the end"
    with pytest.raises(Closed):
        ground.table.note(item, finding="odd")
    assert ground.table.amend(item, finding="odd").state is state


@pytest.mark.parametrize("now", sorted(set(State) - {State.RUNNING}))
def test_what_was_seen_in_another_state_is_not_remarked(ground: Ground, now: State) -> None:
    seen = ground.table.move(ground.table.open(item_of()), State.RUNNING)
    assert ground.table.remark(seen, finding="odd").finding == "odd"
    moved = ground.table.move(seen, now, finding="", remedy="run it again")
    with pytest.raises(Closed if now.is_closed else Moved) as refused:
        ground.table.remark(seen, finding="odd")
    assert refused.value.item == ground.table.find(99) == moved
    assert ground.table.remark(moved, finding="odd").state is now


def test_an_older_attempt_changes_nothing(ground: Ground) -> None:
    first = ground.table.open(item_of())
    second = ground.table.open(item_of(attempt=2))
    for state in State:
        with pytest.raises(Superseded, match="attempt 2"):
            ground.table.move(first, state)
    for change in (ground.table.note, ground.table.amend, ground.table.remark):
        with pytest.raises(Superseded):
            change(first, finding="late")
    assert ground.table.find(99) == second


def test_open_states_follow_each_other_freely(ground: Ground) -> None:
    item = ground.table.open(item_of())
    for state in (*OPEN, *reversed(OPEN)):
        item = ground.table.move(item, state)
        assert item.state is state


def test_listed_by_state_over_several_pages(ground: Ground) -> None:
    long = "x" * 8000
    for number in range(1, 301):
        ground.clock.now += 1
        ground.table.open(item_of(number, reason=long))
    ground.table.move(item_of(7), State.RUNNING)
    listed = [item.submission for item in ground.table.in_state(State.SUBMITTED)]
    assert listed == [number for number in range(1, 301) if number != 7]
    assert [item.submission for item in ground.table.in_state(State.RUNNING)] == [7]
    since = ground.table.find(298)
    assert since is not None
    late = ground.table.in_state(State.SUBMITTED, since.updated_at or "")
    assert [item.submission for item in late] == [298, 299, 300]
    assert sorted(item.submission for item in ground.table.all()) == list(range(1, 301))


@pytest.mark.parametrize(
    "fields",
    [{"misspelt": 1}, {"metrics": {"a": float("nan")}}, {"metrics": {"a": 1e200}}, {"pod": 1}],
)
def test_what_is_no_item_never_gets_there(ground: Ground, fields: dict[str, object]) -> None:
    item = ground.table.open(item_of())
    with pytest.raises(ValueError, match="validation error"):
        ground.table.note(item, **fields)
    assert ground.table.find(99) == item


@pytest.mark.parametrize("name", ["team", "submission", "attempt", "updated_at"])
def test_what_an_item_is_named_by_stays(ground: Ground, name: str) -> None:
    item = ground.table.open(item_of())
    with pytest.raises(TypeError, match=name):
        ground.table.move(item, State.RUNNING, **{name: 8})


def test_long_texts_and_tiny_numbers_fit(ground: Ground) -> None:
    item = ground.table.open(item_of())
    text = "begin" + "\ud800" * 500_000 + "end"
    kept = ground.table.move(item, State.FAILED, reason=text, metrics={"a": 1e-200, "b": -1e-9})
    assert kept.reason.startswith("begin?")
    assert kept.reason.endswith("?end")
    assert len(kept.reason) < 10_000
    assert kept.metrics == {"a": 0.0, "b": -1e-9}
    assert ground.table.find(99) == kept


def test_attributes_of_others_are_left_alone(ground: Ground) -> None:
    item = ground.table.open(item_of())
    ground.dynamodb.update_item(
        TableName=LEADERBOARD,
        Key={"team-id": {"S": "5"}, "submission-id": {"S": "99"}},
        UpdateExpression="SET remark = :r",
        ExpressionAttributeValues={":r": {"L": []}},
    )
    assert ground.table.find(99) == item
    ground.table.note(item, finding="odd")
    assert raw(ground)["remark"] == {"L": []}


def test_refusals_without_the_item(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that does not know ReturnValuesOnConditionCheckFailure is asked again."""
    item = ground.table.open(item_of())
    ground.table.move(item, State.FAILED)
    original = ground.dynamodb.update_item

    def update_item(**request: object) -> object:
        del request["ReturnValuesOnConditionCheckFailure"]
        return original(**request)

    monkeypatch.setattr(ground.dynamodb, "update_item", update_item)
    with pytest.raises(Closed) as refused:
        ground.table.move(item, State.FINISHED)
    assert refused.value.item.state is State.FAILED


def test_an_item_is_a_value() -> None:
    item = SubmissionItem(team=5, submission=99, challenge=7, phase=12)
    assert item == item_of()
    assert item.state is State.SUBMITTED

"""What is said of a submission that gets nowhere, and until when it must have been closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from glue.leaderboard.kubernetes.waiting import WaitingReason
from glue.leaderboard.reconcile_findings import (
    NOT_CLOSED,
    NOT_LAUNCHED,
    NOT_PREPARED,
    WAITING_REMEDIES,
    WAITING_REMEDY,
    Finding,
    deadline,
    explain,
    parse,
    patience,
    slack,
)
from glue.leaderboard.states import State
from glue.settings import Pod
from tests.unit.leaderboard.reconcile.stage import ago, text
from tests.unit.leaderboard.store.ground import item_of

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
LONGEST = 900.0
OLD, YOUNG = ago(NOW, hours=1), ago(NOW, minutes=1)


def test_a_pod_that_waits_for_long_is_named_with_reason_and_remedy() -> None:
    item = item_of(
        state=State.WAITING, launched_at=text(OLD), reason_code="no_gpu_node", reason="0/3 nodes"
    )
    found = explain(item, OLD, NOW, LONGEST)
    assert found == Finding(
        "its pod waits since 2026-11-18T11:00:00.000Z (no_gpu_node): 0/3 nodes",
        WAITING_REMEDIES["no_gpu_node"],
    )
    # It says when it began, not how long ago: an hour later it reads the same.
    assert explain(item, OLD, NOW + timedelta(hours=1), LONGEST) == found


def test_an_unknown_reason_has_a_remedy_too() -> None:
    item = item_of(state=State.WAITING, launched_at=text(OLD))
    assert explain(item, OLD, NOW, LONGEST) == Finding(
        "its pod waits since 2026-11-18T11:00:00.000Z (no reason is known)", WAITING_REMEDY
    )


@pytest.mark.parametrize(
    ("state", "fields", "begun", "expected"),
    [
        (State.WAITING, {"launched_at": text(YOUNG)}, OLD, Finding()),
        (State.WAITING, {}, OLD, Finding()),
        (State.SUBMITTED, {}, OLD, NOT_PREPARED),
        (State.SUBMITTED, {}, YOUNG, Finding()),
        (State.PREPARING, {}, OLD, NOT_PREPARED),
        (State.LAUNCHING, {}, OLD, NOT_LAUNCHED),
        (State.LAUNCHING, {}, None, Finding()),
        (State.RUNNING, {"updated_at": text(OLD)}, OLD, Finding()),
        (State.FINISHING, {"updated_at": text(OLD)}, OLD, NOT_CLOSED),
        (State.FINISHING, {"updated_at": text(YOUNG)}, OLD, Finding()),
        # Writing the finding made the item young again, and nothing else has happened since.
        (
            State.FINISHING,
            {"updated_at": text(YOUNG), "finding": NOT_CLOSED.what},
            OLD,
            NOT_CLOSED,
        ),
    ],
)
def test_by_state(
    state: State, fields: dict[str, Any], begun: datetime | None, expected: Finding
) -> None:
    assert explain(item_of(state=state, **fields), begun, NOW, LONGEST) == expected


def test_every_reason_to_wait_for_somebody_has_its_remedy() -> None:
    passing = {"not_begun", "starting", "preparing", "restarting"}
    assert set(WAITING_REMEDIES) == set(get_args(WaitingReason)) - passing


def test_the_deadline_counts_from_the_launch_or_else_from_the_execution() -> None:
    pod = Pod(waiting_seconds=3600, run_seconds=7200, grace_seconds=300)
    launched = item_of(launched_at=text(OLD))
    whole = timedelta(seconds=3600 + 7200 + 300 + slack(pod))
    assert deadline(launched, YOUNG, pod) == OLD + whole
    assert deadline(item_of(), OLD, pod) == OLD + timedelta(seconds=3600 + slack(pod))
    assert deadline(item_of(), None, pod) is None


def test_short_deadlines_make_short_patience() -> None:
    assert patience(Pod()) == 900
    assert patience(Pod(waiting_seconds=300)) == 75
    assert slack(Pod()) == 3600
    assert slack(Pod(waiting_seconds=300)) == 300


def test_times() -> None:
    assert parse("2026-11-18T12:00:00.000Z") == NOW
    assert parse(None) is parse("") is None

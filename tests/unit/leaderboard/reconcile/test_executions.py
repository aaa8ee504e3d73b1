"""The execution that carries an attempt, whichever part of it is the newest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from glue.leaderboard.reconcile_executions import Execution, Executions, run_towards
from glue.leaderboard.run import Failure
from tests.unit.leaderboard.reconcile.stage import MACHINE, States
from tests.unit.leaderboard.store.ground import item_of

BEGUN = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def states() -> States:
    return States()


def newest(states: States, **fields: Any) -> Execution:
    return Executions(cast("Any", states), MACHINE).newest(item_of(**fields))


def test_none_at_all(states: States) -> None:
    found = newest(states)
    assert found.is_missing
    assert not found.is_at_work


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_at_work(states: States, status: str) -> None:
    arn = states.have(item_of(), status, BEGUN)
    assert newest(states) == Execution(arn, status, BEGUN)
    assert newest(states).is_at_work


def test_the_last_part_counts(states: States) -> None:
    for part, status in ((1, "SUCCEEDED"), (2, "SUCCEEDED"), (3, "RUNNING")):
        last = states.have(item_of(), status, BEGUN, part)
    assert newest(states).arn == last


def test_it_begins_with_the_part_that_the_item_names(states: States) -> None:
    second = states.have(item_of(), "RUNNING", BEGUN, 2)  # the first is forgotten already
    assert newest(states).is_missing
    assert newest(states, execution=second).arn == second


def test_another_attempts_execution_is_none_of_this_one(states: States) -> None:
    earlier = states.have(item_of(), "RUNNING", BEGUN)
    assert newest(states, attempt=2, execution=earlier).is_missing


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"error": "KubernetesRefused", "cause": json.dumps({"errorMessage": "no rights"})},
            "KubernetesRefused: no rights",
        ),
        ({"error": "States.Timeout", "cause": "{cut"}, "States.Timeout: {cut"),
        ({"error": "States.Runtime", "cause": "[1]"}, "States.Runtime: [1]"),
        ({"cause": "stopped by hand"}, "stopped by hand"),
        ({}, ""),
    ],
)
def test_why_it_ended(states: States, fields: dict[str, Any], expected: str) -> None:
    states.have(item_of(), "FAILED", BEGUN, **fields)
    assert newest(states).error == expected


def test_towards_a_step() -> None:
    failure = Failure(code="deadline", message="too late")
    item = item_of(execution="arn:old", attempt=2, image="registry/agent:1")
    run = run_towards(item, "fail", failure)
    assert (run.next, run.attempt, run.image, run.team) == ("fail", 2, "registry/agent:1", "5")
    assert run.failure == failure
    assert run.execution == "arn:old"
    assert run_towards(item, "finish", arn="arn:new").execution == "arn:new"

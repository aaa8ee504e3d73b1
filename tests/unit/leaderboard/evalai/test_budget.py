"""The budget of calls: never more than EvalAI allows, and always some left for results."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from pydantic import SecretStr

from glue.errors import InputError
from glue.leaderboard.evalai.budget import WINDOW_SECONDS, Ceilings, Ledger, TableBudget
from glue.leaderboard.evalai.client import EvalAI
from glue.leaderboard.evalai.errors import EvalAIBusy
from tests.unit.leaderboard.evalai.stage import HOST_TOKEN, Stage, result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from glue.leaderboard.evalai.models import SubmissionKey

TABLE = "budget"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class OneAtATime:
    """A client whose writes do not overlap: DynamoDB's are atomic, moto's are not."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._writing = threading.Lock()
        self.exceptions = client.exceptions
        self.meanwhile: list[Callable[[], None]] = []

    def get_item(self, **request: Any) -> Any:
        return self._client.get_item(**request)

    def put_item(self, **request: Any) -> None:
        if self.meanwhile:
            self.meanwhile.pop()()
        with self._writing:
            self._client.put_item(**request)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[OneAtATime]:
    for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield OneAtATime(client)


def take_all(budget: TableBudget, share: Any) -> tuple[int, float]:
    """Take until there is nothing left; return how many, and the seconds to wait then."""
    for taken in range(1000):
        try:
            budget.take(share)
        except EvalAIBusy as busy:
            return taken, busy.seconds
    raise AssertionError("the budget has no end")


def test_the_last_calls_are_kept_for_results(table: OneAtATime) -> None:
    budget = TableBudget(table, TABLE, clock=Clock())
    assert take_all(budget, "interim") == (30, WINDOW_SECONDS)
    assert take_all(budget, "read") == (15, WINDOW_SECONDS)
    assert take_all(budget, "final") == (15, WINDOW_SECONDS)
    assert take_all(budget, "read")[0] == 0


def test_places_come_back_one_by_one(table: OneAtATime) -> None:
    clock = Clock()
    budget = TableBudget(table, TABLE, ceilings=Ceilings(3, 2, 2), clock=clock)
    budget.take("final")
    clock.now += 10
    budget.take("final")
    clock.now += 10
    with pytest.raises(EvalAIBusy):
        budget.take("final", 2)  # one is left, and stays
    assert take_all(budget, "final") == (1, WINDOW_SECONDS - 20)
    assert take_all(budget, "interim") == (0, WINDOW_SECONDS - 10)
    clock.now += WINDOW_SECONDS - 20
    assert take_all(budget, "final") == (1, 10)


def test_budgets_of_two_tokens_are_two(table: OneAtATime) -> None:
    clock = Clock()
    assert take_all(TableBudget(table, TABLE, clock=clock), "final")[0] == 60
    assert take_all(TableBudget(table, TABLE, "other", clock=clock), "final")[0] == 60


def test_a_hold_stops_everybody_and_ends(table: OneAtATime) -> None:
    clock = Clock()
    budget, other = (TableBudget(table, TABLE, clock=clock) for _ in range(2))
    budget.hold(12)
    budget.hold(5)  # a shorter one changes nothing
    assert take_all(other, "final") == (0, 12)
    clock.now += 12
    other.take("final")
    budget.hold(9_999)
    assert take_all(other, "final") == (0, 300)
    budget.hold(-1)
    assert take_all(other, "final") == (0, 300)


@pytest.mark.parametrize("workers", [2, 16])
def test_many_functions_at_once_never_take_more(table: OneAtATime, workers: int) -> None:
    clock = Clock()
    together = threading.Barrier(workers)

    def work(number: int) -> int:
        budget = TableBudget(table, TABLE, clock=clock)
        together.wait()
        return take_all(budget, "final" if number % 2 else "read")[0]

    with ThreadPoolExecutor(workers) as pool:
        taken = list(pool.map(work, range(workers)))
    # A reader who finds 45 gives up; who wants to tell a result gets the rest, all of it.
    assert sum(taken) == 60
    assert sum(taken[0::2]) <= 45


@pytest.mark.parametrize("begun", [False, True])
def test_who_loses_a_race_looks_again(table: OneAtATime, begun: bool) -> None:
    clock = Clock()
    budget, rival = (
        TableBudget(table, TABLE, ceilings=Ceilings(3, 2, 2), clock=clock) for _ in range(2)
    )
    if begun:
        rival.take("final")
    table.meanwhile = [lambda: rival.take("final")]
    if begun:
        with pytest.raises(EvalAIBusy):
            budget.take("read")  # the place that it saw has gone to the rival
    else:
        budget.take("read")
    table.meanwhile = [lambda: rival.take("final")]
    budget.hold(7)
    assert take_all(rival, "final") == (0, WINDOW_SECONDS)


def test_a_crowd_is_told_to_come_back(table: OneAtATime, monkeypatch: Any) -> None:
    budget = TableBudget(table, TABLE, ceilings=Ceilings(3, 2, 2), clock=Clock())
    refused = table.exceptions.ConditionalCheckFailedException({"Error": {}}, "PutItem")
    tries: list[object] = []

    def lose(**request: object) -> None:
        tries.append(request)
        raise refused

    monkeypatch.setattr(table, "put_item", lose)
    with pytest.raises(EvalAIBusy, match="too many functions"):
        budget.take("final")
    assert len(tries) == 4
    budget.hold(5)
    assert len(tries) == 8


def test_under_the_budget_evalai_never_says_that_it_is_too_much(
    table: OneAtATime, tmp_path: Path
) -> None:
    clock = Clock()
    with Stage(tmp_path / "state", calls_a_minute=60, clock=clock) as stage:
        token = SecretStr(HOST_TOKEN)
        clients = [EvalAI(stage.url, token, TableBudget(table, TABLE, clock=clock)) for _ in "abc"]
        waiting = [stage.submit() for _ in range(80)]
        began = clock.now
        while waiting:
            with suppress(EvalAIBusy):  # looking gives way, telling goes on
                clients[len(waiting) % 3].submission(waiting[0].submission)
            try:
                clients[len(waiting) % 2].finish(waiting[0], result())
            except EvalAIBusy as busy:
                clock.now += busy.seconds
            else:
                waiting.pop(0)
        for client in clients:
            client.close()
        told = stage.told()
        assert {call["status"] for call in told} == {200}
        assert sum(call["method"] == "PUT" for call in told) == 80
        # 80 results of two calls each, and as many looks as there was room for, at 60 a window.
        assert clock.now - began <= 5 * WINDOW_SECONDS


def test_who_finish_together_get_on(table: OneAtATime, tmp_path: Path) -> None:
    """Forty results and ten calls a minute: each round five are told, and none looks in vain."""
    clock = Clock()
    with Stage(tmp_path / "state", calls_a_minute=10, clock=clock) as stage:
        budget = TableBudget(table, TABLE, ceilings=Ceilings(10, 5, 2), clock=clock)
        waiting = [stage.submit() for _ in range(40)]
        client = EvalAI(stage.url, SecretStr(HOST_TOKEN), budget)

        def finish(key: SubmissionKey) -> bool:
            with suppress(EvalAIBusy):
                return client.finish(key, result()).sent
            return False

        for left in range(35, -5, -5):
            with ThreadPoolExecutor(8) as pool:
                done = list(pool.map(finish, waiting))
            waiting = [key for key, sent in zip(waiting, done, strict=True) if not sent]
            assert len(waiting) == left
            clock.now += WINDOW_SECONDS
        client.close()
        assert len(stage.told()) == 80


moments = st.integers(min_value=0, max_value=10**6)


@given(st.lists(moments, max_size=80), moments, st.integers(2, 60), moments, st.integers(1, 2))
def test_after_the_wait_there_is_a_place_and_not_before(
    calls: list[int], now: int, ceiling: int, held: int, wanted: int
) -> None:
    ledger = Ledger(tuple(calls), held).at(now)
    wait = ledger.wait(now, ceiling, wanted)
    assert 0 <= wait <= 300_000
    later = now + wait
    assert ledger.at(later).wait(later, ceiling, wanted) == 0
    if wait > 1:
        assert ledger.at(later - 1).wait(later - 1, ceiling, wanted) > 0


@given(st.lists(st.integers(0, 400), min_size=1, max_size=200), st.integers(1, 60))
def test_no_minute_has_more_calls_than_its_ceiling(gaps: list[int], ceiling: int) -> None:
    made: list[int] = []
    now = 0
    for gap in gaps:
        now += gap
        ledger = Ledger(tuple(made)).at(now)
        if ledger.wait(now, ceiling) == 0:
            made.append(now)
    for last in made:
        assert sum(1 for call in made if last - 60_000 < call <= last) <= ceiling


def test_a_clock_that_runs_ahead_blocks_nobody_for_longer() -> None:
    ledger = Ledger((10**9,) * 60, held_until=10**9).at(1000)
    assert ledger.calls == (1000,) * 60
    assert ledger.wait(1000, 60) == 300_000


@pytest.mark.parametrize("wrong", [(1, 1, 1), (5, 6, 2), (5, 2, 3), (60, 45, 1)])
def test_ceilings_ascend(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="interim <= read <= final"):
        Ceilings(*wrong)

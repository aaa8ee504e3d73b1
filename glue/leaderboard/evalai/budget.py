"""The calls that EvalAI allows a minute, shared by every function that uses the same token.

EvalAI counts the calls of the last 60 seconds. So does the budget: one item of a table holds the
times of the calls made, and a function that wants to call writes itself in, under the condition
that nobody wrote meanwhile. Who loses that race reads again; whoever wins it has used up a place,
so losing ends after as many rounds as there are places.

Not every call may use every place: the last ones are kept for final results, which nobody must
wait for because others have asked too often how a submission is doing. And who needs two calls to
get anywhere takes both at once: otherwise, when many finish together, their first calls would use
up every minute, and none would get to its second.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from glue.errors import InputError
from glue.leaderboard.evalai.errors import EvalAIBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Share = Literal["final", "read", "interim"]

# A call reaches EvalAI some time after it was written down, and not always equally long after:
# the window is wider than EvalAI's minute by as much.
WINDOW_SECONDS = 62.0
LONGEST_HOLD_SECONDS = 300.0
FEWEST = 2  # calls a minute for any share: looking and telling are taken together
KEY = "name"  # the table's partition key, a text


class Budget(Protocol):
    """Permission to call EvalAI."""

    def take(self, share: Share, calls: int = 1) -> None:
        """Use up some calls; raise EvalAIBusy, and use up none, when that many are not left."""
        ...

    def hold(self, seconds: float) -> None:
        """Let nobody call for so many seconds: EvalAI has said that it is too much."""
        ...


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How many calls a minute there may have been before a share gets no more.

    `final` is for results and failures, `read` for looking at a submission and telling that it
    runs, `interim` for partial results.
    """

    final: int = 60
    read: int = 45
    interim: int = 30

    def __post_init__(self) -> None:
        if not FEWEST <= self.interim <= self.read <= self.final:
            raise InputError(
                "ceilings",
                f"{self.interim}, {self.read}, {self.final} do not ascend from {FEWEST}",
                f"write {FEWEST} <= interim <= read <= final",
            )

    def of(self, share: Share) -> int:
        """Return the ceiling of a share."""
        return {"final": self.final, "read": self.read, "interim": self.interim}[share]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the item says: the times of the calls, and until when nobody may call.

    Times are milliseconds since 1970; `version` counts the changes and is None before the first.
    """

    calls: tuple[int, ...] = ()
    held_until: int = 0
    version: int | None = None

    def at(self, now: int) -> Ledger:
        """Return what still counts now.

        A time in the future is another machine's clock, and must not block for longer than a
        call of this moment.
        """
        oldest = now - int(WINDOW_SECONDS * 1000)
        calls = tuple(sorted(min(call, now) for call in self.calls if call > oldest))
        held_until = min(self.held_until, now + int(LONGEST_HOLD_SECONDS * 1000))
        return Ledger(calls, held_until, self.version)

    def wait(self, now: int, ceiling: int, calls: int = 1) -> int:
        """Return for how many milliseconds that many calls must wait; 0 if they may be made now."""
        held = max(0, self.held_until - now)
        lacking = len(self.calls) + calls - ceiling
        if lacking <= 0:
            return held
        leaving = self.calls[lacking - 1]
        return max(held, leaving + int(WINDOW_SECONDS * 1000) - now, 1)


class TableBudget:
    """A budget in a DynamoDB table whose partition key is the text `name`.

    `client` is a boto3 DynamoDB client; its errors are let through. `name` tells budgets of
    different tokens apart.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        name: str = "evalai",
        ceilings: Ceilings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._table = table
        self._name = name
        self._ceilings = ceilings or Ceilings()
        self._clock = clock

    def take(self, share: Share, calls: int = 1) -> None:
        """Use up one call or two; raise EvalAIBusy, with the seconds to wait, if they are not left.

        Then none is used up.
        """
        ledger = self._read()
        for _ in range(self._ceilings.final + 1):
            now = int(self._clock() * 1000)
            current = ledger.at(now)
            wait = current.wait(now, self._ceilings.of(share), calls)
            if wait:
                raise EvalAIBusy(wait / 1000, f"the calls for {share} of this minute are used up")
            if self._write((*current.calls, *(now,) * calls), current.held_until, ledger.version):
                return
            ledger = self._read()
        # Every lost race was somebody's call: so many at once are a crowd, not a fault.
        raise EvalAIBusy(1.0, "too many functions want to call EvalAI at this moment")

    def hold(self, seconds: float) -> None:
        """Let nobody call for so many seconds, at most 300; a longer hold stays."""
        duration = min(max(seconds, 0.0), LONGEST_HOLD_SECONDS)
        for _ in range(self._ceilings.final + 1):
            now = int(self._clock() * 1000)
            ledger = self._read()
            current = ledger.at(now)
            until = now + int(duration * 1000)
            if current.held_until >= until or self._write(current.calls, until, ledger.version):
                return

    def _read(self) -> Ledger:
        answer = self._client.get_item(
            TableName=self._table, Key={KEY: {"S": self._name}}, ConsistentRead=True
        )
        item = answer.get("Item")
        if item is None:
            return Ledger()
        return Ledger(
            tuple(int(call["N"]) for call in item["calls"]["L"]),
            int(item["held_until"]["N"]),
            int(item["version"]["N"]),
        )

    def _write(self, calls: Sequence[int], held_until: int, version: int | None) -> bool:
        item: dict[str, Any] = {
            KEY: {"S": self._name},
            "calls": {"L": [{"N": str(call)} for call in calls]},
            "held_until": {"N": str(held_until)},
            "version": {"N": str((version or 0) + 1)},
        }
        condition: dict[str, Any] = {
            "ConditionExpression": "attribute_not_exists(#name)",
            "ExpressionAttributeNames": {"#name": KEY},
        }
        if version is not None:
            condition = {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":version": {"N": str(version)}},
            }
        try:
            self._client.put_item(TableName=self._table, Item=item, **condition)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

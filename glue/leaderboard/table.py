"""The submissions of a leaderboard, one item each, and which change may follow which.

Steps are repeated, come late, and run beside the steps of a later attempt. So every change names
the attempt it belongs to, and DynamoDB refuses it when another attempt has begun, or when this one
is closed. What is closed opens again by a later attempt only.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from glue.leaderboard.item import KEYS, SubmissionItem, from_attributes, to_attribute, to_attributes
from glue.leaderboard.states import CLOSED, State
from glue.leaderboard.times import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["Closed", "Moved", "SubmissionItem", "Superseded", "Table"]

TEAM, SUBMISSION = KEYS
BY_SUBMISSION, BY_STATE = "by-submission", "by-state"
# The closed states by the names that they have in a condition, and the condition of being open.
_CLOSED = {f":closed{index}": state for index, state in enumerate(sorted(CLOSED))}
_OPEN = f"NOT #state IN ({', '.join(_CLOSED)})"
IDENTITY = frozenset({"team", "submission", "attempt", "state", "updated_at"})


class Superseded(Exception):  # noqa: N818 - reads as a finding
    """Another attempt has begun: this one may change nothing any more.

    `item` is what is stored now, None when nothing is.
    """

    def __init__(self, attempt: int, item: SubmissionItem | None) -> None:
        now = f"attempt {item.attempt} has begun" if item else "the item is gone"
        super().__init__(f"attempt {attempt} may change nothing any more: {now}")
        self.item = item


class Moved(Exception):  # noqa: N818 - reads as a finding
    """The attempt is in another state than the change is for; `item` is what is stored."""

    def __init__(self, item: SubmissionItem) -> None:
        super().__init__(f"attempt {item.attempt} at {item.submission} is {item.state} already")
        self.item = item


class Closed(Moved):
    """The attempt has ended in another state already."""


class Table:
    """A leaderboard's table. `clock` tells seconds since 1970; DynamoDB's errors are let through.

    Every change sets `updated_at`.
    """

    def __init__(
        self, client: DynamoDBClient, name: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._name = name
        self._clock = clock

    def find(self, submission: int) -> SubmissionItem | None:
        """Return a submission, whichever team's it is, as it is stored now.

        The index that leads to it follows a new item with a delay of well under a second.
        """
        found = self._client.query(
            TableName=self._name,
            IndexName=BY_SUBMISSION,
            KeyConditionExpression="#submission = :submission",
            ExpressionAttributeNames={"#submission": SUBMISSION},
            ExpressionAttributeValues={":submission": {"S": str(submission)}},
        )["Items"]
        return self.get(int(found[0][TEAM]["S"]), submission) if found else None

    def get(self, team: int | str, submission: int) -> SubmissionItem | None:
        """Return a team's submission as it is stored now."""
        key = {TEAM: {"S": str(team)}, SUBMISSION: {"S": str(submission)}}
        answer = self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True)
        return from_attributes(answer["Item"]) if "Item" in answer else None

    def open(self, item: SubmissionItem) -> SubmissionItem:
        """Begin a submission, or a later attempt at it, and return what is stored then.

        An attempt that is stored already stays as it is. Raises Superseded when a later one is.
        """
        fresh = item.model_copy(update={"updated_at": self._now()})
        try:
            self._client.put_item(
                TableName=self._name,
                Item=to_attributes(fresh),
                ConditionExpression="attribute_not_exists(#team) OR #attempt < :attempt",
                ExpressionAttributeNames={"#team": TEAM, "#attempt": "attempt"},
                ExpressionAttributeValues={":attempt": {"N": str(item.attempt)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            stored = self._stored(item, refused.response)
            if stored is None or stored.attempt != item.attempt:
                raise Superseded(item.attempt, stored) from None
            return stored
        return fresh

    def move(self, item: SubmissionItem, state: State, **fields: Any) -> SubmissionItem:
        """Put an attempt into a state, set fields, and return what is stored then.

        A field that is None is taken away. Raises Superseded when another attempt has begun, and
        Closed when this one has ended in another state.
        """
        return self._change(item, {**fields, "state": state}, f"(#state = :state OR {_OPEN})")

    def note(self, item: SubmissionItem, **fields: Any) -> SubmissionItem:
        """Set fields of an open attempt, whatever its state. Raises Superseded and Closed."""
        return self._change(item, fields, _OPEN)

    def amend(self, item: SubmissionItem, **fields: Any) -> SubmissionItem:
        """Set fields of an attempt, closed or not. Raises Superseded."""
        return self._change(item, fields)

    def remark(self, item: SubmissionItem, **fields: Any) -> SubmissionItem:
        """Set fields that are true of the state that `item` is in, as it was read.

        Raises Superseded, and Moved when the attempt is in another state by now.
        """
        return self._change(item, fields, "#state = :state")

    def in_state(self, state: State, since: str = "") -> Iterator[SubmissionItem]:
        """Yield the submissions in a state, the one that did not change for longest first.

        `since` leaves out those that did not change from that time on (UTC, ISO 8601).
        """
        condition, names = "#state = :state", {"#state": "state"}
        values: dict[str, Any] = {":state": {"S": str(state)}}
        if since:
            condition += " AND #updated >= :since"
            names["#updated"] = "updated_at"
            values[":since"] = {"S": since}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=BY_STATE,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
        for page in pages:
            yield from map(from_attributes, page["Items"])

    def all(self) -> Iterator[SubmissionItem]:
        """Yield every submission, in no order."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name, ConsistentRead=True
        )
        for page in pages:
            yield from map(from_attributes, page["Items"])

    def _change(
        self, item: SubmissionItem, fields: Mapping[str, Any], condition: str = ""
    ) -> SubmissionItem:
        """Set fields if the item is of the same attempt, and `condition` on its state holds.

        There `:state` is the state to be set, or else the one that `item` was read in.
        """
        if wrong := sorted((IDENTITY - {"state"}) & fields.keys()):
            raise TypeError(f"{', '.join(wrong)} cannot be changed like this")
        # Checked as a whole, so that a misspelt field or a wrong type never reaches the table.
        changed = SubmissionItem.model_validate(
            {**item.model_dump(), **fields, "updated_at": self._now()}, extra="forbid"
        )
        names, values = {"#attempt": "attempt"}, {":attempt": {"N": str(item.attempt)}}
        settings, removals = [], []
        for name in sorted({*fields, "updated_at"}):
            names[f"#{name}"] = name
            value = getattr(changed, name)
            if value is None:
                removals.append(f"#{name}")
            else:
                settings.append(f"#{name} = :{name}")
                values[f":{name}"] = to_attribute(value)
        if condition:
            names["#state"] = "state"
            for name, state in ({":state": changed.state} | _CLOSED).items():
                if name in condition:
                    values[name] = {"S": str(state)}
        conditions = " AND ".join(filter(None, ("#attempt = :attempt", condition)))
        removing = f" REMOVE {', '.join(removals)}" if removals else ""
        try:
            answer = self._client.update_item(
                TableName=self._name,
                Key={TEAM: {"S": str(item.team)}, SUBMISSION: {"S": str(item.submission)}},
                UpdateExpression=f"SET {', '.join(settings)}{removing}",
                ConditionExpression=conditions,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            stored = self._stored(item, refused.response)
            if stored is None or stored.attempt != item.attempt:
                raise Superseded(item.attempt, stored) from None
            raise (Closed if stored.state.is_closed else Moved)(stored) from None
        return from_attributes(answer["Attributes"])

    def _stored(self, item: SubmissionItem, refusal: Mapping[str, Any]) -> SubmissionItem | None:
        """Return the item that made DynamoDB refuse a change."""
        if "Item" in refusal:
            return from_attributes(refusal["Item"])
        return self.get(item.team, item.submission)

    def _now(self) -> str:
        return utc_text(self._clock())

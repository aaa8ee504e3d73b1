"""How the conditions of a query are put in SQL, so that they stay fast as recordings grow.

Values of all names share the columns `number` and `text`, so no statistics say how many
recordings fulfil a condition. Hence it is counted first, up to a bound, and the count decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from glue.recordings.catalogue.engine import Statement, Value
from glue.recordings.catalogue.schema import INDEXED_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glue.recordings.query import Condition

RARE = 1000  # up to so many matches, a search starts from them
SAMPLE = 500  # values looked at to learn whether a text is common
EVERYTHING = 1_000_000_000

# How a condition is put: a number starts the search from that many matches; "check" asks it of
# each recording in turn, for the common; "collect" gathers all matches first, for texts that no
# index finds; "plain" leaves the choice to the database.
Put = int | Literal["check", "collect", "plain"]


def _matches(condition: Condition, position: int) -> tuple[str, dict[str, Value]]:
    """Return what a row `a` of `attribute` must fulfil, and the parameters of that."""
    name, value = f"name{position}", f"value{position}"
    parameters: dict[str, Value] = {name: condition.name}
    text = f"a.name = :{name}"
    if condition.operator == "exists":
        return text, parameters
    parameters[value] = condition.value
    if isinstance(condition.value, str):
        if condition.operator == "contains":
            return f"{text} and strpos(a.text, cast(:{value} as varchar(16384))) > 0", parameters
        if condition.operator == "!=":
            return f"{text} and a.text <> :{value}", parameters
        start = f"start{position}"
        parameters[start] = condition.value[:INDEXED_LENGTH]
        return (
            f"{text} and left(a.text, {INDEXED_LENGTH}) = :{start} and a.text = :{value}",
            parameters,
        )
    sign = "<>" if condition.operator == "!=" else condition.operator
    return f"{text} and a.number {sign} cast(:{value} as double precision)", parameters


def weigh_conditions(conditions: Sequence[Condition], *, count: bool) -> Statement:
    """Return, in one row, what is stored under each condition's name, and how many match.

    `number<i>` and `text<i>` are the least number and text; either is null when the attribute
    has no value of that type. With `count`, `count<i>` is the number of matches, counted up to
    `RARE` + 1; for `contains`, which no index helps with, among the first `SAMPLE` values. The
    orders make PostgreSQL walk the index on the name: for a name and a value its statistics
    know no common figure, and without an order it may read the whole table in the hope of a
    quick find.
    """
    parts: list[str] = []
    parameters: dict[str, Value] = {}
    for i, condition in enumerate(conditions):
        parameters[f"name{i}"] = condition.name
        indexed = f"left(a.text, {INDEXED_LENGTH})"
        for column, expression in (("number", "a.number"), ("text", indexed)):
            parts.append(
                f"(select min({expression}) from attribute a "  # noqa: S608
                f"where a.name = :name{i}) as {column}{i}"
            )
        if not count:
            continue
        matches, more = _matches(condition, i)
        parameters |= more
        if condition.operator == "contains":
            counted = (
                "select count(*) from (select a.text from attribute a "  # noqa: S608
                f"where a.name = :name{i} and a.number is null "
                f"order by a.number, a.recording limit {SAMPLE}) p{i} "
                f"where strpos(p{i}.text, cast(:value{i} as varchar(16384))) > 0"
            )
        else:
            order = indexed if isinstance(condition.value, str) else "a.number"
            counted = (
                "select count(*) from (select a.recording from attribute a "  # noqa: S608
                f"where {matches} order by {order} limit {RARE + 1}) p{i}"
            )
        parts.append(f"({counted}) as count{i}")
    return Statement(f"select {', '.join(parts)}", parameters)


def put_condition(condition: Condition, position: int, put: Put) -> tuple[str, dict[str, Value]]:
    """Return what a row `r` of `recording` must fulfil, and the parameters of that."""
    matches, parameters = _matches(condition, position)
    if put == "check":
        # A scalar subquery is checked row by row while recordings are read in order, until the
        # page is full; a semi-join would tempt the planner to collect all the matches first.
        count = (
            "select count(*) from attribute a "  # noqa: S608
            f"where a.recording = r.recording and {matches}"
        )
        return f"({count}) > 0", parameters
    found = f"select a.recording from attribute a where {matches}"  # noqa: S608
    if put == "collect":
        found += f" limit {EVERYTHING}"  # keeps the planner from asking for each recording anew
    elif put != "plain":
        # The limit tells the planner how few they are; it leaves room for what arrives meanwhile.
        found += f" limit {2 * int(put) + 64}"
    return f"r.recording in ({found})", parameters

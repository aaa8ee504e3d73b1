"""The small language in which recordings are asked for, and the cursors that page through.

A condition is `name operator value`: `subject_fatigue >= 3`, `hardware = 'Neuropixels 2.0'`,
`notes contains seizure`, `temperature exists`. Several conditions must all hold. An unquoted
number is compared as a number, anything else as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import parsy  # type: ignore[import-untyped]

from glue.errors import InputError
from glue.recordings.metadata import LONGEST_KEY, LONGEST_VALUE, to_number
from glue.recordings.names import check_recording_name, parse_time, show
from glue.recordings.records import FINDABLE, STATES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from glue.recordings.records import State

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "exists"]
OPERATORS: tuple[Operator, ...] = ("=", "!=", "<", "<=", ">", ">=", "contains", "exists")
ORDERING = ("<", "<=", ">", ">=")

LONGEST_CONDITION = 6000
LONGEST_CURSOR = 4000
MOST_CONDITIONS = 20
DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200

_FORM = "write name operator value, such as subject_fatigue >= 3 or hardware = 'model 2'"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; `value` is a float, a text, or None for `exists`."""

    name: str
    operator: Operator
    value: float | str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: all conditions hold, and since <= recorded_at < until (UTC).

    `after` is the name of the last recording already seen; answers are ordered by name.
    """

    conditions: tuple[Condition, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    states: tuple[State, ...] = FINDABLE
    device: str | None = None
    recordings: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    after: str = ""


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


_SPACE = parsy.regex(r"\s*")
_QUOTED = (
    parsy.regex(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
    .map(_unquote)
    .desc("a text between quotes")
)
_NAME = _QUOTED | parsy.regex(r"[^\s'\"=!<>]+").desc("a name")
_SYMBOL = parsy.regex(r"[=!<>~&|^%]+|[A-Za-z_]+").desc("an operator")
_BARE = parsy.regex(r"[^'\"]+").map(str.strip).desc("a value")
_HEAD = parsy.seq(_SPACE >> _NAME << _SPACE, _SYMBOL << _SPACE)


def _fail(text: str, message: str, remedy: str = _FORM) -> InputError:
    return InputError("where", f"{show(text, 80)}: {message}", remedy)


def _is_storable(text: str) -> bool:
    return not any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text)


def _operator(text: str, symbol: str) -> Operator:
    for operator in OPERATORS:
        if symbol.lower() == operator:
            return operator
    if symbol == "==":
        return "="
    raise _fail(text, f"{symbol!r} is no operator", f"use one of {' '.join(OPERATORS)}")


def _value(text: str, rest: str, operator: Operator) -> float | str:
    if rest[0] in "'\"":
        try:
            value, behind = _QUOTED.parse_partial(rest)
        except parsy.ParseError as error:
            raise _fail(text, "a quote is not closed", f"end it with {rest[0]}") from error
        if behind.strip():
            raise _fail(text, "text follows the closing quote")
        return str(value)
    try:
        bare: str = _BARE.parse(rest)
    except parsy.ParseError as error:
        remedy = "put the whole value between quotes, with \\ before a quote inside"
        raise _fail(text, "a quote stands inside a value without quotes", remedy) from error
    number = to_number(bare)
    return bare if number is None or operator == "contains" else number


def _check_text_value(text: str, operator: Operator, value: str) -> None:
    if operator in ORDERING:
        raise _fail(
            text,
            f"{operator} compares numbers, and {show(value, 40)} is text",
            "use a number without quotes, or = != contains for text",
        )
    if len(value) > LONGEST_VALUE:
        raise _fail(text, f"the value has {len(value)} characters", f"use at most {LONGEST_VALUE}")


def _head(text: str) -> tuple[str, str, str]:
    """Return name, operator as written, and the rest; raise `InputError` without a name."""
    if len(text) > LONGEST_CONDITION:
        remedy = f"use at most {LONGEST_CONDITION}"
        raise _fail(text, f"it has {len(text)} characters", remedy)
    if not _is_storable(text):
        raise _fail(text, "it contains a character that no text can hold", "remove it")
    try:
        (name, symbol), rest = _HEAD.parse_partial(text)
    except parsy.ParseError as error:
        if error.index == len(text) - len(text.lstrip()) and text.lstrip()[:1] in ("'", '"'):
            raise _fail(text, "a quote is not closed") from error
        raise _fail(text, f"expected {', '.join(sorted(error.expected))}") from error
    name = name.strip()
    if not name:
        raise _fail(text, "the name is empty")
    if len(name) > LONGEST_KEY:
        raise _fail(text, f"the name has {len(name)} characters", f"use at most {LONGEST_KEY}")
    return name, symbol, rest


def parse_condition(text: str) -> Condition:
    """Return the condition that `text` writes; raise `InputError` naming what is wrong."""
    name, symbol, rest = _head(text)
    operator = _operator(text, symbol)
    if operator == "exists":
        if rest:
            raise _fail(text, "a value follows 'exists'", f"write {name} exists")
        return Condition(name, operator)
    if not rest:
        raise _fail(text, "the value is missing", "write a value; '' is the empty text")
    value = _value(text, rest, operator)
    if isinstance(value, str):
        _check_text_value(text, operator, value)
    return Condition(name, operator, value)


def parse_conditions(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Return the conditions of a query, at most `MOST_CONDITIONS`."""
    if len(texts) > MOST_CONDITIONS:
        raise InputError(
            "where", f"{len(texts)} conditions are given", f"use at most {MOST_CONDITIONS}"
        )
    return tuple(parse_condition(text) for text in texts)


def parse_bound(text: str | None, field: str) -> datetime | None:
    """Return the time a filter names, in UTC; a time without a zone is read as UTC."""
    if text is None:
        return None
    time = parse_time(text)
    if time is None:
        raise InputError(
            field,
            f"{show(text, 40)} is no time",
            "write ISO 8601, such as 2021-03-01 or 2021-03-01T16:12:21+01:00",
        )
    return time


def parse_states(texts: Sequence[str]) -> tuple[State, ...]:
    """Return the states asked for; without any, those of recordings that can be used."""
    if not texts:
        return FINDABLE
    for text in texts:
        if text not in STATES:
            raise InputError(
                "state", f"{show(text, 40)} is no state", f"use one of {', '.join(STATES)}"
            )
    return tuple(state for state in STATES if state in texts)


def behind(query: Query, after: str) -> Query:
    """Return the same query from behind a position on."""
    return replace(query, after=after)


def query_digest(query: Query, purpose: str = "") -> str:
    """Return what binds a cursor to its query: everything but the page's position and size."""
    facts = [
        purpose,
        [[c.name, c.operator, c.value] for c in query.conditions],
        query.since.isoformat() if query.since else None,
        query.until.isoformat() if query.until else None,
        list(query.states),
        query.device,
        list(query.recordings),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _seal(position: list[str], digest: str) -> str:
    return hashlib.sha256(json.dumps([position, digest]).encode()).hexdigest()[:32]


def write_cursor(position: Sequence[str], digest: str) -> str:
    """Return the opaque text from which the next page of this query goes on."""
    held = list(position)
    content = json.dumps({"after": held, "seal": _seal(held, digest)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, digest: str, length: int = 1) -> list[str]:
    """Return the position in a cursor (empty texts without one).

    Raises `InputError` for a cursor that was changed or belongs to another query.
    """
    if cursor is None:
        return [""] * length
    remedy = "repeat the query without a cursor, and use each answer's `next` with that query"
    wrong = InputError("cursor", "the cursor does not belong to this query", remedy)
    if len(cursor) > LONGEST_CURSOR or not cursor.isascii():
        raise wrong
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        position, seal = content["after"], content["seal"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise wrong from error
    if not isinstance(position, list) or len(position) != length:
        raise wrong
    steps = [step for step in position if isinstance(step, str)]
    if len(steps) != length or seal != _seal(steps, digest):
        raise wrong
    return steps


def check_recordings(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of recordings asked for, at most `LARGEST_LIMIT`, without repeats."""
    if len(names) > LARGEST_LIMIT:
        raise InputError(
            "recording", f"{len(names)} names are given", f"ask for at most {LARGEST_LIMIT}"
        )
    return tuple(sorted({check_recording_name(name) for name in names}))

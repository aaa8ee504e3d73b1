"""What the catalogue asks of a database, so that PostgreSQL and Redshift can both be it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

Value = str | int | float | None
Row = Mapping[str, Any]
Result = TypeVar("Result")

PARAMETER = re.compile(r"(?<!:):([a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `:name` parameters; values never stand in the text itself."""

    text: str
    parameters: Mapping[str, Value] = field(default_factory=dict)


class CatalogueError(RuntimeError):
    """The database refused or failed; trying again later may help."""


class MissingSchemaError(CatalogueError):
    """The catalogue's tables are not there yet."""


class Session(Protocol):
    """Runs statements one after the other."""

    def rows(self, statement: Statement) -> list[Row]:
        """Run a statement and return its rows, each a mapping by column name."""
        ...


class Engine(Session, Protocol):
    """A database that can hold the catalogue."""

    indexes: bool
    """Whether the database has indexes: decides on the schema and on how conditions are put."""

    def exclusive(self, subject: str, work: Callable[[Session, int], Result]) -> Result:
        """Run `work` in one transaction, alone among all callers with the same subject.

        `work` gets a session and the number of this attempt, counted from 1: after a broken
        connection or a lost race it runs again, so it must tolerate that an earlier attempt
        was committed.
        """
        ...

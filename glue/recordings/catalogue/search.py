"""Questions to the catalogue."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar, cast

from glue.errors import InputError
from glue.recordings.catalogue import conditions, statements
from glue.recordings.catalogue.conditions import Way
from glue.recordings.catalogue.engine import MissingSchemaError
from glue.recordings.catalogue.schema import make_schema
from glue.recordings.names import parse_time, show
from glue.recordings.records import Attribute, Recording, StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from glue.recordings.catalogue.conditions import Group
    from glue.recordings.catalogue.engine import Engine, Row, Statement
    from glue.recordings.query import Condition, Query
    from glue.recordings.records import Kind, State

Result = TypeVar("Result")
# Looking at a recording costs about ten times what gathering a match costs: a walk that is not
# done after so many recordings for each result has probably a long way to go.
WALK_PER_RESULT = 40
MOST_ROUNDS = 5  # pages of recordings looked through for one page of objects


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return parse_time(str(value)) if value is not None else None


def recording_of(row: Row) -> Recording:
    """Return what a row of `recording` says."""
    return Recording(
        recording=row["recording"],
        state=cast("State", row["state"]),
        device=row["device"],
        reason=row["reason"],
        recorded_at=_time(row.get("recorded_at")),
    )


def _attribute(row: Row) -> Attribute:
    number = None if row["number"] is None else float(row["number"])
    return Attribute(row["name"], number, row["text"], row["unit"])


def _object(row: Row) -> StoredObject:
    return StoredObject(
        key=row["key"],
        kind=cast("Kind", row["kind"]),
        size=int(row["size"]),
        sha256=row["sha256"],
        version_id=row["version_id"],
        step=row["step"],
        source_version_id=row["source_version_id"],
    )


class Search:
    """Reads the catalogue of an engine, whose tables it makes when they are missing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _with_schema(self, run: Callable[[], Result]) -> Result:
        try:
            return run()
        except MissingSchemaError:
            make_schema(self._engine)
            return run()

    def _rows(self, statement: Statement) -> list[Row]:
        return self._with_schema(lambda: self._engine.rows(statement))

    def summaries(self, recordings: Sequence[str]) -> dict[str, Recording]:
        """Return those of the recordings that are known, without attributes and objects."""
        if not recordings:
            return {}
        rows = self._rows(statements.read_recordings(recordings))
        return {row["recording"]: recording_of(row) for row in rows}

    def get(self, recording: str) -> Recording | None:
        """Return a recording with its attributes and objects, or None."""
        return next(iter(self._complete(self.summaries([recording]).values())), None)

    def find(self, query: Query) -> tuple[list[Recording], str | None]:
        """Return a page of recordings by name, and after which name the next page starts."""
        rows = self._found(query, query.limit + 1, inclusive=False)
        more = len(rows) > query.limit
        page = self._complete([recording_of(row) for row in rows[: query.limit]])
        return page, page[-1].recording if more else None

    def find_objects(
        self, query: Query, kind: Kind, after_key: str = ""
    ) -> tuple[list[tuple[str, StoredObject]], tuple[str, str] | None]:
        """Return a page of (recording, object), and the position behind which the next starts.

        A position is a recording and a key in it; without a key, all of the recording was seen.
        A page may be empty and still have a next one, when many recordings have no such object.
        """
        for _ in range(MOST_ROUNDS):
            rows = self._found(query, query.limit + 1, inclusive=bool(after_key))
            names = [row["recording"] for row in rows[: query.limit]]
            if not names:
                return [], None
            after = (query.after, after_key) if after_key else None
            statement = statements.read_objects(names, kind, after, query.limit + 1)
            found = [(row["recording"], _object(row)) for row in self._rows(statement)]
            if len(found) > query.limit:
                page = found[: query.limit]
                return page, (page[-1][0], page[-1][1].key)
            behind = (names[-1], "") if len(rows) > query.limit else None
            if found or behind is None:
                return found, behind
            query, after_key = replace(query, after=names[-1]), ""
        return [], (query.after, "")

    def objects_of(self, recordings: Sequence[str]) -> dict[str, list[StoredObject]]:
        """Return the objects of recordings."""
        objects: dict[str, list[StoredObject]] = defaultdict(list)
        if recordings:
            for row in self._rows(statements.read_objects(recordings)):
                objects[row["recording"]].append(_object(row))
        return objects

    def waiting_since(self, before: datetime) -> int:
        """Return how many recordings have been incomplete since before a moment."""
        return int(self._rows(statements.count_incomplete(before))[0]["waiting"])

    def _found(self, query: Query, limit: int, *, inclusive: bool) -> list[Row]:
        def ask(way: Way) -> list[Row]:
            statement = statements.find_recordings(query, way, limit, inclusive=inclusive)
            return self._rows(statement)

        if not query.conditions:
            return ask(Way())
        groups = conditions.group_conditions(query.conditions)
        if not self._engine.indexes:  # to count is to search
            self._weigh(groups, count=False)
            return ask(conditions.plain(groups))
        counts = self._weigh(groups, count=True)
        if min(counts) == 0:
            return []
        if min(counts) <= conditions.RARE:
            return ask(conditions.start(groups, counts))
        rows = ask(conditions.walk(groups, WALK_PER_RESULT * limit))
        if len(rows) == limit:
            return rows
        # A page that the walk did not fill says nothing about the recordings behind it.
        if len(groups) > 1:
            (row,) = self._rows(conditions.weigh_common(groups))
            counts = conditions.estimates(groups, row)
        return ask(conditions.gather(groups, counts))

    def _weigh(self, groups: Sequence[Group], *, count: bool) -> list[int]:
        """Return for each group how many match at most, up to `RARE` + 1 (nothing uncounted).

        Raises `InputError` for a value whose type never occurs under its name.
        """
        (row,) = self._rows(conditions.weigh_groups(groups, count=count))
        for i, group in enumerate(groups):
            numbers, texts = row[f"number{i}"] is not None, row[f"text{i}"] is not None
            for condition in group.conditions:
                _refuse_clash(condition, numbers=numbers, texts=texts)
        return [int(row[f"count{i}"]) for i in range(len(groups))] if count else []

    def _complete(self, recordings: Iterable[Recording]) -> list[Recording]:
        known = {recording.recording: recording for recording in recordings}
        if not known:
            return []
        names = list(known)
        attributes: dict[str, list[Attribute]] = defaultdict(list)
        for row in self._rows(statements.read_attributes(names)):
            attributes[row["recording"]].append(_attribute(row))
        objects = self.objects_of(names)
        return [
            replace(known[name], attributes=tuple(attributes[name]), objects=tuple(objects[name]))
            for name in names
        ]


def _refuse_clash(condition: Condition, *, numbers: bool, texts: bool) -> None:
    if condition.operator == "exists" or not (numbers or texts):
        return
    name = show(condition.name)
    if isinstance(condition.value, str) and not texts:
        raise InputError(
            "where",
            f"{name} holds numbers, and {show(condition.value)} is text",
            "compare it with a number, without quotes",
        )
    if not isinstance(condition.value, str) and not numbers:
        value = Attribute(condition.name, condition.value).value
        raise InputError(
            "where",
            f"{name} holds text, and {value} is a number",
            f"put the value between quotes: '{value}', with one of = != contains",
        )

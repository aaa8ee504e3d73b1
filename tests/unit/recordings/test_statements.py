"""Every statement is valid in both dialects and uses nothing that only PostgreSQL has."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlglot
from sqlglot import expressions as sql

from glue.recordings.catalogue import conditions, schema, statements
from glue.recordings.catalogue.engine import PARAMETER, Statement
from glue.recordings.catalogue.postgresql import translate
from glue.recordings.catalogue.redshift import inline_nothing
from glue.recordings.query import Query, parse_conditions
from glue.recordings.records import Attribute, Recording, StoredObject

TIME = datetime(2021, 3, 1, tzinfo=UTC)
CONDITIONS = parse_conditions(
    [
        *("n = 1", "n != 1", "n <= 1", "o contains a", "e exists"),
        *("t = a", "t != a", "t contains a", "t exists", f"l = {'a' * 200}", "l contains b"),
    ]
)
GROUPS = conditions.group_conditions(CONDITIONS)
ONLY_POSTGRESQL = (sql.OnConflict, sql.Returning, sql.Array, sql.ArrayAgg, sql.JSONExtract)


def every_statement() -> Iterator[Statement]:
    yield from (Statement(text) for text in schema.TABLES)
    yield schema.READ_SCHEMA_VERSION
    yield schema.WRITE_SCHEMA_VERSION
    yield statements.read_recordings(["a", "b"])
    yield statements.read_attributes(["a"])
    yield statements.read_objects(["a"])
    yield statements.read_objects(["a"], "raw", ("a", "k"), 5)
    recording = Recording("a", "complete", "rig", None, TIME)
    yield statements.write_recording(recording, TIME, known=True)
    yield statements.write_recording(recording, TIME, known=False)
    yield statements.write_reason("a", "why")
    yield statements.delete_attributes("a")
    yield statements.delete_objects("a", "raw")
    yield statements.delete_objects("a", "processed", ["k", "l"])
    yield from statements.insert_attributes("a", [Attribute("n", 1.0), Attribute("t", text="x")])
    yield from statements.insert_objects("a", [StoredObject("k", "raw", 1, None, None)])
    yield conditions.weigh_groups(GROUPS, count=True)
    yield conditions.weigh_groups(GROUPS, count=False)
    yield conditions.weigh_common(GROUPS)
    full = Query(CONDITIONS, TIME, TIME, ("complete",), "rig", ("a", "b"), 5, "a")
    counts = [2000 + n for n in range(len(GROUPS))]
    ways = (
        conditions.plain(GROUPS),
        conditions.start(GROUPS, counts),
        conditions.walk(GROUPS, 10),
        conditions.gather(GROUPS, counts),
        conditions.gather(GROUPS[:1], counts),
    )
    for way in ways:
        yield statements.find_recordings(full, way, 6)
    yield statements.find_recordings(full, ways[-1], 6, inclusive=True)
    yield statements.find_recordings(Query(), conditions.Way(), 6)
    yield statements.count_incomplete(TIME)


@pytest.mark.parametrize("dialect", ["postgres", "redshift"])
@pytest.mark.parametrize("statement", list(every_statement()), ids=lambda s: s.text[:60])
def test_both_dialects_parse_it(statement: Statement, dialect: str) -> None:
    (tree,) = sqlglot.parse(statement.text, dialect=dialect)
    assert tree is not None
    assert not isinstance(tree, sql.Command), "sqlglot gave up on it"
    assert not list(tree.find_all(*ONLY_POSTGRESQL))
    assert set(PARAMETER.findall(statement.text)) == set(statement.parameters)


@pytest.mark.parametrize("statement", list(every_statement()), ids=lambda s: s.text[:60])
def test_no_value_stands_in_the_text(statement: Statement) -> None:
    """A text literal in a statement could only come from somebody's input."""
    (tree,) = sqlglot.parse(statement.text, dialect="redshift")
    assert tree is not None
    assert not [literal for literal in tree.find_all(sql.Literal) if literal.is_string]


@pytest.mark.parametrize("text", schema.INDEXES)
def test_indexes_are_postgresqls(text: str) -> None:
    assert sqlglot.parse_one(text, dialect="postgres").key == "create"


def test_translation() -> None:
    assert translate("a = :b and c::text like '%'") == "a = %(b)s and c::text like '%%'"
    held = inline_nothing(Statement("(:a, :b, :c)", {"a": None, "b": "", "c": 0}))
    assert held == Statement("(null, '', :c)", {"c": 0})

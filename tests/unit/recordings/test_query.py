import base64
import json
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import InputError
from glue.recordings.query import (
    LARGEST_LIMIT,
    MOST_CONDITIONS,
    OPERATORS,
    Condition,
    Operator,
    Query,
    behind,
    check_recordings,
    parse_bound,
    parse_condition,
    parse_conditions,
    parse_states,
    query_digest,
    read_cursor,
    write_cursor,
)
from glue.recordings.records import FINDABLE


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("fatigue >= 3", Condition("fatigue", ">=", 3.0)),
        ("fatigue>=-3", Condition("fatigue", ">=", -3.0)),
        ("a==1e3", Condition("a", "=", 1000.0)),
        ("a = 007", Condition("a", "=", "007")),
        ("a = '3'", Condition("a", "=", "3")),
        ("a != Neuropixels 2.0 ", Condition("a", "!=", "Neuropixels 2.0")),
        (r"a = 'it\'s \\'", Condition("a", "=", "it's \\")),
        ('a = "it\'s"', Condition("a", "=", "it's")),
        ("a = ''", Condition("a", "=", "")),
        ("'two words' < 1", Condition("two words", "<", 1.0)),
        ("a contains 5", Condition("a", "contains", "5")),
        ("a CONTAINS x", Condition("a", "contains", "x")),
        ("  a   exists  ", Condition("a", "exists")),
        ("a = x; drop table recording", Condition("a", "=", "x; drop table recording")),
        ("a = 1 or 1=1", Condition("a", "=", "1 or 1=1")),
        ("größe = größer", Condition("größe", "=", "größer")),
    ],
)
def test_conditions(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a name"),
        ("   ", "expected a name"),
        ("a", "expected an operator"),
        ("= 3", "expected a name"),
        ("'' = 3", "name is empty"),
        ("'  ' = 3", "name is empty"),
        ("a ~ 3", "'~' is no operator"),
        ("a <> 3", "'<>' is no operator"),
        ("a like 3", "'like' is no operator"),
        ("a =! 3", "'=!' is no operator"),
        ("a =", "value is missing"),
        ("a = 'x", "quote is not closed"),
        ('a = "x\\"', "quote is not closed"),
        ("'a = 3", "quote is not closed"),
        ("a = it's", "quote stands inside"),
        ("a = 'x' y", "text follows"),
        ("a exists 3", "a value follows"),
        ("a >= x", "compares numbers"),
        ("a < '3'", "compares numbers"),
        ("a < 9007199254740993", "compares numbers"),
        ("a = \x00", "no text can hold"),
        ("a = \ud800", "no text can hold"),
        ("n" * 129 + " = 3", "129 characters"),
        ("a = " + "v" * 4097, "4097 characters"),
        ("a = " + "v" * 7000, "7004 characters"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_condition(text)
    assert caught.value.field == "where"
    assert caught.value.remedy
    str(caught.value).encode()


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_explained(text: str) -> None:
    try:
        condition = parse_condition(text)
    except InputError as error:
        str(error).encode()
    else:
        assert condition.name
        assert condition.operator in OPERATORS


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50)


@given(TEXTS.filter(lambda t: t.strip() == t != ""), TEXTS, st.sampled_from("'\""))
def test_every_text_can_be_asked_for(name: str, value: str, quote: str) -> None:
    def quoted(text: str) -> str:
        return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote

    found = parse_condition(f"{quoted(name)} = {quoted(value)}")
    assert found == Condition(name, "=", value)


def test_limits() -> None:
    assert set(OPERATORS) == set(get_args(Operator))
    assert len(parse_conditions(["a = 1"] * MOST_CONDITIONS)) == MOST_CONDITIONS
    with pytest.raises(InputError, match="21 conditions"):
        parse_conditions(["a = 1"] * 21)
    assert check_recordings(["b", "a", "b"]) == ("a", "b")
    with pytest.raises(InputError, match="201 names"):
        check_recordings(["a"] * (LARGEST_LIMIT + 1))
    with pytest.raises(InputError, match="contains"):
        check_recordings(["a", "b/c"])


def test_states_and_times() -> None:
    assert parse_states([]) == FINDABLE
    assert parse_states(["processed", "incomplete", "processed"]) == ("incomplete", "processed")
    with pytest.raises(InputError, match="is no state"):
        parse_states(["done"])
    assert parse_bound(None, "since") is None
    assert parse_bound("2021-03-01", "since") == datetime(2021, 3, 1, tzinfo=UTC)
    with pytest.raises(InputError, match="is no time") as caught:
        parse_bound("noon", "until")
    assert caught.value.field == "until"


class TestCursors:
    QUERY = Query(parse_conditions(["a = 1"]), since=datetime(2021, 3, 1, tzinfo=UTC))
    DIGEST = query_digest(QUERY)

    def test_a_cursor_comes_back(self) -> None:
        cursor = write_cursor(["r1", "k"], self.DIGEST)
        assert read_cursor(cursor, self.DIGEST, 2) == ["r1", "k"]
        assert read_cursor(None, self.DIGEST, 2) == ["", ""]
        assert cursor.isascii()
        assert "=" not in cursor

    def test_position_and_page_size_do_not_bind(self) -> None:
        other = behind(Query(self.QUERY.conditions, self.QUERY.since, limit=7), "r9")
        assert query_digest(other) == self.DIGEST

    @pytest.mark.parametrize(
        "other",
        [
            Query(),
            Query(QUERY.conditions),
            Query(QUERY.conditions, QUERY.since, device="rig"),
            Query(QUERY.conditions, QUERY.since, states=("incomplete",)),
            Query(QUERY.conditions, QUERY.since, recordings=("a",)),
            Query(QUERY.conditions, QUERY.since, until=QUERY.since),
        ],
    )
    def test_another_query_refuses_it(self, other: Query) -> None:
        with pytest.raises(InputError, match="does not belong"):
            read_cursor(write_cursor(["r1"], self.DIGEST), query_digest(other))
        assert query_digest(self.QUERY, "objects") != self.DIGEST

    def test_a_changed_one_is_refused(self) -> None:
        cursor = write_cursor(["r1"], self.DIGEST)
        content = json.loads(base64.urlsafe_b64decode(cursor + "=="))
        content["after"] = ["r2"]
        changed = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
        odd: list[object] = [3, [], {}, {"after": "r1", "seal": ""}, {"after": [1], "seal": ""}]
        strange = [base64.urlsafe_b64encode(json.dumps(held).encode()).decode() for held in odd]
        for bad in (changed, cursor[:-4], cursor + "A", "", "ä", "a" * 5000, "!", *strange):
            with pytest.raises(InputError) as caught:
                read_cursor(bad, self.DIGEST)
            assert caught.value.field == "cursor"
        with pytest.raises(InputError):
            read_cursor(cursor, self.DIGEST, 2)

    @given(st.text(max_size=80))
    def test_any_text_is_refused_politely(self, text: str) -> None:
        with pytest.raises(InputError):
            read_cursor(text, self.DIGEST)

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glue.errors import InputError
from glue.recordings.metadata import (
    LARGEST_METADATA,
    LONGEST_VALUE,
    MOST_ATTRIBUTES,
    parse_metadata,
    recorded_at,
    to_number,
)
from glue.recordings.records import Attribute


def values(content: str | bytes) -> dict[str, float | int | str]:
    held = content.encode() if isinstance(content, str) else content
    return {a.name: a.value for a in parse_metadata(held)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3.5", -3.5),
        ("+5", 5),
        ("1e3", 1000),
        (".5", 0.5),
        ("0", 0),
        ("-0", 0),
        ("0.10", 0.1),
        ("9007199254740992", 2**53),
        ("9007199254740993", "9007199254740993"),
        ("007", "007"),
        ("00", "00"),
        ("1e999", "1e999"),
        ("1" * 400, "1" * 400),
        ("1,5", "1,5"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("2021-02-28", "2021-02-28"),
        ("3 electrodes", "3 electrodes"),
        ("Infinity War", "Infinity War"),
        ("nano", "nano"),
        ("", ""),
        ("a: b = c", "a: b = c"),
        ("36.6C", "36.6C"),
        ("007 C", "007 C"),
    ],
)
def test_numbers_stay_numbers_and_text_stays_text(text: str, value: float | str) -> None:
    for separator in (": ", "=", ":", " = "):
        (found,) = values(f"key{separator}{text}").values()
        assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("line", "number", "unit"),
    [
        ("temperature: 36.6 C", 36.6, "C"),
        ("temperature [C]: 36.6", 36.6, "C"),
        ("gain=2.34 uV/bit", 2.34, "uV/bit"),
        ("rate: 30 kHz", 30, "kHz"),
        ("charge: 80%", 80, "%"),
        ("angle: 90°", 90, "°"),
        ("speed [m/s^2]: 1", 1, "m/s^2"),
        ("empty []: 1", 1, None),
    ],
)
def test_units_are_kept(line: str, number: float, unit: str | None) -> None:
    (attribute,) = parse_metadata(line.encode())
    assert (attribute.number, attribute.unit) == (number, unit)
    assert "[" not in attribute.name


def test_a_unit_in_brackets_leaves_the_value_as_it_is() -> None:
    (attribute,) = parse_metadata(b"model [type]: 36.6 C")
    assert attribute == Attribute("model", None, "36.6 C", "type")


def test_what_rigs_write() -> None:
    windows = b"\xef\xbb\xbf# rig 2\r\n\r\nsubject: mouse 7\r\nnotes:\r\n fatigue : 3 \r\n"
    assert values(windows) == {"subject": "mouse 7", "notes": "", "fatigue": 3}
    spikeglx = f"fileCreateTime=2022-09-14T18:00:45\nuserNotes=\n~imroTbl={'(0,1)' * 2000}\n~s=(1)"
    assert values(spikeglx) == {
        "fileCreateTime": "2022-09-14T18:00:45",
        "userNotes": "",
        "~s": "(1)",
    }
    old_mac = b"a: 1\rb: 2"
    assert values(old_mac) == {"a": 1, "b": 2}
    assert values("straße: größer\u2028x") == {"straße": "größer\u2028x"}


def test_json() -> None:
    document = {"n": 3, "f": 0.5, "t": "007", "yes": True, "none": None, "temperature [C]": 36.6}
    assert values("\n " + json.dumps(document)) == {
        "n": 3,
        "f": 0.5,
        "t": "007",
        "yes": "true",
        "none": "",
        "temperature": 36.6,
    }
    assert values('{"big": 9007199254740993, "small": -0.0}') == {
        "big": "9007199254740993",
        "small": 0,
    }
    assert values('{"text": "nan"}') == {"text": "nan"}
    assert values('{"lines": "a\\nb\\tc"}') == {"lines": "a\nb\tc"}


@pytest.mark.parametrize(
    ("content", "field", "says"),
    [
        (b"", "metadata", "holds no value"),
        (b"# only a comment\n", "metadata", "holds no value"),
        (b"{}", "metadata", "holds no value"),
        (b"a: 1\n\x00", "metadata", "binary"),
        ("a: 1".encode("utf-16"), "metadata", "UTF-16"),
        (b"a: 1\nb: \xff", "metadata, line 2", "not UTF-8"),
        (b"a: " + b"x" * LARGEST_METADATA, "metadata", "1048579 bytes"),
        (b"a: 1\njust text", "metadata, line 2", "no key with a value"),
        (b"a: 1\n: 2", "metadata, line 2: key", "no name"),
        (b"a: 1\na = 2", "metadata, line 2: a", "stands twice"),
        (b"a: 1\na [C]: 2", "metadata, line 2: a", "stands twice"),
        (b"a: NaN", "metadata, line 1: a", "not a finite number"),
        (b"a: -inf", "metadata, line 1: a", "not a finite number"),
        (b"a: Infinity C", "metadata, line 1: a", "not a finite number"),
        (b"a: \x07", "metadata, line 1: a", "control character"),
        (b"a\x07: 1", r"metadata, line 1: a\x07", "control character"),
        (b"k" * 129 + b": 1", "metadata, line 1: " + "k" * 40, "129 characters"),
        (b"a: " + b"v" * 4097, "metadata, line 1: a", "4097 characters"),
        (b"a [" + b"u" * 33 + b"]: 1", "metadata, line 1: a", "unit has 33"),
        (b'{"a": 1, "a": 2}', "a", "stands twice"),
        (b'{"a": NaN}', "a", "not a finite number"),
        (b'{"a": -Infinity}', "a", "not a finite number"),
        (b'{"a": 1e999}', "a", "not a finite number"),
        (b'{"a": {"b": 1}}', "a", "object or a list"),
        (b'{"a": {}}', "a", "object or a list"),
        (b'{"a": [1]}', "a", "object or a list"),
        (b'{"a": "\\u0000"}', "a", "control character"),
        (b'{"\\ud800": 1}', r"\ud800", "control character"),
        (b'{"a": "\\ud800"}', "a", "control character"),
        (b'{"a": 1', "metadata, line 1", "JSON is broken"),
        (b'{"a": 1} x', "metadata, line 1", "JSON is broken"),
        (b"[[1]]", "metadata", "not an object"),
        (b'[{"a": 1}]', "metadata", "not an object"),
        (b'{"a":' * 100_000, "metadata", "nested"),
        (
            "\n".join(f"k{i}: 1" for i in range(MOST_ATTRIBUTES + 1)).encode(),
            "metadata, line 1001: k1000",
            "more than 1000",
        ),
    ],
)
def test_what_is_wrong_is_named(content: bytes, field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_metadata(content)
    assert caught.value.field == field
    assert caught.value.remedy
    str(caught.value).encode()


@given(st.binary(max_size=300))
@example(b'{"a": ' + b"1" * 5000 + b"}")
@example(b"a: " + b"1" * 5000)
@example(b'{"": 1}')
def test_any_bytes_give_values_or_an_explanation(content: bytes) -> None:
    try:
        found = parse_metadata(content)
    except InputError as error:
        str(error).encode()
        return
    assert found
    for attribute in found:
        assert (attribute.number is None) != (attribute.text is None)
        assert attribute.number is None or math.isfinite(attribute.number)
        assert attribute.text is None or len(attribute.text) <= LONGEST_VALUE
        json.dumps({attribute.name: attribute.value}).encode()
        (attribute.name + (attribute.text or "") + (attribute.unit or "")).encode()


KEYS = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_ ]{0,20}[a-z]", fullmatch=True)
SCALARS = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.from_regex(r"[a-w]{1,5}[ ,;()/é]{0,3}[x-z]", fullmatch=True),
)


@given(st.dictionaries(KEYS, SCALARS, min_size=1, max_size=8))
def test_all_forms_say_the_same(facts: dict[str, float | str]) -> None:
    expected = {name: 0 if value == 0 else value for name, value in facts.items()}
    assert values(json.dumps(facts)) == expected
    for separator in (": ", "="):
        text = "\n".join(f"{name}{separator}{value}" for name, value in facts.items())
        assert values(text) == expected


@given(st.text())
def test_to_number_never_loses_a_digit(text: str) -> None:
    number = to_number(text)
    if number is not None:
        assert number == float(text)
        assert text.isascii()


def test_the_recorded_time() -> None:
    name = "20210228_161221"
    at_noon = Attribute("recorded_at", text="2021-03-01T12:00:00+02:00")
    assert recorded_at(name, [at_noon]) == datetime(2021, 3, 1, 10, tzinfo=UTC)
    for useless in (Attribute("recorded_at", text="noon"), Attribute("recorded_at", 3.0)):
        assert recorded_at(name, [useless]) == datetime(2021, 2, 28, 16, 12, 21, tzinfo=UTC)
    assert recorded_at("20210229_161221", []) is None

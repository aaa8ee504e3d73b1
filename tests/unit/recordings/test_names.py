from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import Conflict, Forbidden, InputError, NotFound, Unauthorised
from glue.recordings.names import (
    check_file_name,
    check_recording_name,
    may_be_metadata,
    object_key,
    parse_time,
    show,
    split_key,
    time_in_name,
)


@pytest.mark.parametrize("name", ["a", "20210229_161221", "x" * 128, "rig-1.a_B", "0"])
def test_good_names(name: str) -> None:
    assert check_recording_name(name) == check_file_name(name) == name
    assert split_key(object_key(name, "a.bin")) == (name, "a.bin")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "empty"),
        (None, "empty"),
        ("x" * 300, "300 characters"),
        ("a..b", r"contains '\.\.'"),
        ("../a", r"contains '\.\.'"),
        ("a/b", "contains '/'"),
        ("a\x00b", r"contains '\\x00'"),
        ("äb", r"contains '\\xe4'"),
        ("a b", "contains ' '"),
        ("a\n", r"contains '\\n'"),
        (".a", r"starts with '\.'"),
        ("-a", "starts with '-'"),
        ("\ud800", r"contains '\\ud800'"),
    ],
)
def test_bad_names(name: object, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        check_recording_name(name)
    assert caught.value.field == "recording"
    assert "letters" in caught.value.remedy
    str(caught.value).encode("ascii")


@given(st.text())
def test_a_name_is_either_good_or_explained(name: str) -> None:
    good = 1 <= len(name) <= 128 and name.isascii() and not {"/", "\n", " "} & set(name)
    try:
        check_recording_name(name)
    except InputError as error:
        found = error
    else:
        assert good
        return
    assert found.message.isascii()
    assert len(found.message) < 120


def test_keys() -> None:
    with pytest.raises(InputError, match="no folder"):
        split_key("a.bin")
    with pytest.raises(InputError):
        split_key("a/b/c")
    assert show("x" * 100) == f"'{'x' * 57}...'"


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("20210228_161221", datetime(2021, 2, 28, 16, 12, 21, tzinfo=UTC)),
        ("rig-2_2021-02-28T16-12-21", datetime(2021, 2, 28, 16, 12, 21, tzinfo=UTC)),
        ("20210229_161221", None),
        ("20210228_235960", None),
        ("00000101_000000", None),
        ("120210228_161221", None),
        ("rest", None),
    ],
)
def test_times_in_names(name: str, time: datetime | None) -> None:
    assert time_in_name(name) == time


def test_times() -> None:
    assert parse_time("2021-03-01") == datetime(2021, 3, 1, tzinfo=UTC)
    assert parse_time("2021-03-01T01:00:00+01:00") == datetime(2021, 3, 1, tzinfo=UTC)
    assert parse_time("0001-01-01T00:00:00+23:00") is None
    assert parse_time("yesterday") is None


def test_metadata_files() -> None:
    names = ("a.txt", "a.META", "a.json", "manifest.json", "a.bin")
    assert [may_be_metadata(name) for name in names] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("kind", "status"),
    [(InputError, 400), (Unauthorised, 401), (Forbidden, 403), (NotFound, 404), (Conflict, 409)],
)
def test_errors_say_what_to_do(kind: type[InputError], status: int) -> None:
    error = kind("field", "is wrong", "write it right")
    assert error.status == status
    assert str(error) == "field: is wrong; write it right"
    assert set(error.to_dict()) == {"code", "field", "message", "remedy"}

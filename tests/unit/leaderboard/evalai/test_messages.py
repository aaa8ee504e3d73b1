"""The messages and tracks of EvalAI, in every form it writes them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import InputError
from glue.leaderboard.evalai.messages import LARGEST_PK, SubmissionMessage
from glue.leaderboard.evalai.tracks import Track, find_track

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/x-participant-team-5:1f2e"
MESSAGE: dict[str, Any] = {"challenge_pk": 7, "phase_pk": 12, "submission_pk": 99}
numbers = st.integers(min_value=1, max_value=LARGEST_PK)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
keys = st.sampled_from(
    [*MESSAGE, "submitted_image_uri", "is_static_dataset_code_upload_submission", "more"]
)


@given(
    pks=st.tuples(numbers, numbers, numbers),
    as_text=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    image=st.none() | st.just(IMAGE),
    static=st.none() | st.booleans(),
    more=st.dictionaries(st.sampled_from(["submission_meta", "x"]), anything),
)
def test_both_forms_say_the_same(
    pks: Any, as_text: Any, image: str | None, static: bool | None, more: dict[str, Any]
) -> None:
    content: dict[str, Any] = dict(more)
    for name, pk, text in zip(MESSAGE, pks, as_text, strict=True):
        content[name] = str(pk) if text else pk
    if image is not None:
        content["submitted_image_uri"] = image
    if static is not None:
        content["is_static_dataset_code_upload_submission"] = static
    message = SubmissionMessage.read(json.dumps(content))
    assert message.key == pks
    assert all(type(pk) is int for pk in message.key)
    assert message.image == image
    assert message.is_static_dataset is bool(static)


@given(st.text() | st.builds(json.dumps, st.dictionaries(keys, anything) | anything))
def test_anything_else_is_an_input_error(body: str) -> None:
    with suppress(InputError):
        assert all(0 < pk <= LARGEST_PK for pk in SubmissionMessage.read(body).key)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"submission_pk": None}, "submission_pk"),
        ({"submission_pk": True}, "submission_pk"),
        ({"submission_pk": 0}, "submission_pk"),
        ({"submission_pk": -1}, "submission_pk"),
        ({"submission_pk": 99.0}, "submission_pk"),
        ({"submission_pk": LARGEST_PK + 1}, "submission_pk"),
        ({"submission_pk": "9" * 5000}, "submission_pk"),
        ({"challenge_pk": "\uff17"}, "challenge_pk"),
        ({"challenge_pk": " 7"}, "challenge_pk"),
        ({"challenge_pk": ""}, "challenge_pk"),
        ({"phase_pk": "+12"}, "phase_pk"),
        ({"phase_pk": [12]}, "phase_pk"),
        ({"submitted_image_uri": "a b"}, "submitted_image_uri"),
        ({"submitted_image_uri": "-v"}, "submitted_image_uri"),
        ({"submitted_image_uri": 5}, "submitted_image_uri"),
        ({"submitted_image_uri": IMAGE + "\n"}, "submitted_image_uri"),
        ({"is_static_dataset_code_upload_submission": "yes"}, "is_static_dataset"),
    ],
)
def test_wrong_fields_are_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=field):
        SubmissionMessage.read(json.dumps(MESSAGE | change))


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "null", "[" * 100_000])
def test_what_is_no_object_is_no_message(body: str) -> None:
    with pytest.raises(InputError, match="send a JSON object"):
        SubmissionMessage.read(body)


def test_an_empty_image_is_none() -> None:
    body = json.dumps(MESSAGE | {"submitted_image_uri": ""})
    assert SubmissionMessage.read(body).image is None


@pytest.mark.parametrize(
    ("text", "leaderboard", "codename"),
    [
        ("leaderboard-10-SENSORS", "leaderboard-10", "SENSORS"),
        ("leaderboard-20:MAP", "leaderboard-20", "MAP"),
        ("leaderboard-20-SENSORS_QUALIFIER", "leaderboard-20", "SENSORS_QUALIFIER"),
        ("leaderboard-20:MAP_QUALIFIER", "leaderboard-20", "MAP_QUALIFIER"),
    ],
)
def test_both_forms_of_a_track(text: str, leaderboard: str, codename: str) -> None:
    assert Track.read(text) == Track(leaderboard, codename)
    assert Track.read(str(Track.read(text))) == Track.read(text)


@pytest.mark.parametrize(
    "text", ["", "SENSORS", "leaderboard-10", "leaderboard-10-", "-MAP", "a:b:MAP", "a-:MAP",
             "Leaderboard-MAP", "leaderboard-10-sensors", "x" * 41 + "-MAP", "a-MAP\n"]
)  # fmt: skip
def test_other_texts_name_no_track(text: str) -> None:
    with pytest.raises(InputError, match="leaderboard-10-SENSORS"):
        Track.read(text)


def test_the_track_of_a_phase() -> None:
    tracks = {"12": "leaderboard-10-SENSORS"}
    assert find_track(tracks, 12) == Track("leaderboard-10", "SENSORS")
    with pytest.raises(InputError, match=r'known phases: 12.*add "13"'):
        find_track(tracks, 13)
    with pytest.raises(InputError, match="known phases: none"):
        find_track({}, 13)

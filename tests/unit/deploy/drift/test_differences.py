from __future__ import annotations

import json
from typing import Any

import pytest

from glue.deploy.drift.differences import SENSITIVE, Difference, differences, masked


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"a": 3, "b": 2}, [("a", 1, 3)]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", 1, 2)]),
        ({"a": [1, 2]}, {"a": [2, 1]}, [("a", [1, 2], [2, 1])]),
        # Maps are told entry by entry, also the first and the last.
        ({"tags": None}, {"tags": {"x": "1"}}, [("tags.x", None, "1")]),
        ({"tags": {"x": "1"}}, {"tags": None}, [("tags.x", "1", None)]),
        ({"tags": None}, {"tags": {}}, [("tags", None, {})]),
        # Blocks may be sets: their order is no difference.
        ({"r": [{"n": 1}, {"n": 2}]}, {"r": [{"n": 2}, {"n": 1}]}, []),
        ({"r": [{"v": 1}, {"n": 2}]}, {"r": [{"n": 2}, {"v": 5}]}, [("r[0].v", 1, 5)]),
        ({"r": [{"n": 1}]}, {"r": []}, [("r[0]", {"n": 1}, None)]),
        ({"r": [{"n": 1}]}, {"r": [{"n": 1}, {"n": 2}]}, [("r[1]", None, {"n": 2})]),
    ],
)  # fmt: skip
def test_every_difference_is_told_by_its_path(
    before: Any, after: Any, told: list[tuple[str, Any, Any]]
) -> None:
    assert differences(before, after) == [Difference(*one) for one in told]


def test_policies_are_compared_inside() -> None:
    before = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}]})
    after = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*"}]})
    found = differences({"policy": before}, {"policy": after})
    assert found == [Difference("policy.Statement[0].Action", "s3:GetObject", "s3:*")]


def test_a_document_in_another_form_is_a_difference_too() -> None:
    found = differences({"policy": '{"a":1}'}, {"policy": '{ "a": 1 }'})
    assert found == [Difference("policy", '{"a":1}', '{ "a": 1 }')]


def test_texts_that_are_no_documents() -> None:
    assert differences({"a": "1"}, {"a": "2"}) == [Difference("a", "1", "2")]
    assert differences({"a": "{"}, {"a": "{}"}) == [Difference("a", "{", "{}")]


def test_a_tag_is_told_once() -> None:
    before = {"tags": {"a": "1"}, "tags_all": {"a": "1", "project": "p"}}
    after = {"tags": {"a": "2"}, "tags_all": {"a": "2", "project": "q"}}
    assert [one.path for one in differences(before, after)] == ["tags.a", "tags_all.project"]


def test_secrets_are_masked_wherever_they_stand() -> None:
    before = {"password": "old", "set": [{"key": "k", "value": "old"}], "map": {"a": "old"}}
    after = {"password": "new", "set": [{"key": "k", "value": "new"}], "map": {"a": None}}
    hidden = {"password": True, "set": [{"value": True}], "map": {"a": True}}
    found = differences(before, after, hidden, hidden)
    assert found == [
        Difference("map.a", SENSITIVE, None),
        Difference("password", SENSITIVE, SENSITIVE),
        Difference("set[0].value", SENSITIVE, SENSITIVE),
    ]
    assert "old" not in str(found)
    assert "new" not in str(found)


def test_one_side_s_mask_is_enough() -> None:
    assert differences({"a": 1}, {"a": 2}, False, {"a": True})[0].after == SENSITIVE


def test_masking_a_whole_value() -> None:
    value = {"a": [{"b": "x", "c": None}, {"b": "y"}], "d": "z"}
    mask = {"a": [{"b": True, "c": True}]}
    assert masked(value, mask) == {"a": [{"b": SENSITIVE, "c": None}, {"b": "y"}], "d": "z"}
    assert differences({"a": [{"b": "x"}]}, {"a": []}, {"a": [{"b": True}]}) == [
        Difference("a[0]", {"b": SENSITIVE}, None)
    ]

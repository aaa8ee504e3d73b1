from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.deploy.summary import Change, Summary, summarise


def entry(
    address: str, actions: list[str], *, paths: list[list[str | int]] | None = None, **more: Any
) -> dict[str, Any]:
    change: dict[str, Any] = {"actions": actions}
    if paths is not None:
        change["replace_paths"] = paths
    kind = address.split(".")[-2]
    return {"address": address, "type": kind, "mode": "managed", "change": change, **more}


PLAN = {
    "resource_changes": [
        entry("aws_lambda_function.a", ["create"]),
        entry("module.x.aws_s3_bucket.raw", ["delete"], action_reason="delete_because_no_module"),
        entry(
            "aws_dynamodb_table.t",
            ["delete", "create"],
            paths=[["name"], ["attribute", 0, "type"]],
            action_reason="replace_because_cannot_update",
        ),
        entry("aws_sns_topic.t", ["create", "delete"], paths=[["name"]]),
        entry("aws_iam_role.r", ["update"]),
        entry("aws_iam_role.same", ["no-op"]),
        entry("aws_iam_role.left", ["forget"]),
        entry("aws_s3_bucket.old", ["create", "forget"]),
        {**entry("data.aws_s3_bucket.d", ["read"]), "mode": "data"},
    ],
    "output_changes": {"url": {"actions": ["update"]}, "same": {"actions": ["no-op"]}},
}


def test_every_change_is_counted_by_its_action() -> None:
    summary = summarise("prod", PLAN)
    assert summary.counts == {"create": 1, "update": 1, "replace": 3, "delete": 1, "forget": 1}
    assert summary.outputs == ("url",)
    assert not summary.is_empty


def test_a_replacement_names_what_forces_it() -> None:
    changes = {change.address: change for change in summarise("prod", PLAN).changes}
    assert changes["aws_dynamodb_table.t"].forced_by == ("name", "attribute[0].type")
    assert changes["aws_lambda_function.a"].forced_by == ()


def test_data_losses_stand_apart() -> None:
    summary = summarise("prod", PLAN)
    assert {change.address: change.data_loss for change in summary.data_losses} == {
        "module.x.aws_s3_bucket.raw": "bucket",
        "aws_dynamodb_table.t": "table",
        "aws_s3_bucket.old": "bucket",
    }


def test_markdown_puts_the_worst_first() -> None:
    text = summarise("prod", PLAN).to_markdown()
    assert text.index("## Data would be lost") < text.index("## Forget") < text.index("## Delete")
    assert text.index("## Delete") < text.index("## Replace") < text.index("## Create")
    assert "- **table** `aws_dynamodb_table.t`: replace (forced by name, attribute[0].type)" in text
    assert "`- module.x.aws_s3_bucket.raw` (delete because no module)" in text
    assert "Outputs that change: url." in text


def test_dictionary_is_for_programs() -> None:
    document = summarise("prod", PLAN).to_dict()
    assert document["data_losses"] == [
        "module.x.aws_s3_bucket.raw",
        "aws_dynamodb_table.t",
        "aws_s3_bucket.old",
    ]
    assert document["empty"] is False
    assert "reason" not in next(c for c in document["changes"] if c["action"] == "create")


@pytest.mark.parametrize("plan", [{}, {"resource_changes": [entry("a_b.c", ["no-op"])]}])
def test_no_changes(plan: dict[str, Any]) -> None:
    summary = summarise("local", plan)
    assert summary.is_empty
    assert "No changes." in summary.to_markdown()


def test_only_an_output_changes() -> None:
    summary = summarise("local", {"output_changes": {"a": {"actions": ["create"]}}})
    assert not summary.is_empty
    assert "outputs only." in summary.to_markdown()


@given(st.lists(st.sampled_from(["create", "update", "delete", "forget", "replace"])))
def test_counts_add_up(actions: list[Any]) -> None:
    changes = tuple(
        Change(address=f"a.b{number}", type="a", action=action)
        for number, action in enumerate(actions)
    )
    summary = Summary(environment="x", changes=changes)
    assert sum(summary.counts.values()) == len(actions)
    assert summary.is_empty == (not actions)

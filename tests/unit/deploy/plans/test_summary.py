from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.deploy.plans.losses import DATA_CLASSES
from glue.deploy.plans.summary import Change, Summary, summarise
from glue.deploy.plans.summary_text import code


def entry(
    address: str, actions: list[str], *, paths: list[list[str | int]] | None = None, **more: Any
) -> dict[str, Any]:
    change: dict[str, Any] = {"actions": actions, **more.pop("change", {})}
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
            change={
                "before": {"name": "leaderboard-10", "attribute": [{"type": "S"}], "arn": "a"},
                "after": {"name": "leaderboard-11", "attribute": [{"type": "N"}]},
                "after_unknown": {"arn": True},
            },
        ),
        entry("aws_sns_topic.t", ["create", "delete"], paths=[["name"]]),
        entry(
            "aws_iam_role.r",
            ["update"],
            change={"before": {"path": "/a"}, "after": {"path": "/b"}},
        ),
        entry("aws_iam_role.same", ["no-op"]),
        entry("aws_iam_role.left", ["forget"]),
        entry("aws_s3_bucket.old", ["create", "forget"]),
        {**entry("data.aws_s3_bucket.d", ["read"]), "mode": "data"},
    ],
    "output_changes": {"url": {"actions": ["update"]}, "same": {"actions": ["no-op"]}},
}


def text_of(*entries: dict[str, Any]) -> str:
    return summarise("prod", {"resource_changes": list(entries)}).to_markdown()


def test_every_change_is_counted_by_its_action() -> None:
    summary = summarise("prod", PLAN)
    assert summary.counts == {"create": 1, "update": 1, "replace": 3, "delete": 1, "forget": 1}
    assert summary.destroyed == 4
    assert summary.outputs == ("url",)
    assert not summary.is_empty


def test_a_replacement_names_what_forces_it() -> None:
    changes = {change.address: change for change in summarise("prod", PLAN).changes}
    table = changes["aws_dynamodb_table.t"]
    assert table.forced_by == ("name", "attribute[0].type")
    assert [(one.path, one.before, one.after, one.forces) for one in table.attributes] == [
        ("attribute[0].type", '"S"', '"N"', True),
        ("name", '"leaderboard-10"', '"leaderboard-11"', True),
    ], "what AWS decides anew is not told"
    assert changes["aws_lambda_function.a"].forced_by == ()
    text = summarise("prod", PLAN).to_markdown()
    assert '`name` `"leaderboard-10"` → `"leaderboard-11"` **forces the replacement**' in text
    assert "`-/+ aws_sns_topic.t` (forced by name)" in text


def test_data_losses_stand_apart() -> None:
    summary = summarise("prod", PLAN)
    assert {change.address: change.data_loss for change in summary.data_losses} == {
        "module.x.aws_s3_bucket.raw": "bucket",
        "aws_dynamodb_table.t": "table",
        "aws_s3_bucket.old": "bucket",
    }


def test_a_stranger_reads_what_would_be_lost() -> None:
    text = summarise("prod", PLAN).to_markdown()
    assert "would lose: **table leaderboard-10 with everything in it**" in text
    assert (
        "    glue deploy apply --env prod --allow aws_dynamodb_table.t --allow aws_s3_bucket.old "
        "--allow module.x.aws_s3_bucket.raw" in text
    )


def test_markdown_puts_the_worst_first() -> None:
    text = summarise("prod", PLAN).to_markdown()
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "## Data would be lost (3)",
        "## AWS would refuse (2)",
        "## Forget (1)",
        "## Delete (1)",
        "## Replace (3)",
        "## Update (1)",
        "## Create (1)",
    ]
    assert "`- module.x.aws_s3_bucket.raw` (delete because no module)" in text
    assert '- `~ aws_iam_role.r`: `path` `"/a"` → `"/b"`' in text
    assert "Outputs that change: url." in text


def test_recordings_come_before_all_else() -> None:
    text = text_of(
        entry("aws_kms_key.k", ["delete"]),
        entry(
            "module.recordings.module.raw.aws_s3_bucket.this",
            ["delete"],
            change={"before": {"bucket": "raw-1", "object_lock_enabled": True}},
        ),
    )
    recordings = "bucket raw-1 with EVERY RECORDING in it, which nobody can make again"
    assert text.index(recordings) < text.index("would lose: **key and all that is encrypted")
    assert "Object Lock keeps what is in it until its retention is over" in text


def test_what_cannot_be_named_yet_is_said_so() -> None:
    [change] = summarise(
        "a",
        {
            "resource_changes": [
                entry(
                    "aws_vpc.v",
                    ["update"],
                    change={
                        "before": {"a": "x", "list": [{"b": 1}], "note": "y" * 200},
                        "after": {"list": [{}], "note": "z" * 200},
                        "after_unknown": {"a": True, "list": [{"b": True}]},
                    },
                )
            ]
        },
    ).changes
    found = {one.path: (one.before, one.after) for one in change.attributes}
    assert found["a"] == ('"x"', "(known after apply)")
    assert found["list[0].b"] == ("1", "(known after apply)")
    assert len(found["note"][0]) == 80


def test_two_hundred_creations_are_counted_by_module() -> None:
    made = [
        entry(f'module.board["{n % 7}"].module.x.aws_iam_role.r{n}', ["create"]) for n in range(150)
    ]
    made += [entry(f"aws_sns_topic.t{n}", ["create"]) for n in range(50)]
    text = text_of(*made)
    assert "200 to create." in text
    assert "- `module.board` (150): 150 aws_iam_role" in text
    assert "- `the root` (50): 50 aws_sns_topic" in text
    assert len(text.splitlines()) < 15


def test_many_destructions_are_called_out() -> None:
    gone = [entry(f"aws_iam_role.r{number}", ["delete"]) for number in range(11)]
    assert "Careful: 11 resources would be destroyed, more than 10." in text_of(*gone)
    assert "Careful" not in text_of(*gone[1:])
    assert "`- aws_iam_role.r7`" in text_of(*gone)


def test_leftovers_moves_and_imports() -> None:
    text = text_of(
        entry("aws_sqs_queue.q", ["delete"], deposed="1a2b"),
        entry("aws_vpc.new", ["no-op"], previous_address="aws_vpc.old"),
        entry("aws_vpc.found", ["no-op"], change={"importing": {"id": "vpc-1"}}),
    )
    assert "left over from a replacement that failed: 1a2b" in text
    assert "- aws_vpc.old → aws_vpc.new" in text
    assert "## Imported\n\n- aws_vpc.found" in text
    moved = summarise("a", {"resource_changes": [entry("a.b", ["no-op"], previous_address="a.c")]})
    assert not moved.is_empty
    assert moved.to_dict()["moves"] == [{"from": "a.c", "to": "a.b"}]


def test_dictionary_is_for_programs() -> None:
    document = summarise("prod", PLAN).to_dict()
    assert document["data_losses"] == [
        "module.x.aws_s3_bucket.raw",
        "aws_dynamodb_table.t",
        "aws_s3_bucket.old",
    ]
    assert document["losses"][1] == {
        "address": "aws_dynamodb_table.t",
        "class": "table",
        "loses": "table leaderboard-10 with everything in it",
        "action": "replace",
    }
    assert document["empty"] is False
    assert "reason" not in next(c for c in document["changes"] if c["action"] == "create")
    json.dumps(document)


@pytest.mark.parametrize("plan", [{}, {"resource_changes": [entry("a_b.c", ["no-op"])]}])
def test_no_changes(plan: dict[str, Any]) -> None:
    summary = summarise("local", plan)
    assert summary.is_empty
    assert "No changes." in summary.to_markdown()


def test_only_an_output_changes() -> None:
    summary = summarise("local", {"output_changes": {"a": {"actions": ["create"]}}})
    assert not summary.is_empty
    assert "Outputs that change: a." in summary.to_markdown()


@pytest.mark.parametrize(
    ("text", "shown"), [("a", "`a`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```"), ("a\nb", "`a b`")]
)
def test_code_survives_its_own_marks(text: str, shown: str) -> None:
    assert code(text) == shown


@given(st.lists(st.sampled_from(["create", "update", "delete", "forget", "replace"])))
def test_counts_add_up(actions: list[Any]) -> None:
    changes = tuple(
        Change(address=f"a.b{number}", type="a", action=action)
        for number, action in enumerate(actions)
    )
    summary = Summary(environment="x", changes=changes)
    assert sum(summary.counts.values()) == len(actions)
    assert summary.is_empty == (not actions)


# ------------------------------------------------------------------ any plan at all

SECRET = "hunter2"
TYPES = sorted([*DATA_CLASSES, "aws_iam_role", "aws_vpc", "terraform_data", "unheard_of"])
ACTIONS = [["create"], ["update"], ["delete"], ["read"], ["forget"], ["no-op"],
           ["delete", "create"], ["create", "delete"], ["create", "forget"]]  # fmt: skip
KEYS = st.sampled_from(
    ["name", "bucket", "identifier", "policy", "deletion_protection", "retention_in_days", "a-b"]
)
PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just('{"a": [1]}')
Pair = tuple[Any, Any]


def branches(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    """Lists and objects of (value, mask) pairs, as pairs."""
    lists = st.lists(inner, max_size=3).map(
        lambda pairs: ([value for value, _ in pairs], [mask for _, mask in pairs])
    )
    objects = st.dictionaries(KEYS, inner, max_size=4).map(
        lambda pairs: (
            {key: value for key, (value, _) in pairs.items()},
            {key: mask for key, (_, mask) in pairs.items() if mask},
        )
    )
    return lists | objects


# A secret is marked itself, or lies in something that is marked whole.
LEAVES: st.SearchStrategy[Pair] = st.tuples(PLAIN, st.just(False)) | st.tuples(
    st.sampled_from([SECRET, f"a {SECRET} b", [SECRET], {"name": SECRET}]), st.just(True)
)
VALUES = st.dictionaries(KEYS, st.recursive(LEAVES, branches, max_leaves=8), max_size=5).map(
    lambda pairs: (
        {key: value for key, (value, _) in pairs.items()},
        {key: mask for key, (_, mask) in pairs.items() if mask},
    )
)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """One entry of a plan's resource_changes, of any type, with secrets in it."""
    kind = draw(st.sampled_from(TYPES))
    module = draw(st.sampled_from(["", "module.a.", 'module.recordings["x y"].module.raw.']))
    name = draw(st.text("abc", min_size=1, max_size=3))
    key = draw(st.sampled_from(["", "[0]", '["k`k"]']))
    before, after = draw(VALUES), draw(VALUES)
    change = {
        "actions": draw(st.sampled_from(ACTIONS)),
        "before": before[0],
        "before_sensitive": before[1],
        "after": draw(st.sampled_from([after[0], None])),
        "after_sensitive": after[1],
        "after_unknown": draw(st.sampled_from([{}, {"name": True}, {"policy": True}])),
        "replace_paths": draw(st.lists(st.lists(KEYS, min_size=1, max_size=2), max_size=2)),
    }
    address = f"{module}{kind}.{name}{key}"
    return {"address": address, "type": kind, "mode": "managed", "change": change}


@given(st.lists(resources(), max_size=40))
def test_no_loss_is_left_out_and_no_secret_is_seen(entries: list[dict[str, Any]]) -> None:
    summary = summarise("prod", {"resource_changes": entries})
    text, document = summary.to_markdown(), summary.to_dict()
    assert SECRET not in text
    assert SECRET not in json.dumps(document)
    part = text.partition("## Data would be lost")[2].partition("\n## ")[0]
    for one in entries:
        goes = one["change"]["actions"] in (["delete"], ["delete", "create"],
                                            ["create", "delete"], ["create", "forget"])  # fmt: skip
        if goes and one["type"] in DATA_CLASSES:
            assert code(one["address"]) in part
            assert one["address"] in document["data_losses"]
    assert part.count("- would lose: **") == len(summary.data_losses)
    assert set(document["data_losses"]) <= {one["address"] for one in entries}

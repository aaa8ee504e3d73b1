"""Every reason for which a saved plan is refused, one tampering each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glue.deploy.plans import deployment, refusals
from glue.deploy.plans.refusals import Refused
from glue.errors import InputError

TABLE = 'module.board["10"].aws_dynamodb_table.this'
LOSING: dict[str, Any] = {
    "resource_changes": [
        {
            "address": TABLE,
            "type": "aws_dynamodb_table",
            "mode": "managed",
            "change": {
                "actions": ["delete", "create"],
                "before": {"name": "leaderboard-10", "hash_key": "a"},
                "after": {"name": "leaderboard-10", "hash_key": "b"},
                "replace_paths": [["hash_key"]],
            },
        }
    ]
}


def test_a_plan_that_nothing_happened_to(save: Callable[..., Any]) -> None:
    saved = save()
    planned = deployment.examine(saved.environment)
    assert planned.plan == saved.folder / "plan.tfplan"
    assert planned.summary.origin.startswith(f"From commit {saved.seal.commit[:10]}")
    assert "account 111111111111 in eu-central-1, made at" in planned.summary.origin


# ------------------------------------------------------------------ the files


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("plan.tfplan", "tampered_plan"),
        ("plan.json", "tampered_json"),
        ("seal.json", "tampered_seal"),
    ],
)
def test_a_file_that_was_changed(save: Callable[..., Any], name: str, code: str) -> None:
    saved = save()
    (saved.folder / name).write_bytes((saved.folder / name).read_bytes() + b" x")
    assert saved.codes() == [code]


@pytest.mark.parametrize("name", ["plan.tfplan", "seal.json"])
def test_a_file_that_is_gone(save: Callable[..., Any], name: str) -> None:
    saved = save()
    (saved.folder / name).unlink()
    [refusal] = saved.refused()
    assert refusal.code == "no_plan"
    assert refusal.remedy == "run `glue deploy plan --env staging` and read it"


def test_a_lost_json_is_a_changed_one(save: Callable[..., Any]) -> None:
    saved = save()
    (saved.folder / "plan.json").unlink()
    assert saved.codes() == ["tampered_json"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda seal: seal | {"account_id": "999999999999"},
        lambda seal: {name: value for name, value in seal.items() if name != "checksum"},
        lambda seal: seal | {"extra": 1},
        lambda _: [],
    ],
)
def test_a_seal_that_was_edited(save: Callable[..., Any], edit: Callable[[Any], Any]) -> None:
    saved = save()
    path = saved.folder / "seal.json"
    path.write_text(json.dumps(edit(json.loads(path.read_text()))))
    [refusal] = saved.refused()
    assert refusal.code == "tampered_seal"


def test_a_seal_of_another_shape(save: Callable[..., Any], ground: Any) -> None:
    saved = save()
    other = saved.seal.model_copy(update={"made_at": "yesterday"})
    with pytest.warns(UserWarning, match="Expected `datetime`"):
        other.write(saved.folder)
    [refusal] = saved.refused()
    assert (refusal.code, "made_at" in refusal.message) == ("tampered_seal", True)
    saved.reseal(format=2)
    assert saved.codes() == ["other_format"]


# ------------------------------------------------------------------ where


def test_a_plan_of_another_environment(save: Callable[..., Any], ground: Any) -> None:
    saved = save("prod")
    shutil.copytree(saved.folder, ground.project.plan_folder("staging"))
    ground.account = "111111111111"
    with pytest.raises(Refused) as caught:
        deployment.examine(ground.environment("staging"))
    found = {one.code for one in caught.value.refusals}
    assert found == {"other_workspace", "other_account", "changed_variables"}
    assert "for prod in workspace prod, not for staging" in caught.value.message


def test_another_workspace_is_selected(save: Callable[..., Any]) -> None:
    saved = save()
    saved.terraform.workspace = "prod"
    assert saved.codes() == ["other_workspace"]
    saved.terraform.workspace = "default"
    assert saved.codes() == ["default_workspace"]


def test_a_plan_for_the_default_workspace(save: Callable[..., Any]) -> None:
    saved = save()
    saved.reseal(workspace="default")
    assert saved.codes() == ["other_workspace", "default_workspace"]


def test_credentials_of_another_account(save: Callable[..., Any], ground: Any) -> None:
    saved = save()
    ground.account = "999999999999"
    [refusal] = saved.refused()
    assert refusal.code == "other_account"
    assert "for account 111111111111, these credentials are of 999999999999" in refusal.message
    assert refusal.remedy == "use the profile of account 111111111111 (AWS_PROFILE)"


def test_an_account_that_the_environment_no_longer_lives_in(
    save: Callable[..., Any], ground: Any
) -> None:
    saved = save()
    path = ground.project.variables_file("staging")
    path.write_text(path.read_text().replace("111111111111", "444444444444"))
    saved.environment = ground.environment()
    found = saved.refused()
    assert [one.code for one in found] == ["other_account", "changed_variables"]
    assert "staging lives in account 444444444444" in found[0].message


def test_another_region(save: Callable[..., Any], ground: Any) -> None:
    saved = save()
    path = ground.project.variables_file("staging")
    path.write_text(path.read_text() + 'region = "eu-west-1"\n')
    saved.environment = ground.environment()
    assert saved.codes() == ["other_region", "changed_variables"]


@pytest.mark.parametrize(("then", "now"), [(None, "http://x:1"), ("http://x:1", None)])
def test_another_endpoint(
    save: Callable[..., Any],
    ground: Any,
    monkeypatch: pytest.MonkeyPatch,
    then: str | None,
    now: str | None,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", then or "")
    saved = save()
    monkeypatch.setenv("AWS_ENDPOINT_URL", now or "")
    saved.environment = ground.environment()
    [refusal] = saved.refused()
    assert refusal.code == "other_endpoint"
    assert "AWS itself" in refusal.message


# ------------------------------------------------------------------ from what


def test_another_commit(save: Callable[..., Any], ground: Any) -> None:
    saved = save()
    ground.git("commit", "--quiet", "--allow-empty", "--message", "next")
    [refusal] = saved.refused()
    assert refusal.code == "other_commit"
    assert refusal.remedy.startswith(f"check out {saved.seal.commit[:10]}")


def test_uncommitted_changes_are_refused_in_prod_only(
    save: Callable[..., Any], ground: Any
) -> None:
    note = ground.project.repository / "note.txt"
    staging = save("staging")
    note.write_text("in no commit")
    assert not deployment.examine(staging.environment).summary.warnings, "it was clean when planned"
    assert "no commit says" in deployment.examine(save().environment).summary.warnings[0]

    note.unlink()
    ground.account = "222222222222"
    prod = save("prod")
    deployment.examine(prod.environment, confirm="prod")
    note.write_text("in no commit")
    [refusal] = prod.refused(confirm="prod")
    assert (refusal.code, "there are now" in refusal.message) == ("dirty_tree", True)
    fresh = save("prod")
    assert (
        "this plan will be refused" in deployment.saved_plan(fresh.environment).summary.warnings[0]
    )
    note.unlink()
    [refusal] = fresh.refused(confirm="prod")
    assert "was made from uncommitted changes" in refusal.message


def test_outside_git_there_is_nothing_to_compare(
    save: Callable[..., Any], ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(ground.project.repository / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(ground.project.repository.parent))
    saved = save("prod")
    assert (saved.seal.commit, saved.seal.is_dirty) == (None, None)
    assert deployment.examine(saved.environment, confirm="prod").summary.origin.startswith(
        "From files outside git"
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("modules/queue/main.tf", "changed_configuration"),
        ("terraform/platform/new.tf", "changed_configuration"),
        ("terraform/platform/.terraform.lock.hcl", "changed_lock_file"),
        ("terraform/platform/environments/staging.tfvars", "changed_variables"),
        ("../build/packages/aws.tfvars.json", "changed_packages"),
        ("terraform/platform/code.zip", "changed_packages"),
    ],
)
def test_an_input_that_changed(save: Callable[..., Any], ground: Any, path: str, code: str) -> None:
    saved = save()
    file = ground.project.repository / path
    file.write_text((file.read_text() if file.is_file() else "") + "\n")
    found = [
        one for one in saved.refused() if one.code != "changed_configuration" or code == one.code
    ]
    assert found[0].code == code
    assert path in found[0].message


def test_many_changed_files_are_counted(save: Callable[..., Any], ground: Any) -> None:
    saved = save()
    for number in range(8):
        (ground.project.modules / "queue" / f"{number}.tf").write_text("")
    [refusal] = saved.refused()
    assert refusal.message.endswith("modules/queue/4.tf and 3 more")


# ------------------------------------------------------------------ when


@pytest.mark.parametrize(
    ("hours", "limit", "good"),
    [(23.9, "", True), (24.1, "", False), (2, "1.5", False), (2, "48", True), (-1, "", False)],
)
def test_an_old_plan(
    save: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    hours: float,
    limit: str,
    good: bool,
) -> None:
    monkeypatch.setenv("PROVING_GROUND_PLAN_HOURS", limit)
    saved = save()
    saved.reseal(made_at=datetime.now(UTC) - timedelta(hours=hours))
    if good:
        deployment.examine(saved.environment)
    else:
        assert saved.codes() == ["old_plan"]


@pytest.mark.parametrize("text", ["a day", "0", "-3", "nan", "inf"])
def test_hours_that_are_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PROVING_GROUND_PLAN_HOURS", text)
    with pytest.raises(InputError, match="is no number of hours; write one, such as 24"):
        refusals.plan_hours()


def test_a_state_that_moved_on(save: Callable[..., Any]) -> None:
    saved = save()
    saved.terraform.state = {"lineage": "l", "serial": 4}
    [refusal] = saved.refused()
    assert refusal.code == "state_moved"
    assert "serial 3 of l then, serial 4 of l now" in refusal.message
    saved.terraform.state = {}
    assert "there was none now" in saved.refused()[0].message


def test_another_terraform(save: Callable[..., Any]) -> None:
    saved = save()
    saved.terraform.numbers = (1, 12, 0)
    assert saved.codes() == ["other_terraform"]


# ------------------------------------------------------------------ what was agreed to


def test_a_loss_of_data_is_allowed_by_its_address_only(save: Callable[..., Any]) -> None:
    saved = save(content=LOSING)
    [refusal] = saved.refused()
    assert refusal.code == "data_loss"
    assert "would lose: table leaderboard-10 with everything in it" in refusal.message
    assert refusal.remedy == f"to lose it, add `--allow '{TABLE}'`"
    for idle in ("aws_dynamodb_table.this", "module.board"):
        assert saved.codes(allow=[idle]) == ["data_loss", "unknown_allow"]
    assert saved.codes(allow=[TABLE, "gone", "gone"]) == ["unknown_allow"]
    deployment.examine(saved.environment, allow=[TABLE])


def test_prod_wants_its_name(save: Callable[..., Any]) -> None:
    saved = save("prod")
    assert saved.codes() == ["not_confirmed"]
    assert saved.codes(confirm="staging") == ["not_confirmed"]
    deployment.examine(saved.environment, confirm="prod")


def test_staging_wants_no_name_but_takes_no_wrong_one(save: Callable[..., Any]) -> None:
    saved = save()
    deployment.examine(saved.environment, confirm="staging")
    assert saved.codes(confirm="prod") == ["not_confirmed"]


def test_all_reasons_at_once(
    save: Callable[..., Any], ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = save("prod", LOSING)
    ground.git("commit", "--quiet", "--allow-empty", "--message", "next")
    (ground.project.modules / "queue" / "main.tf").write_text("# another\n")
    saved.terraform.state["serial"] = 9
    saved.reseal(made_at=datetime.now(UTC) - timedelta(days=3))
    with pytest.raises(Refused) as caught:
        deployment.examine(saved.environment)
    error = caught.value
    assert [one.code for one in error.refusals] == [
        "state_moved",
        "other_commit",
        "dirty_tree",
        "changed_configuration",
        "old_plan",
        "data_loss",
        "not_confirmed",
    ]
    assert error.code == "refused"
    for refusal in error.refusals:
        assert f"{refusal.message} [{refusal.code}]" in error.message
        assert refusal.remedy in error.remedy
        assert refusal.to_dict()["code"] == refusal.code
    assert os.linesep.join(["refused: ", "  1. the state has moved on"]) in error.message


def test_nothing_is_applied_when_a_plan_is_refused(save: Callable[..., Any], ground: Any) -> None:
    saved = save("prod")
    with pytest.raises(Refused):
        deployment.apply(saved.environment)
    assert ground.backups == []
    assert (saved.folder / "plan.tfplan").is_file()

"""`glue deploy bootstrap`: what it asks, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from glue.cli.bootstrap import bootstrap
from glue.deploy.bootstrap import ground
from glue.deploy.bootstrap.ground import Outcome, Prepared
from glue.deploy.bootstrap.state import Where
from glue.deploy.environments import Environment, Facts
from glue.deploy.plans.summary import Change, Summary
from glue.deploy.project import Project
from glue.errors import InputError

CI = {
    "repository": "example-org/proving-ground",
    "branch": "main",
    "plan_role_arn": "arn:plan",
    "apply_role_arn": "arn:apply",
}
BUCKET = {"bucket": "staging-terraform-state-111111111111"}
CREATED = Change(address="aws_kms_key.state", type="aws_kms_key", action="create")


class Stage:
    """A bootstrap that changes, adopts and answers what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.summary = Summary(environment="staging", changes=(CREATED,))
        self.adopted: tuple[str, ...] = ()
        self.where: Where = "file"
        self.ci: dict[str, str] | None = CI
        self.asked: list[dict[str, Any]] = []
        self.applied = 0
        facts = Facts(environment="staging", account_id="111111111111")
        self.environment = Environment("staging", Project(folder, folder, folder), facts)
        monkeypatch.setattr(Environment, "load", lambda *_: self.environment)
        monkeypatch.setattr(ground, "prepare", self.prepare)
        monkeypatch.setattr(ground, "apply", self.apply)

    def prepare(self, environment: Environment, **options: Any) -> Prepared:
        self.asked.append(options)
        terraform: Any = None
        return Prepared(environment, terraform, self.where, self.summary, self.adopted)

    def apply(self, prepared: Prepared, on_line: Any) -> Outcome:
        self.applied += 1
        moved = prepared.where == "file"
        return Outcome(environment="staging", state=BUCKET, ci=self.ci, moved=moved)

    def run(self, *arguments: str) -> Any:
        app = typer.Typer()
        app.command()(bootstrap)
        return CliRunner().invoke(app, ["--env", "staging", *arguments])


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return Stage(monkeypatch, tmp_path)


def test_the_plan_is_shown_and_the_name_is_wanted(stage: Stage) -> None:
    result = stage.run("--repository", "example-org/proving-ground")
    assert "1 to create" in result.stdout
    assert isinstance(result.exception, InputError)
    assert "to apply this to account 111111111111" in str(result.exception)
    assert stage.applied == 0


def test_another_name_is_refused(stage: Stage) -> None:
    assert isinstance(stage.run("--confirm", "prod").exception, InputError)
    assert stage.applied == 0


def test_it_says_what_github_has_to_be_told(stage: Stage) -> None:
    stage.adopted = ("aws_kms_key.state",)
    result = stage.run("--repository", CI["repository"], "--confirm", "staging", "--unlock", "7")
    assert result.exit_code == 0
    assert stage.asked == [{"repository": CI["repository"], "branch": None, "unlock": "7"}]
    assert "found and taken into the state: aws_kms_key.state" in result.stderr
    for said in (
        "has moved into the bucket",
        "s3://staging-terraform-state-111111111111",
        "variable STAGING_PLAN_ROLE = arn:plan",
        "environment staging: required reviewers; branch main only;",
        "variable APPLY_ROLE = arn:apply",
    ):
        assert said in result.stdout


def test_with_nothing_to_do_nothing_is_asked(stage: Stage) -> None:
    stage.summary, stage.where, stage.ci = (
        Summary(environment="staging", changes=()),
        "bucket",
        None,
    )
    result = stage.run()
    assert result.exit_code == 0
    assert "staging: nothing to do" in result.stdout
    assert "--repository owner/name makes them" in result.stdout
    assert "moved" not in result.stdout


def test_json_is_nothing_but_json(stage: Stage) -> None:
    result = stage.run("--confirm", "staging", "--json")
    answer = json.loads(result.stdout)
    assert (answer["ci"], answer["state"], answer["moved"]) == (CI, BUCKET, True)
    assert answer["summary"]["counts"] == {"create": 1}

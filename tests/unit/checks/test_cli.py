"""`glue check` as it is typed: what is asked, what is printed, how it ends."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from glue.checks.subjects import SUBJECTS
from glue.cli import check as commands
from glue.cli.main import run
from tests.unit.checks.fake import ACCOUNT, REGION, Cloud, Refusal
from tests.unit.checks.worlds import service

TABLES = service.TABLES
STAGING = f'environment = "staging"\naccount_id = "{ACCOUNT}"\nregion = "{REGION}"\n'
OUTPUTS = {"account_id": ACCOUNT, "environment": "staging", "region": REGION}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A folder from which staging was applied, and the account it was applied to."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PROVING_GROUND_")):
            monkeypatch.delenv(name)
    (tmp_path / "tfvars").mkdir()
    (tmp_path / "tfvars" / "staging.tfvars").write_text(STAGING)
    outputs = tmp_path / "build" / "environments" / "staging.json"
    outputs.parent.mkdir(parents=True)
    outputs.write_text(json.dumps(OUTPUTS))
    for name, value in (
        ("PROVING_GROUND_ENVIRONMENTS", str(tmp_path / "tfvars")),
        ("PROVING_GROUND_BUILD", str(tmp_path / "build")),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("COLUMNS", "120"),
    ):
        monkeypatch.setenv(name, value)
    answers = {("sts", "GetCallerIdentity"): {"Account": ACCOUNT}, **TABLES.answers}
    made = Cloud(answers)

    def client(_: object, name: str, region: str | None = None) -> Any:
        return made.client(name, region or REGION)

    monkeypatch.setattr(commands, "client", client)
    return made


def test_all_is_well(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "staging", "--subject", "tables"]) == 0
    out = capsys.readouterr().out
    assert "tables  3 pass" in out
    assert "staging (aws): 3 checks: 3 pass" in out


def test_a_failed_check_ends_with_two(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.answers["dynamodb", "DescribeContinuousBackups"] = service.recovery("DISABLED")
    assert run(["check", "staging", "-s", "tables"]) == 2
    out = capsys.readouterr().out
    assert "table-recovery:staging-jobs" in out
    assert "what to do" in out


def test_json_and_junit(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reports" / "checks.xml"
    assert run(["check", "staging", "-s", "tables", "--json", "--junit", str(file)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["environment"], said["target"]) == ("staging", "aws")
    assert [one["status"] for one in said["checks"]] == ["pass"] * 3
    assert said["counts"]["pass"] == 3
    cases = ET.parse(file).getroot().iter("testcase")
    assert [case.attrib["name"] for case in cases] == [one["id"] for one in said["checks"]]


def test_subjects_are_asked_in_their_own_order(cloud: Cloud) -> None:
    chosen = commands.chosen_subjects(["tables", "outputs"])
    assert [subject.name for subject in chosen] == ["outputs", "tables"]
    assert commands.chosen_subjects([]) == SUBJECTS


def test_a_subject_that_nobody_knows(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "staging", "-s", "weather"]) == 1
    error = capsys.readouterr().err
    assert "no subject 'weather'" in error
    assert "tables" in error


def test_an_environment_that_was_never_applied(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "build" / "environments" / "staging.json").unlink()
    assert run(["check", "staging"]) == 1
    assert "has not been applied" in capsys.readouterr().err


def test_nobody_is_logged_in(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.answers["sts", "GetCallerIdentity"] = Refusal("ExpiredToken")
    assert run(["check", "staging"]) == 1
    error = capsys.readouterr().err
    assert "ExpiredToken" in error
    assert "aws sso login" in error


def test_an_emulator_that_does_not_answer(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    cloud.answers["sts", "GetCallerIdentity"] = Refusal("ServiceUnavailable")
    assert run(["check", "staging"]) == 1
    assert "glue local up" in capsys.readouterr().err


def test_a_rehearsal_is_told_from_aws(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not commands.context_of("staging").is_emulated
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    context = commands.context_of("staging")
    assert (context.target, context.is_temporary) == ("local cloud", False)
    assert context.state_bucket == f"staging-terraform-state-{ACCOUNT}"
    assert context.known("S3 lifecycle") is not None


def test_the_list_asks_nothing(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--list"]) == 0
    assert "bucket-public-access" in capsys.readouterr().out
    assert run(["check", "--list", "--json", "-s", "tables"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["subject"] for one in said] == ["tables"]
    assert said[0]["checks"][0]["id"] == "table-active"
    assert cloud.asked == []


def test_clients_have_the_environments_address_and_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue.deploy.environments import Environment, Facts, LocalCatalogue, LocalCloud
    from glue.deploy.project import Project

    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    project = Project(tmp_path, tmp_path, tmp_path)
    facts = Facts(environment="local", account_id="0" * 12, region=REGION)
    catalogue = LocalCatalogue(host="127.0.0.1", port=1, database="d", user="u")
    local = Environment("local", project, facts, LocalCloud(
        endpoint="http://127.0.0.1:4690", postgres=catalogue
    ))  # fmt: skip
    made = commands.client(local, "sqs", "us-east-1")
    assert made.meta.endpoint_url == "http://127.0.0.1:4690"
    assert made.meta.region_name == "us-east-1"
    staging = Environment("staging", project, facts)
    assert (
        commands.client(staging, "sqs").meta.endpoint_url == f"https://sqs.{REGION}.amazonaws.com"
    )

"""`glue doctor` as a person or a script runs it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from glue.checks.report import Result
from glue.checks.run import Subject
from glue.cli.doctor import app
from glue.deploy.project import Project
from glue.doctor import subjects
from glue.doctor.context import Context


def one(status: str, name: str = "a") -> Subject[Context]:
    def ask(context: Context) -> list[Result]:
        found = f"in {context.environment}"
        return [Result(name, "s", "high", status, "e", found, "mend it")]  # type: ignore[arg-type]

    return Subject("s", "", ask)


@pytest.fixture(autouse=True)
def _here(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Project, "here", classmethod(lambda _: project))


@pytest.mark.parametrize(("status", "code"), [("pass", 0), ("not_covered", 0), ("fail", 2)])
def test_exit_codes(status: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "EVERYWHERE", (one(status),))
    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == code, result.output
    answer = json.loads(result.stdout)
    assert answer["environment"] == "every environment"
    assert answer["checks"][0]["status"] == status
    assert answer["counts"][status] == 1


def test_an_environment_is_asked_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "EVERYWHERE", (one("pass", "here"),))
    monkeypatch.setattr(subjects, "OF_AN_ENVIRONMENT", (one("fail", "there"),))
    result = CliRunner().invoke(app, ["--env", "staging", "--verbose"])
    assert result.exit_code == 2
    assert "in staging" in result.stdout
    assert "mend it" in result.stdout
    assert "2 checks: 1 FAIL, 1 pass" in result.stdout


def test_every_subject_has_a_name_and_checks_of_its_own() -> None:
    known = subjects.subjects(has_environment=True)
    assert len({subject.name for subject in known}) == len(known) == 8
    names = [check.name for subject in known for check in subject.checks]
    assert len(set(names)) == len(names)
    assert {check.subject for subject in known for check in subject.checks} == {
        subject.name for subject in known
    }
    assert all(check.remedy for subject in known for check in subject.checks)
    assert subjects.subjects(has_environment=False) == known[:4]

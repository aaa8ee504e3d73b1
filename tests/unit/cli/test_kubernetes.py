"""`glue kubernetes`: what it prints and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from glue.cli.kubernetes import app
from glue.deploy import environments
from glue.deploy.kubernetes import workloads
from glue.deploy.kubernetes.rendering import Name, Rendered
from glue.errors import InputError

JOB = Name("apps", "Deployment", "platform", "autoscaler")
OLD = Name("", "ConfigMap", "platform", "settings")
HOME = Name("", "Namespace", "", "old")


@pytest.fixture(autouse=True)
def _an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments.Environment, "load", lambda name, _: name)
    monkeypatch.setattr(environments, "read_outputs", lambda name, _: {"of": name})


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def apply(
        environment: str, outputs: Any, say: Callable[[str], None], *, force: bool
    ) -> workloads.Applied:
        calls.append((environment, outputs, force))
        say("deployment.apps/autoscaler serverside-applied")
        return workloads.Applied((JOB,), (OLD,), (HOME,))

    monkeypatch.setattr(workloads, "apply", apply)
    return calls


def run(*arguments: str, text: str | None = None) -> Any:
    return CliRunner().invoke(app, arguments, input=text)


def test_render(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Rendered("kind: Namespace\n", ({"kind": "Namespace"},), "0")
    monkeypatch.setattr(workloads, "render", lambda *_: found)
    assert run("render", "--env", "staging").stdout == "kind: Namespace\n"
    assert json.loads(run("render", "--env", "staging", "--json").stdout) == [{"kind": "Namespace"}]


def test_diff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "diff", lambda *_: workloads.Difference("+ a\n", (OLD,)))
    result = run("diff", "--env", "staging")
    assert result.exit_code == 2
    assert result.stdout == "+ a\n- ConfigMap platform/settings (no longer in kubernetes/)\n"
    result = run("diff", "--env", "staging", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "diff": "+ a\n",
        "deleted": ["ConfigMap platform/settings"],
    }


def test_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "diff", lambda *_: workloads.Difference("", ()))
    result = run("diff", "--env", "staging")
    assert (result.exit_code, result.stdout) == (0, "")


def test_apply(applied: list[Any]) -> None:
    result = run("apply", "--env", "staging", "--force")
    assert result.exit_code == 0
    assert applied == [("staging", {"of": "staging"}, True)]
    assert result.stdout == (
        "staging: 1 objects applied, 1 deleted\n"
        "  still there, and no longer in kubernetes/: Namespace old\n"
    )
    assert "serverside-applied" in result.stderr
    assert json.loads(run("apply", "--env", "staging", "--json").stdout) == {
        "objects": ["Deployment platform/autoscaler"],
        "deleted": ["ConfigMap platform/settings"],
        "left": ["Namespace old"],
    }


def test_prod_wants_its_name(applied: list[Any]) -> None:
    wrong = run("apply", "--env", "prod", text="staging\n")
    assert isinstance(wrong.exception, InputError)
    assert applied == []
    assert run("apply", "--env", "prod", text="prod\n").exit_code == 0
    assert run("apply", "--env", "prod", "--confirm", "prod").exit_code == 0
    assert [environment for environment, _, _ in applied] == ["prod", "prod"]

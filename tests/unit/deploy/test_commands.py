from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from glue.cli import deploy, up
from glue.deploy import destroy, state
from glue.deploy.destroy import Report
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.holder import Lock
from glue.deploy.packages import builder
from glue.deploy.packages.builder import Built, Packages
from glue.deploy.plans import deployment
from glue.deploy.plans.refusals import Refusal, Refused
from glue.deploy.plans.summary import Change, Summary
from glue.deploy.project import Project, write_json
from glue.deploy.state import Backup
from glue.errors import Conflict, InputError

OUTPUTS = {"api": {"url": "http://here/v1"}}
NEW = Summary(
    environment="local",
    changes=(
        Change(address="a.b", type="a", action="create"),
        Change(address="a.c", type="a", action="replace"),
    ),
)
SAME = Summary(environment="local", changes=())
run = CliRunner()


@pytest.fixture
def here(project: Project, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(Project, "here", classmethod(lambda _: project))
    write_json(project.local_home / "cloud.json", cloud.model_dump())
    return project


def invoke(*words: str, text: str | None = None) -> Any:
    return run.invoke(deploy.app, list(words), input=text)


def test_package_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = here.build / "code-1.zip"
    archive.write_bytes(b"x" * 100_000)
    facts = Packages("c", "h", "l", "h", "python3.12", "arm64")
    targets: list[str] = []

    def build(target: str, _: Project) -> Built:
        targets.append(target)
        return Built(facts, archive, archive, archive, is_new=target == "aws")

    monkeypatch.setattr(builder, "build", build)
    assert "code-1.zip  0.1 MB  unchanged" in invoke("package").stdout
    assert "built in" in invoke("package", "--env", "prod").stdout
    assert json.loads(invoke("package", "--json").stdout)["code_path"] == "c"
    assert targets == ["local", "aws", "local"]


@pytest.mark.parametrize(("summary", "code"), [(NEW, 2), (SAME, 0)])
def test_plan_command(
    here: Project, monkeypatch: pytest.MonkeyPatch, summary: Summary, code: int
) -> None:
    planned = deployment.Planned(here.plan_folder("local"), summary)
    monkeypatch.setattr(deployment, "plan", lambda _: planned)
    done = invoke("plan")
    assert done.exit_code == code
    assert "# Plan for local" in done.stdout
    done = invoke("plan", "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout)["empty"] is (code == 0)


@pytest.fixture
def applied(here: Project, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What apply and verify were asked for; there is a plan for every environment."""
    did: list[str] = []

    def apply(
        environment: Environment, on_line: Any, *, allow: tuple[str, ...], confirm: str
    ) -> dict[str, Any]:
        did.append(" ".join([environment.name, *allow, confirm]).rstrip())
        return OUTPUTS

    monkeypatch.setattr(deployment, "apply", apply)
    monkeypatch.setattr(deployment, "verify", lambda _: did.append("verify"))
    monkeypatch.setattr(deployment, "saved_plan", lambda _: deployment.Planned(here.build, NEW))
    path = here.variables_file("prod")
    path.write_text('environment = "prod"\naccount_id = "222222222222"\n')
    return did


def test_apply_command(applied: list[str]) -> None:
    assert "local: 3 done in" in (text := invoke("apply").stdout)
    assert "the second plan is empty" in text
    assert json.loads(invoke("apply", "--json", "--no-verify").stdout) == OUTPUTS
    assert "not verified" in invoke("apply", "--no-verify", "--allow", "a", "--allow", "b").stdout
    assert applied == ["local", "verify", "local", "local a b"]


def test_apply_without_a_plan(here: Project) -> None:
    error = invoke("apply").exception
    assert isinstance(error, Refused)
    assert error.code == "no_plan"


def test_prod_is_asked_for_on_a_terminal_only_when_nothing_else_speaks_against_it(
    applied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    examined: list[str] = []

    def examine(environment: Environment, *, allow: Any, confirm: str) -> deployment.Planned:
        examined.append(confirm)
        if allow:
            raise Refused("prod", [Refusal("old_plan", "old", "plan again")])
        return deployment.Planned(environment.project.build, NEW)

    monkeypatch.setattr(deployment, "examine", examine)
    invoke("apply", "--env", "prod")
    assert (applied.pop(), applied.pop(), examined) == ("verify", "prod", []), "nobody is there"
    monkeypatch.setattr("glue.cli.deploy.somebody_is_there", lambda: True)
    monkeypatch.setattr("glue.cli.options.somebody_is_there", lambda: True)
    done = invoke("apply", "--env", "prod", text="prod\n")
    assert "# Plan for local" in done.stdout, "what is asked about is shown"
    assert applied == ["prod prod", "verify"]
    error = invoke("apply", "--env", "prod", text="yes\n").exception
    assert isinstance(error, InputError)
    assert error.code == "not_confirmed"
    done = invoke("apply", "--env", "prod", "--allow", "x", text="prod\n")
    assert isinstance(done.exception, Refused)
    assert "type prod" not in done.stdout
    invoke("apply", "--env", "prod", "--confirm", "prod")
    assert applied == ["prod prod", "verify"] * 2


def test_refusals_are_told_to_programs_too(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    done = invoke("apply", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "environment": "local",
        "refused": [
            {
                "code": "no_plan",
                "message": "there is no plan for local",
                "remedy": "run `glue deploy plan --env local` and read it",
            }
        ],
    }


def test_outputs_command(here: Project) -> None:
    assert isinstance(invoke("outputs").exception, InputError)
    write_json(here.outputs_file("staging"), OUTPUTS)
    assert json.loads(invoke("outputs", "--env", "staging").stdout) == OUTPUTS


def test_destroy_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[tuple[str, list[str]]] = []

    def remove(environment: Environment, erase: list[str], on_line: Any) -> Report:
        did.append((environment.name, erase))
        return Report(
            environment=environment.name, destroyed=7, erased_objects={"raw": 2}, revoked_keys=3
        )

    monkeypatch.setattr(destroy, "destroy", remove)
    done = invoke("destroy", "--erase-raw", "raw", "--erase", "table")
    assert "local: 7 resources destroyed" in done.stdout
    assert json.loads(invoke("destroy", "--json").stdout)["erased_objects"] == {"raw": 2}
    error = invoke("destroy", "--env", "staging").exception
    assert "nobody is here to type it; say `--confirm staging`" in str(error)
    monkeypatch.setattr("glue.cli.options.somebody_is_there", lambda: True)
    assert isinstance(invoke("destroy", "--env", "staging", text="no\n").exception, InputError)
    invoke("destroy", "--env", "staging", text="staging\n")
    invoke("destroy", "--env", "staging", "--confirm", "staging")
    assert isinstance(invoke("destroy", "--confirm", "prod").exception, InputError)
    assert did == [("local", ["raw", "table"]), ("local", []), ("staging", []), ("staging", [])]


# ------------------------------------------------------------------ the state


def test_lock_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [None, Lock(id="7", who="a@b", operation="OperationTypeApply", environment="local",
                       created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))]  # fmt: skip
    monkeypatch.setattr(state, "lock", lambda _: held[0])
    done = invoke("lock")
    assert (done.exit_code, done.stdout) == (0, "nobody holds the state of local\n")
    assert json.loads(invoke("lock", "--json").stdout) == {"environment": "local", "lock": None}
    held.reverse()
    done = invoke("lock")
    assert done.exit_code == 2
    assert "a@b has held it for apply since 2026-01-02 03:04:05 UTC" in done.stdout
    assert "glue deploy unlock --env local --id 7" in done.stdout
    document = json.loads(invoke("lock", "--json").stdout)["lock"]
    assert (document["id"], document["liveness"]) == ("7", "unknown")
    assert document["age_seconds"] > 0


def test_unlock_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[tuple[str, bool]] = []

    def unlock(environment: Environment, lock_id: str, *, confirmed: bool) -> Lock:
        did.append((lock_id, confirmed))
        return Lock(id=lock_id, who="a@b", created=datetime.now(UTC))

    monkeypatch.setattr(state, "unlock", unlock)
    assert "the lock of a@b for an operation without a name" in invoke("unlock", "--id", "7").stdout
    invoke("unlock", "--id", "7", "--confirm", "local")
    assert isinstance(invoke("unlock", "--id", "7", "--confirm", "prod").exception, InputError)
    assert did == [("7", False), ("7", True)]


def test_backups_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    found = [Backup(name="n.tfstate", created=made, serial=3, size=10)]
    monkeypatch.setattr(state, "backups", lambda _: found)
    assert "n.tfstate  2026-01-02 03:04:05  3       10" in invoke("backups").stdout
    assert json.loads(invoke("backups", "--json").stdout)["backups"][0]["serial"] == 3
    found.clear()
    assert "there are no backups" in invoke("backups").stdout


def test_restore_command_always_asks(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[str] = []

    def restore(_: Environment, name: str) -> int:
        did.append(name)
        return 8

    monkeypatch.setattr(state, "restore", restore)
    assert isinstance(invoke("restore", "n").exception, InputError)
    assert "as serial 8" in invoke("restore", "n", "--confirm", "local").stdout
    assert did == ["n"]


def test_up_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def bring(
        project: Project, report: Any, console: Console, *, allow: Any, verify: bool
    ) -> dict[str, Any]:
        report(up.Step(" ".join(["verified" if verify else "plain", *allow]), 1.25))
        return OUTPUTS

    monkeypatch.setattr(up, "bring_up", bring)
    assert "1.2 s  plain" in invoke("up").stdout
    document = json.loads(invoke("up", "--verify", "--allow", "a", "--json").stdout)
    assert document["steps"] == [{"text": "verified a", "seconds": 1.25}]
    assert document["outputs"] == OUTPUTS


def test_errors_keep_their_kind(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Environment) -> None:
        raise Conflict("plan", "changed", "plan again")

    monkeypatch.setattr(deployment, "plan", refuse)
    assert isinstance(invoke("plan").exception, Conflict)

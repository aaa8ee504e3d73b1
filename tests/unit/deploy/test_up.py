from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console
from typer.testing import CliRunner

from glue.cli import applying, deploy, up
from glue.deploy import destroy, packages, plans
from glue.deploy.destroy import Report
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.packages import Built, Packages
from glue.deploy.project import Project, write_json
from glue.deploy.summary import Change, Summary
from glue.devices import Credentials, Device
from glue.errors import Conflict, InputError

OUTPUTS = {
    "api": {"url": "http://here/v1", "usage_plan_id": "p"},
    "identity": {"user_pool_id": "u"},
    "recordings": {"raw_bucket": "raw"},
}
NEW = Summary(
    environment="local",
    changes=(
        Change(address="a.b", type="a", action="create"),
        Change(address="a.c", type="a", action="replace"),
    ),
)
SAME = Summary(environment="local", changes=())


class FakeCloud:
    """A local cloud in memory: what is applied to it, and what its snapshot holds."""

    def __init__(self, home: Path, where: LocalCloud) -> None:
        self.home = home
        self.endpoint = where.endpoint
        self.where = where
        self.is_applied = False
        self.has_recordings = False
        self.kept: dict[str, str] = {}
        self.did: list[str] = []

    def postgres(self) -> Any:
        return SimpleNamespace(facts=self.where.postgres.model_dump)

    def up(self) -> None:
        self.did.append("up")
        (self.home / "state").mkdir(parents=True, exist_ok=True)

    def status(self) -> dict[str, Any]:
        return {"snapshots": list(self.kept)}

    def save_snapshot(self, key: str) -> None:
        self.did.append("save")
        self.kept = {key: (self.home / plans.MARKER).read_text()}

    def restore_snapshot(self, key: str) -> bool:
        self.did.append("restore")
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / plans.MARKER).write_text(self.kept[key])
        self.is_applied = True
        return True

    def reset(self) -> None:
        self.is_applied = False
        (self.home / plans.MARKER).unlink(missing_ok=True)

    # The S3 client of it.
    def head_bucket(self, Bucket: str) -> None:  # noqa: N803
        assert Bucket == "local-terraform-state-000000000000"
        if not self.is_applied:
            raise ClientError({"Error": {"Code": "404"}}, "HeadBucket")

    def list_object_versions(self, Bucket: str, MaxKeys: int) -> dict[str, Any]:  # noqa: N803
        assert (Bucket, MaxKeys) == ("raw", 1)
        return {"Versions": [{}]} if self.has_recordings else {}


@pytest.fixture
def fake(project: Project, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    made = FakeCloud(project.local_home, cloud)
    monkeypatch.setattr(Environment, "client", lambda *_: made)
    monkeypatch.setattr(packages, "build", lambda *_: SimpleNamespace(is_new=False))
    monkeypatch.setattr(up, "Cloud", lambda _: made)

    def plan(environment: Environment) -> Any:
        made.did.append("plan")
        return SimpleNamespace(summary=SAME if made.is_applied else NEW)

    def apply(environment: Environment, on_line: Any) -> dict[str, Any]:
        made.did.append("apply")
        on_line("a.b: Creation complete after 1s [id=:secret:]")
        on_line("a.b: Still creating...")
        made.is_applied = True
        write_json(environment.project.outputs_file("local"), OUTPUTS)
        return OUTPUTS

    def settle(environment: Environment) -> dict[str, Any]:
        made.did.append("settle")
        write_json(environment.project.outputs_file("local"), OUTPUTS)
        return OUTPUTS

    def devices(*_: Any) -> list[str]:
        made.did.append("devices")
        return ["a"]

    monkeypatch.setattr(plans, "plan", plan)
    monkeypatch.setattr(plans, "apply", apply)
    monkeypatch.setattr(plans, "settle", settle)
    monkeypatch.setattr(plans, "verify", lambda _: made.did.append("verify"))
    monkeypatch.setattr(up, "write_profiles", devices)
    return made


def bring_up(project: Project, **options: Any) -> tuple[list[str], str]:
    steps: list[up.Step] = []
    text = io.StringIO()
    values = up.bring_up(project, steps.append, Console(file=text), **options)
    assert values == OUTPUTS
    assert json.loads(project.outputs_file("local").read_text()) == OUTPUTS
    return [step.text for step in steps], text.getvalue()


def test_from_nothing(project: Project, fake: FakeCloud) -> None:
    steps, text = bring_up(project, verify=True)
    assert fake.did == ["up", "plan", "apply", "verify", "devices", "save"]
    assert steps == [
        "packages: unchanged",
        f"local cloud: {fake.endpoint}",
        "plan: 1 to create, 1 to replace",
        "apply",
        "second plan: empty",
        "devices: a",
        "snapshot",
    ]
    assert text == "  a.b: Creation complete after 1s [id=:secret:]\n"


def test_what_is_up_stays_as_it_is(project: Project, fake: FakeCloud) -> None:
    bring_up(project)
    fake.did.clear()
    project.outputs_file("local").unlink()
    steps, _ = bring_up(project)
    assert fake.did == ["up"]
    assert steps[-1] == "platform: as it was applied before"


def test_an_emptied_cloud_takes_up_its_snapshot(project: Project, fake: FakeCloud) -> None:
    bring_up(project)
    fake.reset()
    fake.did.clear()
    bring_up(project)
    assert fake.did == ["up", "restore"]


def test_a_cloud_that_never_ran_is_restored_before_it_starts(
    project: Project, fake: FakeCloud
) -> None:
    bring_up(project)
    fake.reset()
    (fake.home / "state").rmdir()
    fake.did.clear()
    steps, _ = bring_up(project)
    assert fake.did == ["restore", "up"]
    assert "snapshot: restored" in steps


def test_a_snapshot_of_another_configuration_is_left_alone(
    project: Project, fake: FakeCloud
) -> None:
    bring_up(project)
    fake.reset()
    fake.did.clear()
    (project.modules / "queue" / "main.tf").write_text("# another\n")
    bring_up(project)
    assert fake.did == ["up", "plan", "apply", "devices", "save"]


def test_a_cloud_with_recordings_is_never_made_a_snapshot_of(
    project: Project, fake: FakeCloud
) -> None:
    bring_up(project)
    fake.did.clear()
    fake.has_recordings = True
    (project.modules / "queue" / "main.tf").write_text("# another\n")
    steps, _ = bring_up(project)
    assert fake.did == ["up", "plan", "settle", "devices"]
    assert "plan: no changes" in steps


def test_what_somebody_else_applied_is_kept(project: Project, fake: FakeCloud) -> None:
    fake.is_applied = True
    bring_up(project)
    assert fake.did == ["up", "plan", "settle", "devices", "save"]


def test_a_marker_without_a_platform_is_not_believed(project: Project, fake: FakeCloud) -> None:
    bring_up(project)
    fake.is_applied = False
    fake.kept = {}
    fake.did.clear()
    bring_up(project)
    assert "apply" in fake.did


def test_profiles_are_made_where_none_works(
    project: Project, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[tuple[str, str]] = []
    present: list[Device] = []

    class FakeDirectory:
        def __init__(self, identity: Any, gateway: Any, outputs: Any) -> None:
            assert outputs is OUTPUTS

        def list(self) -> list[Device]:
            return present

        def add(self, device: str, group: str, *, rotate: bool) -> Credentials:
            assert rotate
            added.append((device, group))
            present.append(Device(device, (group,), enabled=True, has_key=True))
            return Credentials(OUTPUTS["api"]["url"], "key", device, "secret")

    monkeypatch.setattr(up, "Directory", FakeDirectory)
    environment = Environment.load("local", project, cloud)
    assert up.write_profiles(environment, OUTPUTS) == ["shipper", "researcher", "operator"]
    assert added[0] == ("shipper", "shippers")
    path = project.local_home / "profiles" / "shipper.json"
    assert json.loads(path.read_text())["url"] == "http://here/v1"
    assert path.stat().st_mode & 0o077 == 0
    assert up.write_profiles(environment, OUTPUTS) == []
    path.write_text("{}")
    assert up.write_profiles(environment, OUTPUTS) == ["shipper"]
    present[:] = [device for device in present if device.device != "shipper"]
    assert up.write_profiles(environment, OUTPUTS) == ["shipper"]


def test_a_bar_on_a_terminal() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    with applying.watched(console, "applying", applying.steps_of(NEW)) as on_line:
        on_line('module.x.a.b["k"]: Creation complete after 0s [id=1]')
        on_line("nothing to see")
    assert "applying" in text.getvalue()
    assert "1/3" in text.getvalue()


# ------------------------------------------------------------------ the commands

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

    monkeypatch.setattr(packages, "build", build)
    assert "code-1.zip  0.1 MB  unchanged" in invoke("package").stdout
    assert "built in" in invoke("package", "--env", "prod").stdout
    assert json.loads(invoke("package", "--json").stdout)["code_path"] == "c"
    assert targets == ["local", "aws", "local"]


@pytest.mark.parametrize(("summary", "code"), [(NEW, 2), (SAME, 0)])
def test_plan_command(
    here: Project, monkeypatch: pytest.MonkeyPatch, summary: Summary, code: int
) -> None:
    planned = plans.Planned(here.plan_folder("local"), summary)
    monkeypatch.setattr(plans, "plan", lambda _: planned)
    done = invoke("plan")
    assert done.exit_code == code
    assert "# Plan for local" in done.stdout
    done = invoke("plan", "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout)["empty"] is (code == 0)


def test_apply_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[str] = []

    def apply(environment: Environment, on_line: Any) -> dict[str, Any]:
        did.append(f"apply {environment.name}")
        return OUTPUTS

    monkeypatch.setattr(plans, "apply", apply)
    monkeypatch.setattr(plans, "verify", lambda _: did.append("verify"))
    done = invoke("apply")
    assert isinstance(done.exception, InputError), "there is no plan"
    monkeypatch.setattr(plans, "saved_plan", lambda _: plans.Planned(here.build, NEW))
    assert "local: 3 done in" in invoke("apply").stdout
    assert json.loads(invoke("apply", "--json", "--verify").stdout) == OUTPUTS
    assert did == ["apply local", "apply local", "verify"]


def test_outputs_command(here: Project) -> None:
    assert isinstance(invoke("outputs").exception, InputError)
    write_json(here.outputs_file("staging"), OUTPUTS)
    assert json.loads(invoke("outputs", "--env", "staging").stdout) == OUTPUTS


def test_destroy_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []

    def remove(environment: Environment, erase_raw: list[str], on_line: Any) -> Report:
        asked.append((environment.name, erase_raw))
        return Report(
            environment=environment.name,
            destroyed=7,
            erased_objects={"raw": 2},
            revoked_keys=3,
            left=["arn:a"],
        )

    monkeypatch.setattr(destroy, "destroy", remove)
    done = invoke("destroy", "--erase-raw", "raw")
    assert "local: 7 resources destroyed" in done.stdout
    assert "raw: 2 object versions erased" in done.stdout
    assert "3 API keys revoked" in done.stdout
    assert "still there: arn:a" in done.stdout
    assert json.loads(invoke("destroy", "--json").stdout)["left"] == ["arn:a"]
    assert isinstance(invoke("destroy", "--env", "staging", text="no\n").exception, InputError)
    invoke("destroy", "--env", "staging", text="staging\n")
    invoke("destroy", "--env", "staging", "--confirm", "staging")
    assert asked == [("local", ["raw"]), ("local", []), ("staging", []), ("staging", [])]


def test_up_command(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def bring(project: Project, report: Any, console: Console, *, verify: bool) -> dict[str, Any]:
        report(up.Step("verified" if verify else "plain", 1.25))
        return OUTPUTS

    monkeypatch.setattr(up, "bring_up", bring)
    assert "1.2 s  plain" in invoke("up").stdout
    document = json.loads(invoke("up", "--verify", "--json").stdout)
    assert document["steps"] == [{"text": "verified", "seconds": 1.25}]
    assert document["outputs"] == OUTPUTS


def test_errors_keep_their_kind(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Environment) -> None:
        raise Conflict("plan", "changed", "plan again")

    monkeypatch.setattr(plans, "plan", refuse)
    assert isinstance(invoke("plan").exception, Conflict)

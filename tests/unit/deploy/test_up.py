from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from glue.cli import applying, up
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.packages import builder
from glue.deploy.plans import deployment
from glue.deploy.plans.summary import Change, Summary
from glue.deploy.project import Project, write_json
from glue.devices import Credentials, Device

OUTPUTS: dict[str, Any] = {
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

    kubernetes: Any = None

    def __init__(self, home: Path, where: LocalCloud) -> None:
        self.home = home
        self.endpoint = where.endpoint
        self.where = where
        self.is_applied = False
        self.has_recordings = False
        self.submissions: list[Any] = []
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
        self.kept = {key: (self.home / deployment.MARKER).read_text()}

    def restore_snapshot(self, key: str) -> bool:
        self.did.append("restore")
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / deployment.MARKER).write_text(self.kept[key])
        self.is_applied = True
        return True

    def reset(self) -> None:
        self.is_applied = False
        (self.home / deployment.MARKER).unlink(missing_ok=True)

    # The S3 client of it.
    def head_bucket(self, Bucket: str) -> None:  # noqa: N803
        assert Bucket == "local-terraform-state-000000000000"
        if not self.is_applied:
            raise ClientError({"Error": {"Code": "404"}}, "HeadBucket")

    def list_object_versions(self, Bucket: str, MaxKeys: int) -> dict[str, Any]:  # noqa: N803
        assert (Bucket, MaxKeys) == ("raw", 1)
        return {"Versions": [{}]} if self.has_recordings else {}

    # The DynamoDB client of it.
    def scan(self, TableName: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        assert (TableName, Limit) == ("submissions", 1)
        return {"Items": self.submissions}


@pytest.fixture
def fake(project: Project, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    made = FakeCloud(project.local_home, cloud)
    monkeypatch.setattr(Environment, "client", lambda *_: made)
    monkeypatch.setattr(builder, "build", lambda *_: SimpleNamespace(is_new=False))
    monkeypatch.setattr(up, "Cloud", lambda _: made)

    def plan(environment: Environment) -> Any:
        made.did.append("plan")
        return SimpleNamespace(summary=SAME if made.is_applied else NEW)

    def apply(environment: Environment, on_line: Any, *, allow: Any) -> dict[str, Any]:
        made.did.append(" ".join(["apply", *allow]))
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

    monkeypatch.setattr(deployment, "plan", plan)
    monkeypatch.setattr(deployment, "apply", apply)
    monkeypatch.setattr(deployment, "settle", settle)
    monkeypatch.setattr(deployment, "verify", lambda _: made.did.append("verify"))
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


def test_what_may_be_lost_is_passed_on(project: Project, fake: FakeCloud) -> None:
    bring_up(project, allow=["a.c"])
    assert "apply a.c" in fake.did


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


def test_nor_of_one_with_submissions(
    project: Project, fake: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OUTPUTS, "leaderboards", {"leaderboard-10": {"table": "submissions"}})
    bring_up(project)
    assert fake.did[-1] == "save"
    fake.did.clear()
    fake.submissions = [{}]
    (project.modules / "queue" / "main.tf").write_text("# another\n")
    bring_up(project)
    assert fake.did == ["up", "plan", "settle", "devices"]


def test_another_cluster_is_another_platform(project: Project, fake: FakeCloud) -> None:
    bring_up(project)
    fake.did.clear()
    fake.kubernetes = SimpleNamespace(url="http://127.0.0.1:1")
    bring_up(project)
    assert "plan" in fake.did


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

"""What is read from AWS into a state of its own, and carried over to the environment's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glue.deploy.environments import Environment
from glue.deploy.process import TerraformError
from glue.deploy.recovery import imports
from glue.deploy.recovery.imports import Imports, completed, insert, providers_of

QUEUE = 'module.x["a.b"].aws_sqs_queue.this["eu"]'
REPOSITORY = "aws_ecr_repository.this"


class Scratch:
    """A Terraform that reads what a test says, by id."""

    made: Scratch

    def __init__(self, root: Path, workspace: str, build: Path, environment: Any) -> None:
        assert "PATH" in environment
        Scratch.made = self
        self.root = root
        self.workspace = workspace
        self.folder = build / "terraform" / workspace
        self.resources: list[dict[str, Any]] = []

    def init(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "secret").write_text("state")

    def import_resource(self, name: str, given: str) -> None:
        if given == "gone":
            raise TerraformError("import", "no", "see")
        kind, _, short = name.partition(".")
        attributes = {"id": given, "delay": 1, "password": None}
        self.resources.append(
            {"type": kind, "name": short, "instances": [{"attributes": attributes}]}
        )

    def pull_state(self) -> dict[str, Any]:
        return {"version": 4, "lineage": "new", "serial": 1, "resources": self.resources}


class Platform:
    """The environment's own Terraform: a state, and what is pushed."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.pushed: list[dict[str, Any]] = []

    def pull_state(self) -> dict[str, Any]:
        return json.loads(json.dumps(self.state)) if self.state else {}

    def push_state(self, state: dict[str, Any]) -> None:
        self.pushed.append(state)


@pytest.fixture
def staging(ground: Any, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setattr(imports, "Terraform", Scratch)
    monkeypatch.setattr(Environment, "process_environment", {"PATH": "/bin"})
    made: Environment = ground.environment()
    return made


def taking(staging: Environment, platform: Any, **planned: Any) -> Imports:
    by_address = {QUEUE: planned} if planned else {}
    return Imports(
        staging, platform, [QUEUE, REPOSITORY], {REPOSITORY: "aws.us_east_1"}, by_address
    )


def test_what_is_read_is_carried_over(staging: Environment) -> None:
    platform = Platform({"lineage": "l", "serial": 7, "resources": []})
    staging.project.lock_file.write_text("# locked\n")
    with taking(staging, platform, password="p", redrive=[{"a": 1}], delay=None) as taken:
        taken.take(QUEUE, "https://q")
        root = Scratch.made.root
        assert (root / ".terraform.lock.hcl").read_text() == "# locked\n"
        assert root.stat().st_mode & 0o777 == 0o700
        assert Scratch.made.workspace == "staging-recovery"
        with pytest.raises(TerraformError):
            taken.take(REPOSITORY, "gone")
        taken.save()
        taken.take(REPOSITORY, "here")
        taken.save()
        taken.save()
    assert not root.exists()
    assert not Scratch.made.folder.exists()
    first, second = platform.pushed
    assert (first["lineage"], first["serial"]) == ("l", 8)
    assert first["resources"] == [{
        "mode": "managed", "type": "aws_sqs_queue", "name": "this", "module": 'module.x["a.b"]',
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{
            "index_key": "eu", "attributes": {"id": "https://q", "delay": 1, "password": "p"},
        }],
    }]  # fmt: skip
    (repository,) = second["resources"]
    assert repository["provider"].endswith('/aws"].us_east_1')
    assert "module" not in repository
    assert "index_key" not in repository["instances"][0]


def test_a_workspace_without_a_state_gets_one(staging: Environment) -> None:
    platform = Platform({})
    with taking(staging, platform) as taken:
        taken.take(QUEUE, "https://q")
        taken.save()
    (state,) = platform.pushed
    assert (state["version"], state["lineage"], state["serial"]) == (4, "new", 2)
    assert [one["type"] for one in state["resources"]] == ["aws_sqs_queue"]


def test_nothing_is_made_for_nothing(staging: Environment) -> None:
    platform = Platform({"serial": 1, "resources": []})
    with taking(staging, platform) as taken:
        taken.save()
    assert platform.pushed == []
    assert not taken.root.exists()


def test_the_configuration_has_the_types_alone(staging: Environment) -> None:
    made = taking(staging, Platform({})).configuration()
    assert made["resource"] == {
        "aws_sqs_queue": {"r0": {"provider": "aws"}},
        "aws_ecr_repository": {"r1": {"provider": "aws.us_east_1"}},
    }
    home, away = made["provider"]["aws"]
    assert home["region"] == staging.facts.region
    assert (away["alias"], away["region"]) == ("us_east_1", "us-east-1")
    assert "skip_credentials_validation" not in home


def test_a_local_cloud_is_told_as_the_platform_tells_it(ground: Any, cloud: Any) -> None:
    local = Environment.load("local", ground.project, cloud)
    home, away = taking(local, Platform({})).configuration()["provider"]["aws"]
    assert home["s3_use_path_style"]
    assert away["skip_credentials_validation"]


def test_an_instance_joins_those_of_its_resource() -> None:
    state: dict[str, Any] = {"resources": []}
    for index in (0, 1):
        insert(state, f"module.a.aws_eip.b[{index}]", {"attributes": {}}, "aws")
    insert(state, "aws_eip.b", {"attributes": {}}, "aws")
    assert [len(one["instances"]) for one in state["resources"]] == [2, 1]
    assert [one["index_key"] for one in state["resources"][0]["instances"]] == [0, 1]


def test_what_was_being_replaced_is_deposed() -> None:
    state: dict[str, Any] = {"resources": []}
    for number in (1, 2, 3):
        insert(state, 'aws_eip.b["k"]', {"attributes": {"id": number}}, "aws")
    insert(state, 'aws_eip.b["other"]', {"attributes": {"id": 4}}, "aws")
    (resource,) = state["resources"]
    old, older, new, other = resource["instances"]
    assert "deposed" not in new
    assert "deposed" not in other
    assert len(old["deposed"]) == len(older["deposed"]) == 8
    assert old["deposed"] != older["deposed"]


@pytest.mark.parametrize(
    ("read", "planned", "expected"),
    [
        (None, "n", "n"), (1, 0, 0), (None, False, False), ("r", None, "r"),
        ([], ["a"], ["a"]), (["r"], [], ["r"]), ({}, {"a": "b"}, {"a": "b"}),
        ({"a": None}, {}, {"a": None}), ({"r": 1}, {"r": None}, {"r": 1}),
        ([{"r": 1, "n": None}], [{"n": "p", "new": 1}], [{"r": 1, "n": "p"}]),
        ([{"in": [{"a": 1, "b": 2}]}], [{"in": [{"a": 3}]}], [{"in": [{"a": 3, "b": 2}]}]),
        ([{"r": 1}, {"r": 2}], [{"r": 2}, {"r": 1}], [{"r": 1}, {"r": 2}]),
        ([], [{"r": 2}], []),
    ],
)  # fmt: skip
def test_what_aws_does_not_tell_is_as_planned(read: Any, planned: Any, expected: Any) -> None:
    assert completed({"x": read, "id": "i"}, {"x": planned, "y": 1}) == {"x": expected, "id": "i"}


def test_a_thing_may_have_no_tags_of_its_own() -> None:
    assert completed({"tags": {"project": "p"}}, {"tags": None}) == {"tags": None}


def test_the_provider_of_each_address() -> None:
    resource = {"address": "aws_ecr_repository.this", "provider_config_key": "aws.us_east_1"}
    plan = {
        "configuration": {"root_module": {
            "resources": [{"address": "aws_vpc.a", "provider_config_key": "aws"}],
            "module_calls": {"r": {"module": {"resources": [resource]}}},
        }},
        "resource_changes": [
            {"address": 'module.r["x.y"].aws_ecr_repository.this["a"]'}, {"address": "aws_vpc.a"},
        ],
    }  # fmt: skip
    assert providers_of(plan) == {'module.r["x.y"].aws_ecr_repository.this["a"]': "aws.us_east_1"}
    assert providers_of({}) == {}

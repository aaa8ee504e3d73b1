from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from glue.deploy.environments import Environment, LocalCloud, read_outputs, running_cloud
from glue.deploy.project import Project, hash_files, write_json
from glue.errors import InputError, NotFound


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An AWS that somebody is logged in to."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with mock_aws():
        storage: Any = boto3.client("s3", region_name="eu-central-1")
        yield storage


@pytest.fixture
def local(
    project: Project, cloud: LocalCloud, aws: Any, monkeypatch: pytest.MonkeyPatch
) -> Environment:
    """The local environment, whose cloud is a pretence within this process."""
    monkeypatch.setattr(
        Environment, "client", lambda _, name: boto3.client(name, region_name="eu-central-1")
    )
    return Environment.load("local", project, cloud)


def test_facts_are_read_from_tfvars(project: Project) -> None:
    staging = Environment.load("staging", project)
    assert staging.facts.account_id == "111111111111"
    assert staging.facts.region == "eu-central-1"
    assert not staging.is_local
    assert (staging.target, staging.cloud) == ("aws", None)
    assert staging.state_bucket == "staging-terraform-state-111111111111"


def test_state_bucket_may_be_named(
    project: Project, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVING_GROUND_STATE_BUCKET", "ours")
    assert Environment.load("staging", project).state_bucket == "ours"
    local = Environment.load("local", project, cloud)
    assert local.state_bucket == "local-terraform-state-000000000000"


@pytest.mark.parametrize("name", ["qa", "../local", "", "default"])
def test_unknown_environments_are_named_with_the_known(project: Project, name: str) -> None:
    with pytest.raises(NotFound, match="use one of local, staging"):
        Environment.load(name, project)


def test_without_any_environment(project: Project) -> None:
    for path in (project.root / "environments").iterdir():
        path.unlink()
    with pytest.raises(NotFound, match=r"write a tfvars file in .*environments"):
        Environment.load("local", project)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('environment = "staging"\n', "staging.tfvars: account_id"),
        ('environment = "staging"\naccount_id = "12"\n', "staging.tfvars: account_id"),
        ('environment = "prod"\naccount_id = "111111111111"\n', "staging.tfvars: environment"),
    ],
)
def test_incomplete_tfvars_are_refused(project: Project, text: str, field: str) -> None:
    project.variables_file("staging").write_text(text)
    with pytest.raises(InputError) as caught:
        Environment.load("staging", project)
    assert caught.value.field == field


def test_local_cloud_that_is_down(project: Project) -> None:
    with pytest.raises(InputError, match=r"it is not running.*glue local up"):
        Environment.load("local", project)


def test_local_cloud_is_found_by_its_file(project: Project, cloud: LocalCloud) -> None:
    facts = cloud.model_dump() | {"pid": 1, "more": "things"}
    write_json(project.local_home / "cloud.json", facts)
    assert Environment.load("local", project).cloud == cloud
    (project.local_home / "cloud.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        running_cloud(project.local_home)


def test_local_runs_never_see_the_shells_account(
    project: Project, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("LANG", "C")
    given = Environment.load("local", project, cloud).process_environment
    assert "AWS_PROFILE" not in given
    assert "AWS_SESSION_TOKEN" not in given
    assert given["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert given["LANG"] == "C"
    elsewhere = Environment.load("staging", project).process_environment
    assert elsewhere["AWS_PROFILE"] == "production"


def test_clients_speak_to_the_right_cloud(project: Project, cloud: LocalCloud) -> None:
    local = Environment.load("local", project, cloud).client("s3")
    assert local.meta.endpoint_url == cloud.endpoint
    staging = Environment.load("staging", project).client("sqs")
    assert staging.meta.region_name == "eu-central-1"
    assert "amazonaws" in staging.meta.endpoint_url


def test_variable_files(project: Project, cloud: LocalCloud) -> None:
    local = Environment.load("local", project, cloud).variable_files()
    assert [path.name for path in local] == [
        "local.tfvars",
        "local.tfvars.json",
        "local.tfvars.json",
    ]
    assert json.loads(local[2].read_text()) == {
        "local": {
            "endpoint": cloud.endpoint,
            "catalogue": {
                "host": "127.0.0.1",
                "port": 4651,
                "database": "catalogue",
                "user": "catalogue",
            },
        }
    }
    assert len(Environment.load("staging", project).variable_files()) == 2


def test_local_state_bucket_is_made_once(local: Environment, aws: Any) -> None:
    path = local.prepare_backend()
    text = path.read_text()
    assert 'bucket = "local-terraform-state-000000000000"' in text
    assert "use_path_style = true" in text
    versioning = aws.get_bucket_versioning(Bucket=local.state_bucket)
    assert versioning["Status"] == "Enabled"
    before = path.stat().st_mtime_ns
    assert local.prepare_backend() == path
    assert path.stat().st_mtime_ns == before


def test_staging_uses_the_bucket_that_is_there(project: Project, aws: Any) -> None:
    staging = Environment.load("staging", project)
    with pytest.raises(InputError, match=r"staging-terraform-state-1+ cannot be reached"):
        staging.prepare_backend()
    aws.create_bucket(
        Bucket=staging.state_bucket,
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    text = staging.prepare_backend().read_text()
    assert "use_path_style" not in text
    assert "use_lockfile = true" in text


def test_local_cloud_that_does_not_answer(project: Project, cloud: LocalCloud) -> None:
    closed = cloud.model_copy(update={"endpoint": "http://127.0.0.1:1"})
    with pytest.raises(InputError, match=r"cannot be reached.*glue local up"):
        Environment.load("local", project, closed).prepare_backend()


def test_nobody_is_logged_in(project: Project, cloud: LocalCloud) -> None:
    with pytest.raises(InputError, match=r"credentials: there are none for AWS.*111111111111"):
        Environment.load("staging", project).prepare_backend()
    Environment.load("local", project, cloud).require_credentials()


def test_terraform_is_given_the_backend(
    local: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Path | None] = []
    monkeypatch.setattr(
        "glue.deploy.terraform.Terraform.init", lambda _, backend: given.append(backend)
    )
    terraform = local.terraform()
    assert given == [local.project.terraform_folder("local") / "backend.hcl"]
    assert terraform.workspace == "local"


def test_outputs_are_read_back(project: Project) -> None:
    with pytest.raises(NotFound, match="has not been applied"):
        read_outputs("local", project)
    write_json(project.outputs_file("local"), {"a": 1})
    assert read_outputs("local", project) == {"a": 1}


def test_project_is_where_this_package_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    project = Project.here()
    assert (project.repository / "glue" / "deploy" / "project.py").is_file()
    assert project.build == project.repository / "build"
    assert project.local_home == project.build / "local"
    monkeypatch.setenv("PROVING_GROUND_BUILD", str(tmp_path / "b"))
    monkeypatch.setenv("PROVING_GROUND_LOCAL_HOME", str(tmp_path / "h"))
    assert (Project.here().build, Project.here().local_home) == (tmp_path / "b", tmp_path / "h")


def test_hash_of_files_sees_names_contents_and_absence(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("x")
    hashes = {hash_files(tmp_path, [one]), hash_files(tmp_path, [one, two])}
    two.write_text("x")
    hashes |= {hash_files(tmp_path, [two]), hash_files(tmp_path, [one, two])}
    assert len(hashes) == 4
    assert hash_files(tmp_path, [one, two]) == hash_files(tmp_path, [two, one, one])


def test_private_files_are_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret.json"
    write_json(path, {}, mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600

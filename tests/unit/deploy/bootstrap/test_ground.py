"""A bootstrap with real Terraform, a root without AWS in it, and S3 by moto."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from glue.deploy.bootstrap import adoption, ground
from glue.deploy.bootstrap import state as states
from glue.deploy.bootstrap.ground import Outcome, Prepared
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.process import TerraformError
from glue.deploy.project import Project
from glue.errors import Conflict, InputError

pytestmark = pytest.mark.terraform

ACCOUNT = "111111111111"
BUCKET = f"staging-terraform-state-{ACCOUNT}"
REPOSITORY = "example-org/proving-ground"

ROOT = """
terraform {
  backend "s3" {}
}
variable "account_id" { type = string }
variable "environment" { type = string }
variable "region" { type = string }
variable "ci" {
  type = object({
    repository        = string
    branch            = string
    oidc_provider_arn = optional(string)
  })
}
module "made" {
  source = "../../modules/queue"
  name   = var.environment
}
output "state" { value = { bucket = module.made.name } }
output "ci" {
  value = var.ci == null ? null : merge(var.ci, { plan_role_arn = "p", oidc_provider_arn = "o" })
}
"""
MODULE = """
variable "name" { type = string }
resource "terraform_data" "bucket" { input = "${var.name}-terraform-state" }
output "name" { value = terraform_data.bucket.output }
"""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account of moto's; the state's bucket is not there yet."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    with mock_aws():
        yield boto3.client("s3", region_name="eu-central-1")


@pytest.fixture
def staging(project: Project, aws: Any, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment whose bootstrap makes the bucket beside Terraform, and keeps its second
    state, that in the bucket, in a file: Terraform itself cannot reach moto.
    """
    root = project.repository / "terraform" / "bootstrap"
    root.mkdir()
    (root / "main.tf").write_text(ROOT)
    (project.modules / "queue" / "main.tf").write_text(MODULE)
    environment = Environment.load("staging", project)
    monkeypatch.setattr(adoption, "left_over", lambda *_, **__: {})
    make, apply = states.terraform, states.BootstrapTerraform.apply
    stand_in = project.build / "in-the-bucket.tfstate"

    def terraform(env: Environment, where: states.Where, on_line: Any) -> states.BootstrapTerraform:
        if where == "file":
            return make(env, where, on_line)
        stand_in.write_bytes(aws.get_object(Bucket=BUCKET, Key=states.STATE_KEY)["Body"].read())
        first = states.copy(root, env)
        copied = Path(
            shutil.copytree(first.parents[1], project.build / "copied", dirs_exist_ok=True),
            "terraform",
            "bootstrap",
        )
        text = (copied / "backend_override.tf").read_text()
        old = str(states.state_file(env))
        (copied / "backend_override.tf").write_text(text.replace(old, str(stand_in)))
        made = states.BootstrapTerraform(copied, "default", states.folder(env))
        made.init()
        return made

    def applied(self: states.BootstrapTerraform, plan: Path) -> None:
        apply(self, plan)
        make_bucket(aws)
        if stand_in.is_file():
            aws.put_object(Bucket=BUCKET, Key=states.STATE_KEY, Body=stand_in.read_bytes())

    monkeypatch.setattr(states, "terraform", terraform)
    monkeypatch.setattr(states.BootstrapTerraform, "apply", applied)
    return environment


def make_bucket(aws: Any) -> None:
    try:
        aws.head_bucket(Bucket=BUCKET)
    except ClientError:
        place = {"LocationConstraint": "eu-central-1"}
        aws.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)


def run(environment: Environment, **options: Any) -> tuple[Prepared, Outcome]:
    prepared = ground.prepare(environment, **options)
    return prepared, ground.apply(prepared)


def state_in_bucket(aws: Any) -> dict[str, Any]:
    body = aws.get_object(Bucket=BUCKET, Key=states.STATE_KEY)["Body"].read()
    state: dict[str, Any] = json.loads(body)
    return state


# ------------------------------------------------------------------ from nothing, and again


def test_the_state_moves_into_the_bucket_and_a_second_run_finds_it(
    staging: Environment, aws: Any
) -> None:
    prepared, outcome = run(staging, repository=REPOSITORY)

    assert (prepared.where, prepared.summary.counts) == ("file", {"create": 1})
    assert outcome.moved
    assert outcome.ci is not None
    assert (outcome.ci["repository"], outcome.ci["branch"]) == (REPOSITORY, "main")
    file = states.state_file(staging)
    moved = json.loads(file.with_name("moved.tfstate").read_text())
    assert not file.exists()
    assert state_in_bucket(aws)["lineage"] == moved["lineage"]
    assert states.folder(staging).stat().st_mode & 0o077 == 0

    again, second = run(staging)
    assert again.is_done
    assert (second.moved, second.ci) == (False, outcome.ci), "and the repository is still known"


def test_the_repository_can_change_and_go(staging: Environment) -> None:
    run(staging, repository=REPOSITORY, branch="next")
    assert run(staging)[1].ci["branch"] == "next"  # type: ignore[index]
    assert run(staging, repository="example-org/another")[1].ci["branch"] == "main"  # type: ignore[index]
    prepared, outcome = run(staging, repository="none")
    assert prepared.summary.outputs == ("ci",)
    assert outcome.ci is None
    with pytest.raises(InputError, match="there is no repository that it belongs to"):
        ground.prepare(staging, branch="main")


# ------------------------------------------------------------------ killed in between


def test_killed_before_the_apply(staging: Environment) -> None:
    ground.prepare(staging, repository=REPOSITORY)
    prepared, outcome = run(staging)
    assert prepared.summary.counts == {"create": 1}
    assert outcome.ci is not None, "what was asked for is still known"


def test_killed_before_the_state_moved(staging: Environment, aws: Any) -> None:
    first = ground.prepare(staging, repository=REPOSITORY)
    first.terraform.apply(states.folder(staging) / "plan.tfplan")
    prepared, outcome = run(staging)
    assert (prepared.where, prepared.summary.is_empty, prepared.is_done) == ("file", True, False)
    assert outcome.moved
    assert state_in_bucket(aws)["resources"]


def test_killed_before_the_file_was_put_aside(staging: Environment, aws: Any) -> None:
    run(staging)
    file = states.state_file(staging)
    file.with_name("moved.tfstate").rename(file)
    prepared, outcome = run(staging)
    assert prepared.is_done
    assert not outcome.moved
    assert not file.exists()


def test_a_request_that_was_sent_twice_is_no_error(staging: Environment, aws: Any) -> None:
    prepared = ground.prepare(staging)
    prepared.terraform.apply(states.folder(staging) / "plan.tfplan")
    content = states.state_file(staging).read_bytes()
    aws.put_object(Bucket=BUCKET, Key=states.STATE_KEY, Body=content)
    states.move(staging, None)
    assert state_in_bucket(aws) == json.loads(content)


@pytest.mark.parametrize("change", [{"serial": 999}, {"lineage": "another"}])
def test_two_states_are_never_mixed(staging: Environment, aws: Any, change: dict[str, Any]) -> None:
    run(staging)
    file = states.state_file(staging)
    old = json.loads(file.with_name("moved.tfstate").read_text())
    file.write_text(json.dumps(old | change))
    with pytest.raises(Conflict, match="is not an older copy of it; find out which"):
        ground.prepare(staging)
    assert file.exists()


def test_what_a_killed_run_made_is_taken_into_the_state(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "module.made.terraform_data.bucket"

    def left_over(_: Environment, managed: set[str], *, has_ci: bool) -> dict[str, str]:
        assert not has_ci
        return {} if address in managed else {address: "made-before"}

    monkeypatch.setattr(adoption, "left_over", left_over)
    prepared, _ = run(staging)
    assert prepared.adopted == (address,)
    assert prepared.summary.counts in ({"update": 1}, {"replace": 1})
    assert run(staging)[0].adopted == ()


def test_a_second_plan_that_is_not_empty(staging: Environment) -> None:
    file = staging.project.modules / "queue" / "main.tf"
    file.write_text(MODULE.replace('input = "', 'input = "${timestamp()}'))
    with pytest.raises(InputError, match=r"it is not empty: module\.made\.terraform_data\.bucket"):
        run(staging)
    assert not (states.folder(staging) / "second.tfplan").exists()


# ------------------------------------------------------------------ what is refused


def test_the_local_cloud_needs_none(project: Project, cloud: LocalCloud) -> None:
    with pytest.raises(InputError, match="the local cloud makes the bucket of its state by itself"):
        ground.prepare(Environment.load("local", project, cloud))


def test_another_account(project: Project, aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project.variables_file("staging")
    path.write_text(path.read_text().replace(ACCOUNT, "222222222222"))
    with pytest.raises(InputError) as caught:
        ground.prepare(Environment.load("staging", project))
    assert str(caught.value) == (
        f"account: these are credentials of account {ACCOUNT}, but staging lives in 222222222222;"
        " use that account's profile, or mend account_id in staging.tfvars"
    )


def test_nobody_and_somebody_unknown(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = Environment.load("staging", project)
    with pytest.raises(InputError, match="credentials: there are none"):
        ground.prepare(staging)

    class Refusing:
        def get_caller_identity(self) -> None:
            raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "x")

    monkeypatch.setattr(Environment, "require_credentials", lambda _: None)
    monkeypatch.setattr(Environment, "client", lambda *_: Refusing())
    with pytest.raises(InputError, match=r"AWS does not take them: .*ExpiredToken"):
        ground.prepare(staging)


def test_another_bucket_was_chosen(staging: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVING_GROUND_STATE_BUCKET", "elsewhere")
    with pytest.raises(InputError, match=f"it names elsewhere, and a bootstrap makes {BUCKET}"):
        ground.prepare(staging)


@pytest.mark.parametrize("repository", ["proving-ground", "example-org/*", "a/b/c", "-a/b", ""])
def test_what_is_no_repository(staging: Environment, repository: str) -> None:
    with pytest.raises(InputError, match="is no repository on GitHub; write owner/name"):
        ground.prepare(staging, repository=repository)


def test_a_strangers_bucket(staging: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    class Strange:
        def head_object(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

    monkeypatch.setattr(Environment, "client", lambda *_: Strange())
    with pytest.raises(InputError, match=f"{BUCKET} cannot be read: it is another account's"):
        states.locate(staging)


def test_a_move_that_is_refused_is_an_error(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def put_object(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    states.folder(staging).mkdir(parents=True)
    states.state_file(staging).write_text("{}")
    monkeypatch.setattr(Environment, "client", lambda *_: Refusing())
    with pytest.raises(ClientError, match="AccessDenied"):
        states.move(staging, None)
    assert states.state_file(staging).exists()


# ------------------------------------------------------------------ locks


def test_a_lock_says_how_to_take_it_away(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "Error: Error acquiring the state lock\nLock Info:\n  ID:        abc-1\n  Path: x"

    def locked(*_: Any) -> bool:
        raise TerraformError("plan", message, "wait")

    freed: list[str] = []
    monkeypatch.setattr(
        states.BootstrapTerraform, "force_unlock", lambda _, lock_id: freed.append(lock_id)
    )
    with monkeypatch.context() as patch:
        patch.setattr(states.BootstrapTerraform, "plan", locked)
        with pytest.raises(Conflict, match="bootstrap --env staging --unlock abc-1"):
            ground.prepare(staging)
    with monkeypatch.context() as patch:
        patch.setattr(states.BootstrapTerraform, "apply", locked)
        with pytest.raises(Conflict, match="--unlock abc-1"):
            run(staging, unlock="abc-1")
    assert freed == ["abc-1"]


def test_any_other_error_stays_as_it_is(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (staging.project.modules / "queue" / "main.tf").write_text(
        MODULE.replace('"${var.name}-', 'file("absent")}-').replace(
            "input = file", 'input = "${file'
        )
    )
    with pytest.raises(TerraformError, match="absent"):
        ground.prepare(staging)


def test_the_backend_of_the_bucket(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.repository / "terraform" / "bootstrap").mkdir()
    staging = Environment.load("staging", project)
    given: list[Path] = []
    monkeypatch.setattr(states.BootstrapTerraform, "init", lambda _, path: given.append(path))
    terraform = states.terraform(staging, "bucket", None)
    assert terraform.root == project.repository / "terraform" / "bootstrap"
    assert given[0].read_text() == (
        f'bucket = "{BUCKET}"\nkey = "bootstrap.tfstate"\n'
        'region = "eu-central-1"\nuse_lockfile = true\n'
    )

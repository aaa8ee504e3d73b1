"""What the account answers: who we are, the state's lock, names that are taken, quotas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

from glue.deploy.project import Project
from glue.doctor import account, capacity, names, state
from glue.doctor.fleets import family, fleets, zones
from tests.unit.doctor.files import Ask, save_plan, write

BUCKET = "staging-terraform-state-111111111111"


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Call")


class Caller:
    """An STS that knows one caller, or raises."""

    def __init__(self, account_id: str, arn: str = "", fault: Exception | None = None) -> None:
        self.answer = {"Account": account_id, "Arn": arn or f"arn:aws:sts::{account_id}:role/me"}
        self.fault = fault

    def get_caller_identity(self) -> dict[str, str]:
        if self.fault:
            raise self.fault
        return self.answer


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


def test_nobody_is_logged_in(ask: Ask) -> None:
    report = ask(account.SUBJECT)
    assert report["credentials"].status == "fail"
    assert "account" not in report


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize("fault", [NoCredentialsError(), error("ExpiredToken")])
def test_credentials_that_do_not_work(fault: Exception, ask: Ask) -> None:
    result = ask(account.SUBJECT, services={"sts": Caller("", fault=fault)})["credentials"]
    assert result.status == "fail"


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize(("account_id", "status"), [("1" * 12, "pass"), ("2" * 12, "fail")])
def test_whose_credentials_these_are(account_id: str, status: str, ask: Ask) -> None:
    report = ask(account.SUBJECT, services={"sts": Caller(account_id)})
    assert report["credentials"].status == "pass"
    assert report["account"].status == status
    assert report["root-user"].status == "pass"


@pytest.mark.usefixtures("logged_in")
def test_the_root_user(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = {"sts": Caller("1" * 12, "arn:aws:iam::111111111111:root")}
    assert ask(account.SUBJECT, services=caller)["root-user"].status == "fail"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert ask(account.SUBJECT, services=caller)["root-user"].status == "not_covered"


def test_without_an_environment_nobody_is_asked(ask: Ask) -> None:
    for subject in (account.SUBJECT, state.SUBJECT, capacity.SUBJECT):
        assert ask(subject, "") == {}


@pytest.mark.parametrize(("selected", "status"), [("staging", "pass"), ("prod", "fail")])
def test_the_workspace(selected: str, status: str, project: Project, ask: Ask) -> None:
    assert ask(account.SUBJECT)["workspace"].status == "not_covered"
    path = project.terraform_folder("staging") / "data" / "environment"
    path.parent.mkdir(parents=True)
    path.write_text(selected)
    assert ask(account.SUBJECT)["workspace"].status == status


@pytest.fixture
def storage() -> Iterator[Any]:
    with mock_aws():
        client: Any = boto3.client(
            "s3", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        yield client


def make(storage: Any, name: str, *, versioned: bool = True) -> None:
    place = {"LocationConstraint": "eu-central-1"}
    storage.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    if versioned:
        storage.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


@pytest.mark.usefixtures("logged_in")
def test_the_state_and_its_lock(storage: Any, ask: Ask) -> None:
    assert ask(state.SUBJECT)[f"state-bucket:{BUCKET}"].status == "fail"
    make(storage, BUCKET)
    report = ask(state.SUBJECT)
    assert {one.status for one in report.values()} == {"pass"}
    lock = {
        "ID": "1-2",
        "Operation": "OperationTypeApply",
        "Who": "me@elsewhere",
        "Version": "1.11.4",
        "Created": datetime.now(UTC).isoformat(),
        "Info": "",
    }
    key = "env:/staging/platform.tfstate.tflock"
    storage.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(lock))
    held = ask(state.SUBJECT)["state-lock"]
    assert held.status == "fail"
    assert "me@elsewhere has held it for apply" in held.found
    assert "unlock --env staging" in held.remedy


@pytest.mark.usefixtures("logged_in")
def test_a_state_without_history(storage: Any, ask: Ask) -> None:
    make(storage, BUCKET, versioned=False)
    result = ask(state.SUBJECT)[f"state-bucket:{BUCKET}"]
    assert (result.status, result.found) == ("fail", "versioning: never enabled")


@pytest.mark.usefixtures("logged_in")
def test_the_local_state_is_made_by_the_first_plan(
    storage: Any, project: Project, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "local", account="0" * 12)
    project.local_home.mkdir(parents=True)
    postgres = {"host": "h", "port": 1, "database": "d", "user": "u"}
    facts = {"endpoint": "http://127.0.0.1:4566", "postgres": postgres}
    (project.local_home / "cloud.json").write_text(json.dumps(facts))
    report = ask(state.SUBJECT, "local", services={"s3": storage})
    assert [one.status for one in report.values()] == ["not_covered"]


def change(kind: str, actions: str = "create", **after: Any) -> dict[str, Any]:
    return {"type": kind, "mode": "managed", "change": {"actions": [actions], "after": after}}


def test_without_a_plan_nothing_can_be_said_of_names(ask: Ask) -> None:
    report = ask(names.SUBJECT)
    assert {one.status for one in report.values()} == {"not_covered"}
    assert len(report) == 3


def test_lengths_of_names(project: Project, ask: Ask) -> None:
    save_plan(
        project,
        change("aws_iam_role", name="a" * 64),
        change("aws_lambda_function", name="ignored", function_name="b" * 65),
        change("aws_lb", name="c" * 33),
        change("aws_iam_role", name_prefix="d" * 40),
        change("aws_sqs_queue", name="short"),
        change("aws_unknown", name="x" * 900),
        {"type": "aws_iam_role", "mode": "data", "change": {"actions": ["read"], "after": {}}},
        {"type": "aws_sqs_queue", "change": {"actions": ["delete"], "after": None}},
    )
    report = ask(names.SUBJECT, services={})
    assert report["name-length:aws_sqs_queue"].found == "short: 5 of 80"
    assert f"{'b' * 65} has 65; 64 are allowed" in report["name-length:aws_lambda_function"].found
    assert report["name-length:aws_lb"].status == "fail"
    # Terraform puts 26 characters behind a prefix.
    assert "has 66" in report["name-length:aws_iam_role"].found
    assert report["name-once"].status == "pass"


def test_a_name_twice(project: Project, ask: Ask) -> None:
    save_plan(
        project,
        *[change("aws_sqs_queue", name="q") for _ in range(2)],
        *[change("aws_ecr_repository", name="submissions") for _ in range(2)],
        *[change("aws_iam_role", name_prefix="r") for _ in range(2)],
    )
    result = ask(names.SUBJECT)["name-once"]
    assert (result.status, result.found) == ("fail", "aws_sqs_queue q")


class Buckets:
    """An S3 that answers for a bucket with a code."""

    def head_bucket(self, Bucket: str) -> None:  # noqa: N803
        codes = {"free": "404", "theirs": "403", "far": "301", "broken": "500"}
        if Bucket in codes:
            raise error(codes[Bucket])


def test_buckets_that_somebody_has(project: Project, ask: Ask) -> None:
    new = [change("aws_s3_bucket", bucket=n) for n in ("free", "theirs", "far", "ours", "broken")]
    save_plan(project, *new, change("aws_s3_bucket", "no-op", bucket="kept"))
    report = ask(names.SUBJECT, services={"s3": Buckets()})
    found = {n.partition(":")[2]: r for n, r in report.items() if n.startswith("bucket-name:")}
    assert {name: one.status for name, one in found.items()} == {
        "free": "pass",
        "theirs": "fail",
        "far": "fail",
        "ours": "fail",
        "broken": "fail",
    }
    assert "Terraform does not know it" in found["ours"].found
    assert found["broken"].found.startswith("no answer")


MACHINES = """
network = { address_range = "10.20.0.0/16", nat = { kind = "gateway-per-zone" } }
cluster = {
  kubernetes   = { version = "1.36" }
  system_nodes = { instance_types = ["m7g.large"], max = 3 }
  gpu_node_groups = {
    a10 = { instance_types = ["g5.xlarge", "g5.2xlarge"], capacity = "spot", max = 4 }
    a100 = { instance_types = ["p4d.24xlarge"], capacity = "on-demand", max = 1 }
  }
}
batch = { compute = {
  spot = { kind = "gpu-spot", instance_types = ["g4dn.xlarge"], max_vcpus = 16 }
  cpu = { kind = "fargate-spot", max_vcpus = 64 }
} }
"""
VCPUS = {"g5.xlarge": 4, "g5.2xlarge": 8, "p4d.24xlarge": 96, "g4dn.xlarge": 4, "m7g.large": 2}


class EC2:
    def __init__(self, nowhere: tuple[str, ...] = (), zones: str = "abc", **held: Any) -> None:
        self.nowhere, self.zones, self.held = nowhere, zones, held
        self.paged = ""

    def get_paginator(self, name: str) -> EC2:
        self.paged = name
        return self

    def paginate(self, **given: Any) -> list[dict[str, Any]]:
        if self.paged == "describe_instance_types":
            types = given["InstanceTypes"]
            return [
                {"InstanceTypes": [
                    {"InstanceType": one, "VCpuInfo": {"DefaultVCpus": VCPUS[one]}}
                    for one in types
                ]}
            ]  # fmt: skip
        if self.paged == "describe_vpcs":
            return [{"Vpcs": self.held.get("vpcs", [])}]
        types = given["Filters"][0]["Values"]
        return [
            {"InstanceTypeOfferings": [
                {"InstanceType": one, "Location": f"eu-central-1{zone}"}
                for one in types
                if one not in self.nowhere
                for zone in self.zones
            ]}
        ]  # fmt: skip

    def describe_addresses(self) -> dict[str, Any]:
        return {"Addresses": self.held.get("addresses", [])}


class Quotas:
    class exceptions:  # noqa: N801
        NoSuchResourceException = KeyError

    def __init__(self, **granted: Any) -> None:
        self.granted = granted

    def get_service_quota(self, ServiceCode: str, QuotaCode: str) -> Any:  # noqa: N803
        value = self.granted[QuotaCode.replace("-", "_")]
        if isinstance(value, Exception):
            raise value
        return {"Quota": {"Value": value}}

    def get_aws_default_service_quota(self, **_: Any) -> Any:
        return {"Quota": {"Value": 5.0}}


def test_quotas_and_offerings(project: Project, ask: Ask) -> None:
    write(project, "staging", MACHINES, account="1" * 12)
    enough = Quotas(L_3819A6DF=48.0, L_417A185B=0.0, L_1216C47A=32.0)
    report = ask(capacity.SUBJECT, services={"ec2": EC2(), "service-quotas": enough})
    spot = report["vcpu-quota:All G and VT Spot Instance Requests"]
    # Four machines of the greatest type, and what Batch may take.
    assert spot.status == "pass"
    assert spot.found == (
        "48 vCPUs allowed (L-3819A6DF), 48 configured: cluster.gpu_node_groups.a10 32, "
        "batch.compute.spot 16"
    )
    large = report["vcpu-quota:Running On-Demand P instances"]
    assert (large.status, large.found[:15]) == ("fail", "0 vCPUs allowed")
    assert report["vcpu-quota:Running On-Demand Standard instances"].status == "pass"
    assert report["network-quota:VPCs per Region"].found == "0 there, 5 allowed (L-F678F1CE)"
    assert report["network-quota:EC2-VPC Elastic IPs"].found.startswith("0 there, 3 more needed")
    offered = [one for name, one in report.items() if name.startswith("gpu-offering:")]
    assert [one.status for one in offered] == ["pass"] * 3


def test_machines_that_are_not_offered(project: Project, ask: Ask) -> None:
    write(project, "staging", MACHINES, account="1" * 12)
    granted = Quotas(L_3819A6DF=1.0, L_417A185B=error("AccessDeniedException"))
    services = {"ec2": EC2(nowhere=("g5.xlarge",), zones="ab"), "service-quotas": granted}
    report = ask(capacity.SUBJECT, services=services)
    group = report["gpu-offering:cluster.gpu_node_groups.a10"]
    assert group.status == "fail"
    assert group.found == (
        "none in eu-central-1c; g5.xlarge nowhere; g5.xlarge in no zone; "
        "g5.2xlarge in eu-central-1a, eu-central-1b"
    )
    unanswered = report["vcpu-quota:Running On-Demand P instances"]
    assert unanswered.status == "not_covered"
    assert "no answer" in unanswered.found


def test_a_fault_of_aws_is_no_silence(project: Project, ask: Ask) -> None:
    write(project, "staging", MACHINES, account="1" * 12)
    granted = Quotas(L_3819A6DF=error("InternalError"))
    with pytest.raises(ClientError):
        ask(capacity.SUBJECT, services={"ec2": EC2(), "service-quotas": granted})


def test_what_is_there_already_needs_no_more_room(project: Project, ask: Ask) -> None:
    write(project, "staging", 'network = { address_range = "10.20.0.0/16" }\n', account="1" * 12)
    mine = {"Tags": [{"Key": "environment", "Value": "staging"}]}
    full = EC2(vpcs=[mine, {}, {}, {}, {}], addresses=[mine])
    report = ask(capacity.SUBJECT, services={"ec2": full, "service-quotas": Quotas()})
    assert {one.status for one in report.values()} == {"pass"}
    others = EC2(vpcs=[{}] * 5)
    report = ask(capacity.SUBJECT, services={"ec2": others, "service-quotas": Quotas()})
    assert report["network-quota:VPCs per Region"].status == "fail"


def test_families_and_zones() -> None:
    kinds = ["g5.xlarge", "gr6.4xlarge", "vt1.3xlarge", "p5.48xlarge", "m7g.large", "c7gn.large"]
    assert [family(one) for one in kinds] == ["g", "g", "g", "p", "s", "s"]
    assert zones({}, "eu-west-1") == ("eu-west-1a", "eu-west-1b", "eu-west-1c")
    assert zones({"network": {"zones": ["x"]}}, "eu-west-1") == ("x",)
    assert list(fleets({"cluster": {"system_nodes": {}}, "batch": None})) == []


def test_buckets_of_a_plan_that_was_applied_are_ours(project: Project, ask: Ask) -> None:
    save_plan(project, change("aws_s3_bucket", bucket="ours"))
    (project.plan_folder("staging") / "plan.tfplan").unlink()
    report = ask(names.SUBJECT, services={"s3": Buckets()})
    assert not [name for name in report if name.startswith("bucket-name:ours")]
    assert {one.status for one in report.values()} == {"pass"}

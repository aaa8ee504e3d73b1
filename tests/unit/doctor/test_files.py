"""What can be found in the files alone: variables, placeholders, address ranges, support."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from glue.checks import runtimes
from glue.deploy.project import Project
from glue.doctor import addresses, configuration, support, tfvars
from glue.doctor.context import Context
from glue.errors import InputError, NotFound
from glue.kubernetes_versions import SUPPORT, Support
from tests.unit.doctor.files import Ask, save_plan, write

EVERYTHING = """
# A comment
text = "a \\"quoted\\" word"
number = -1.5
yes = true
nothing = null
list = ["a", 1]
map = { "key-1" = { inner = ["x"] }, other = "y" }
"""


def test_the_language_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tfvars"
    path.write_text(EVERYTHING)
    found = dict(tfvars.read(path))
    assert found["number"] == -1.5
    assert found["yes"] is True
    assert found["nothing"] is None
    assert found["list"] == ["a", 1]
    assert found["map"] == {"key-1": {"inner": ["x"]}, "other": "y"}
    assert "quoted" in found["text"]


def test_what_is_no_terraform(tmp_path: Path) -> None:
    path = tmp_path / "a.tfvars"
    path.write_text('a = "b\n')
    with pytest.raises(InputError, match=r"a\.tfvars: it is no Terraform"):
        tfvars.read(path)


def test_variables_of_the_root(project: Project) -> None:
    required = [one.name for one in tfvars.declared(project) if one.is_required]
    assert required == ["account_id", "environment", "packages", "prefix"]


def test_the_real_files_are_complete() -> None:
    """The doctor agrees with the repository's own root and environments."""
    here = Project.here()
    report = {r.id: r for r in configuration.ask(Context.of(here))}
    files = [one for name, one in report.items() if name.startswith("tfvars:")]
    assert [one.found for one in files if one.status != "pass"] == []
    assert len(files) >= 3


def test_a_context_without_environment_has_no_clients(project: Project) -> None:
    context = Context.of(project)
    assert context.target == "aws"
    with pytest.raises(NotFound, match="--env NAME"):
        context.aws("s3")


def test_a_plan_is_read_once(project: Project) -> None:
    context = Context.of(project)
    assert context.plan is None
    save_plan(project, name=context.environment)
    assert context.plan is None, "one run has one answer"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('environment = "staging"\naccount_id = "111111111111"\n', "missing: prefix"),
        ('environment = "prod"\naccount_id = "1"\nprefix = "a"\n', "it says it is prod"),
        ('account_id = "1"\nprefix = "a"\nhue = 1\n', "missing: environment; unknown: hue"),
        ("environment = ", "it is no Terraform"),
    ],
)
def test_files_that_are_not_complete(text: str, found: str, project: Project, ask: Ask) -> None:
    project.variables_file("staging").write_text(text)
    result = ask(configuration.SUBJECT, "")["tfvars:staging"]
    assert (result.status, result.severity) == ("fail", "critical")
    assert found in result.found


def test_files_that_are_complete(ask: Ask) -> None:
    report = ask(configuration.SUBJECT)
    assert {one.status for one in report.values()} == {"pass"}
    assert report["tfvars:staging"].found == "3 of 7 variables set"
    assert "tfvars:prod" not in report


@pytest.mark.parametrize(
    ("account", "more", "found"),
    [
        ("123456789012", "", "123456789012"),
        ("111111111111", 'network = { a = "subnet-0a1b2c3d4e5f60001" }', "subnet-0a1b2c3d"),
        ("111111111111", 'batch = { a = "x@example.org", b = "192.0.2.0/24" }', "192.0.2, example"),
    ],
)
def test_placeholders(account: str, more: str, found: str, project: Project, ask: Ask) -> None:
    write(project, "staging", more, account=account)
    result = ask(configuration.SUBJECT)["placeholders:staging"]
    assert result.status == "fail"
    assert found in result.found


def test_placeholders_do_for_a_rehearsal(
    project: Project, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "staging", account="123456789012")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert "placeholders:staging" not in ask(configuration.SUBJECT)


@pytest.mark.parametrize(
    ("account", "prefix", "status"),
    [
        ("222222222222", "staging-", "pass"),
        ("111111111111", "prod-", "pass"),
        ("111111111111", "staging-", "fail"),
    ],
)
def test_two_environments_in_one_account(
    account: str, prefix: str, status: str, project: Project, ask: Ask
) -> None:
    write(project, "prod", account=account, prefix=prefix)
    result = ask(configuration.SUBJECT)["apart:prod-staging"]
    assert result.status == status


def network(address_range: str) -> str:
    return f'network = {{ address_range = "{address_range}" }}\n'


@pytest.mark.parametrize(
    ("address_range", "status"),
    [
        ("10.20.0.0/16", "pass"),
        ("10.20.0.0/15", "fail"),
        ("10.20.0.0/29", "fail"),
        ("8.8.0.0/16", "fail"),
        ("10.20.0.1/16", "fail"),
        ("ten", "fail"),
    ],
)
def test_a_range_that_a_network_can_have(
    address_range: str, status: str, project: Project, ask: Ask
) -> None:
    write(project, "staging", network(address_range), account="1" * 12)
    assert ask(addresses.SUBJECT, "")["address-range:staging"].status == status


@pytest.mark.parametrize(
    ("other", "status"), [("10.20.128.0/17", "fail"), ("10.21.0.0/16", "pass")]
)
def test_networks_of_two_environments(other: str, status: str, project: Project, ask: Ask) -> None:
    write(project, "staging", network("10.20.0.0/16"), account="1" * 12)
    write(project, "prod", network(other), account="2" * 12)
    assert ask(addresses.SUBJECT, "")["environments-apart:prod-staging"].status == status


def vpcs(*entries: dict[str, Any]) -> dict[str, Any]:
    class EC2:
        @staticmethod
        def get_paginator(_: str) -> Any:
            return EC2

        @staticmethod
        def paginate() -> Any:
            return [{"Vpcs": entries}]

    return {"ec2": EC2}


def test_networks_of_the_account(project: Project, ask: Ask) -> None:
    write(project, "staging", network("10.20.0.0/16"), account="1" * 12)
    tags = {"project": "proving-ground", "environment": "staging"}
    ours = {
        "VpcId": "vpc-1",
        "CidrBlock": "10.20.0.0/16",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    other = {"VpcId": "vpc-2", "CidrBlock": "172.31.0.0/16"}
    good = ask(addresses.SUBJECT, services=vpcs(ours, other))["account-apart:eu-central-1"]
    assert (good.status, good.found) == ("pass", "1 others")
    second = {"CidrBlock": "10.20.4.0/24"}
    clash = other | {"CidrBlockAssociationSet": [{"CidrBlock": "172.31.0.0/16"}, second]}
    bad = ask(addresses.SUBJECT, services=vpcs(ours, clash))["account-apart:eu-central-1"]
    assert bad.status == "fail"
    assert "vpc-2 10.20.4.0/24" in bad.found


def test_an_environment_without_network(ask: Ask) -> None:
    assert ask(addresses.SUBJECT) == {}


def test_ends_of_support(project: Project, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    today = datetime.now(UTC).date()
    later = today + timedelta(days=365)
    for version, end in (("1.90", later), ("1.80", today)):
        monkeypatch.setitem(SUPPORT, version, Support(end, later))
    for version, status in (("1.90", "pass"), ("1.80", "fail"), ("1.70", "fail")):
        more = f'cluster = {{ kubernetes = {{ version = "{version}" }} }}\n'
        write(project, "staging", more, account="1" * 12)
        assert ask(support.SUBJECT)["kubernetes-support:staging"].status == status


def test_ends_of_the_runtime(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    (name,) = ask(support.SUBJECT)
    assert ask(support.SUBJECT)[name].status == "pass"
    monkeypatch.setitem(runtimes.DEPRECATED_ON, name.partition(":")[2], datetime.now(UTC).date())
    assert ask(support.SUBJECT)[name].status == "fail"
    monkeypatch.delitem(runtimes.DEPRECATED_ON, name.partition(":")[2])
    assert "nobody here knows" in ask(support.SUBJECT)[name].found

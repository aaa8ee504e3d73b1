"""Events, registries, roles and what AWS leaves behind."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.deploy.drain import events, registries, remains, roles
from glue.deploy.drain.context import is_absent, present
from tests.unit.deploy.drain.drains import Service, draining, error, failing, made

MAPPING = made(
    "aws_lambda_event_source_mapping", uuid="u", function_arn="arn:aws:lambda:eu-central-1:1:f"
)
RULE = made(
    "aws_cloudwatch_event_rule",
    name="nightly",
    event_bus_name="default",
    arn="arn:aws:events:eu-central-1:1:rule/nightly",
)
TARGET = made("aws_cloudwatch_event_target", rule="nightly", target_id="ours")


def test_what_is_absent() -> None:
    assert is_absent(error("ResourceNotFoundException"))
    assert not is_absent(error("AccessDenied"))
    assert present(failing("NoSuchEntity")) is None
    with pytest.raises(ClientError):
        present(failing("AccessDenied"))


def test_the_region_is_that_of_the_arn(monkeypatch: pytest.MonkeyPatch) -> None:
    from glue.deploy import tagged

    asked: list[str] = []
    monkeypatch.setattr(tagged, "client", lambda _e, _s, region: asked.append(region))
    context, _ = draining({})
    context.client("ecr", "arn:aws:ecr:us-east-1:1:repository/a")
    context.client("ecr")
    context.client("ecr", "short")
    assert asked == ["us-east-1", "", ""]


def test_triggers_are_stopped_and_foreign_targets_removed() -> None:
    functions = Service(get_event_source_mapping={"State": "Enabled"})
    rules = Service(
        describe_rule={"State": "ENABLED"},
        list_targets_by_rule={"Targets": [{"Id": "ours"}, {"Id": "by-hand"}]},
    )
    services = {"lambda": functions, "events": rules}
    context, lines = draining(services, MAPPING, RULE, TARGET)
    events.drain(context)
    assert functions.called("update_event_source_mapping") == [{"UUID": "u", "Enabled": False}]
    assert rules.called("disable_rule") == [{"Name": "nightly", "EventBusName": "default"}]
    assert rules.called("remove_targets")[0]["Ids"] == ["by-hand"]
    assert context.counts == {"stopped_triggers": 2}
    assert lines == ["rule nightly: 1 targets removed that Terraform never made"]


def test_triggers_that_are_off_or_gone() -> None:
    off = {
        "lambda": Service(get_event_source_mapping={"State": "Disabled"}),
        "events": Service(
            describe_rule={"State": "DISABLED"}, list_targets_by_rule={"Targets": []}
        ),
    }
    gone = {
        "lambda": Service(get_event_source_mapping=failing("ResourceNotFoundException")),
        "events": Service(describe_rule=failing("ResourceNotFoundException")),
    }
    for services in (off, gone):
        context, _ = draining(services, MAPPING, RULE, TARGET)
        events.drain(context)
        assert context.counts == {}
        assert not services["events"].called("remove_targets")


def registry(name: str, *, force: bool) -> dict[str, Any]:
    arn = f"arn:aws:ecr:eu-central-1:1:repository/{name}"
    return made("aws_ecr_repository", name=name, force_delete=force, arn=arn)


def test_registries_are_emptied() -> None:
    many = [{"imageDigest": f"sha256:{n}"} for n in range(150)]
    ecr = Service(list_images=[{"imageIds": many}, {"imageIds": many[:1]}])
    state = registry("open", force=True), registry("kept", force=False), registry("n", force=False)
    context, lines = draining({"ecr": ecr}, *state)
    registries.drain(context, ["n"])
    asked = ecr.called("batch_delete_image")
    assert [(one["repositoryName"], len(one["imageIds"])) for one in asked] == [
        ("open", 100),
        ("open", 51),
        ("n", 100),
        ("n", 51),
    ]
    assert context.counts == {"erased_images": 302}
    assert lines[0] == "registry open: 151 images erased"


def test_registries_without_images_or_gone() -> None:
    answers: tuple[Any, ...] = ({"imageIds": []}, failing("RepositoryNotFoundException"))
    for answer in answers:
        ecr = Service(list_images=answer)
        context, lines = draining({"ecr": ecr}, registry("open", force=True))
        registries.drain(context)
        assert lines == []
        assert not ecr.called("batch_delete_image")


def test_policies_attached_by_hand_come_off() -> None:
    iam = Service(
        list_attached_role_policies={
            "AttachedPolicies": [
                {"PolicyArn": "arn:ours", "PolicyName": "ours"},
                {"PolicyArn": "arn:by-hand", "PolicyName": "by-hand"},
            ]
        },
        list_role_policies={"PolicyNames": ["function", "evil"]},
    )
    state = (
        made("aws_iam_role", name="serve"),
        made("aws_iam_role_policy_attachment", role="serve", policy_arn="arn:ours"),
        made("aws_iam_role_policy", role="serve", name="function"),
    )
    context, lines = draining({"iam": iam}, *state)
    roles.drain(context)
    assert iam.called("detach_role_policy") == [{"RoleName": "serve", "PolicyArn": "arn:by-hand"}]
    assert iam.called("delete_role_policy") == [{"RoleName": "serve", "PolicyName": "evil"}]
    assert context.counts == {"policies_made_by_hand_removed": 2}
    assert len(lines) == 2
    gone = Service(
        list_attached_role_policies=failing("NoSuchEntity"),
        list_role_policies=failing("NoSuchEntity"),
    )
    context, lines = draining({"iam": gone}, *state)
    roles.drain(context)
    assert lines == []


def interface(name: str, text: str) -> dict[str, str]:
    return {"NetworkInterfaceId": name, "Description": text}


NETWORK = made("aws_vpc", id="vpc-1", arn="arn:aws:ec2:eu-central-1:1:vpc/vpc-1")


def test_interfaces_that_nothing_uses() -> None:
    found = [
        interface("eni-1", "AWS Lambda VPC ENI-serve-api"),
        interface("eni-2", "Amazon EKS staging"),
        interface("eni-3", "somebody's own"),
    ]
    ec2 = Service(describe_network_interfaces=[{"NetworkInterfaces": found}])
    context, lines = draining({"ec2": ec2}, NETWORK)
    remains.release_interfaces(context)
    asked = [one["NetworkInterfaceId"] for one in ec2.called("delete_network_interface")]
    assert asked == ["eni-1", "eni-2"]
    assert context.counts == {"released_interfaces": 2}
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("code", "told"), [("InvalidParameterValue", 1), ("InvalidNetworkInterfaceID.NotFound", 0)]
)
def test_interfaces_that_stay(code: str, told: int) -> None:
    ec2 = Service(
        describe_network_interfaces=[{"NetworkInterfaces": [interface("e", "Amazon EKS c")]}],
        delete_network_interface=failing(code),
    )
    context, lines = draining({"ec2": ec2}, NETWORK)
    remains.release_interfaces(context)
    assert context.counts == {}
    assert len(lines) == told


def test_log_groups_that_came_back() -> None:
    logs = Service(
        describe_log_groups={"logGroups": [{"logGroupName": "/a"}, {"logGroupName": "/a/b"}]}
    )
    groups = [made("aws_cloudwatch_log_group", name=name) for name in ("/a", "/")]
    context, lines = draining({"logs": logs}, *groups)
    remains.delete_log_groups(context)
    assert logs.called("delete_log_group") == [{"logGroupName": "/a"}]
    assert lines == ["log group /a: a late call had made it anew, deleted"]

"""How what a killed apply was making is found in AWS: each type, by one of its kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.deploy.environments import Environment
from glue.deploy.recovery import search
from glue.deploy.recovery.adoption import (
    Traces,
    belongs_to_parts,
    is_named_otherwise,
    is_repeatable,
    one_of,
    traces,
)
from glue.deploy.recovery.kinds import KINDS
from glue.deploy.recovery.parts import PARTS, REPEATABLE
from glue.deploy.recovery.search import Search, Wanted
from glue.deploy.tagged import Tagged

TAGS = {"project": "proving-ground", "environment": "staging"}
Answers = dict[str, Any]


class Cloud:
    """What AWS answers: by operation an answer or an error, and what carries our tags."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.tagged: list[Tagged] = []
        self.going: set[str] = set()
        self.other: list[dict[str, Any]] = []

    def answer(self, operation: str) -> Any:
        answer = self.answers[operation]
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": "no"}}, operation)
        return answer

    def __getattr__(self, operation: str) -> Any:
        return lambda **_: self.answer(operation)

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [self.answer(operation)])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    monkeypatch.setattr(search, "client", lambda *_: made)
    monkeypatch.setattr(search, "tagged", lambda _: made.tagged)
    monkeypatch.setattr(search, "other_states", lambda _: made.other)
    monkeypatch.setattr(search, "going", lambda _, one: "soon" if one.arn in made.going else None)
    return made


@pytest.fixture
def staging(ground: Any) -> Environment:
    made: Environment = ground.environment()
    return made


def state_of(**resources: dict[str, Any]) -> dict[str, Any]:
    """A state of `module__type__name__key`s and their attributes."""
    listed = []
    for name, values in resources.items():
        module, kind, given, key = [*name.split("__"), ""][:4]
        instance = {"attributes": values} | ({"index_key": key} if key else {})
        listed.append({
            "mode": "managed", "type": kind, "name": given, "instances": [instance],
            **({"module": f"module.{module}"} if module else {}),
        })  # fmt: skip
    return {"resources": listed}


def find(
    staging: Environment, wanted: Wanted, state: dict[str, Any] | None = None
) -> tuple[str, ...]:
    [found] = traces(Search(staging, state or {}), [wanted])
    return found.import_ids


TEMPLATES = {"LaunchTemplates": [{"LaunchTemplateName": "n"}]}
NODES = {"nodegroupName": "g-1", "capacityType": "SPOT", "instanceTypes": ["a"]}
IDENTITY = {"namespace": "s", "serviceAccount": "a"}
ENTRY = "access-entry/c/role/1/r/uuid"
ENTRIES = {
    "list_access_entries": {"accessEntries": ["arn:r"]},
    "describe_access_entry": {"accessEntry": {"accessEntryArn": f"arn:aws:eks:r:1:{ENTRY}"}},
}
RULES = {"SecurityGroupRules": [{"Description": "d"}]}
# By type: an ARN, what is planned, what AWS says, what is imported, what another has planned.
CASES: dict[str, tuple[str, Answers, Answers, str, Answers]] = {
    "aws_acm_certificate": (
        "acm:r:1:certificate/u", {"domain_name": "a.b"},
        {"describe_certificate": {"Certificate": {"DomainName": "a.b"}}},
        "arn:aws:acm:r:1:certificate/u", {"domain_name": "c"},
    ),
    "aws_api_gateway_rest_api": (
        "apigateway:r::/restapis/a", {"name": "n"}, {"get_rest_api": {"name": "n"}}, "a",
        {"name": "m"},
    ),
    "aws_api_gateway_stage": (
        "apigateway:r::/restapis/a/stages/v1", {"stage_name": "v1"}, {}, "a/v1",
        {"stage_name": "v2"},
    ),
    "aws_api_gateway_usage_plan": (
        "apigateway:r::/usageplans/p", {"name": "n"}, {"get_usage_plan": {"name": "n"}}, "p",
        {"name": "m"},
    ),
    "aws_batch_compute_environment": (
        "batch:r:1:compute-environment/c", {}, {}, "c", {"name": "d"},
    ),
    "aws_batch_job_definition": (
        "batch:r:1:job-definition/j:2", {"name": "j"}, {}, "arn:aws:batch:r:1:job-definition/j:2",
        {"name": "k"},
    ),
    "aws_batch_job_queue": (
        "batch:r:1:job-queue/q", {"name": "q"}, {}, "arn:aws:batch:r:1:job-queue/q", {"name": "p"},
    ),
    "aws_cloudfront_distribution": (
        "cloudfront::1:distribution/E1", {"comment": "c"},
        {"get_distribution_config": {"DistributionConfig": {"Comment": "c"}}}, "E1",
        {"comment": "d"},
    ),
    "aws_cloudwatch_log_group": (
        "logs:r:1:log-group:/a/b", {"name": "/a/b"}, {}, "/a/b", {"name": "/a"},
    ),
    "aws_cognito_user_pool": (
        "cognito-idp:r:1:userpool/r_1", {"name": "n"},
        {"describe_user_pool": {"UserPool": {"Name": "n"}}}, "r_1", {"name": "m"},
    ),
    "aws_dynamodb_table": ("dynamodb:r:1:table/t", {"name": "t"}, {}, "t", {"name": "u"}),
    "aws_ecr_repository": ("ecr:r:1:repository/a/b", {"name": "a/b"}, {}, "a/b", {"name": "b"}),
    "aws_eks_access_entry": (f"eks:r:1:{ENTRY}", {}, ENTRIES, "c:arn:r", {"tags_all": {"a": "b"}}),
    "aws_eks_addon": (
        "eks:r:1:addon/c/dns/uuid", {"addon_name": "dns"}, {}, "c:dns", {"addon_name": "cni"},
    ),
    "aws_eks_cluster": ("eks:r:1:cluster/c", {"name": "c"}, {}, "c", {"name": "d"}),
    "aws_eks_node_group": (
        "eks:r:1:nodegroup/c/g-1/uuid", {"capacity_type": "SPOT", "instance_types": ["a"]},
        {"describe_nodegroup": {"nodegroup": NODES}}, "c:g-1", {"instance_types": ["b"]},
    ),
    "aws_eks_pod_identity_association": (
        "eks:r:1:podidentityassociation/c/a-1", {"namespace": "s", "service_account": "a"},
        {"describe_pod_identity_association": {"association": IDENTITY}}, "c,a-1",
        {"service_account": "b"},
    ),
    "aws_iam_role": ("iam::1:role/path/r", {"name": "r"}, {}, "r", {"name": "path"}),
    "aws_iam_user": ("iam::1:user/path/u", {"name": "u"}, {}, "u", {"name": "path"}),
    "aws_kms_key": (
        "kms:r:1:key/k", {"description": "d"},
        {"describe_key": {"KeyMetadata": {"Description": "d"}}}, "k", {"description": "e"},
    ),
    "aws_lambda_function": (
        "lambda:r:1:function:f", {"function_name": "f"}, {}, "f", {"function_name": "g"},
    ),
    "aws_launch_template": (
        "ec2:r:1:launch-template/lt-1", {"name": "n"}, {"describe_launch_templates": TEMPLATES},
        "lt-1", {"name": "m"},
    ),
    "aws_redshiftserverless_namespace": (
        "redshift-serverless:r:1:namespace/u", {"namespace_name": "n"},
        {"list_namespaces": {"namespaces": [
            {"namespaceName": "n", "namespaceArn": "arn:aws:redshift-serverless:r:1:namespace/u"},
        ]}}, "n", {"namespace_name": "m"},
    ),
    "aws_redshiftserverless_workgroup": (
        "redshift-serverless:r:1:workgroup/u", {"workgroup_name": "n"},
        {"list_workgroups": {"workgroups": [
            {"workgroupName": "n", "workgroupArn": "arn:aws:redshift-serverless:r:1:workgroup/u"},
        ]}}, "n", {"workgroup_name": "m"},
    ),
    "aws_route53_zone": (
        "route53:::hostedzone/Z", {"name": "a.b"},
        {"get_hosted_zone": {"HostedZone": {"Name": "a.b."}}}, "Z", {"name": "b"},
    ),
    "aws_s3_bucket": ("s3:::b", {"bucket": "b"}, {"get_bucket_tagging": {}}, "b", {"bucket": "c"}),
    "aws_secretsmanager_secret": (
        "secretsmanager:r:1:secret:s-a-AbCdEf", {"name": "s-a"}, {},
        "arn:aws:secretsmanager:r:1:secret:s-a-AbCdEf", {"name": "s"},
    ),
    "aws_sfn_state_machine": (
        "states:r:1:stateMachine:m", {"name": "m"}, {}, "arn:aws:states:r:1:stateMachine:m",
        {"name": "n"},
    ),
    "aws_sns_topic": ("sns:r:1:t", {"name": "t"}, {}, "arn:aws:sns:r:1:t", {"name": "u"}),
    "aws_sqs_queue": (
        "sqs:r:1:q", {"name": "q"}, {"get_queue_url": {"QueueUrl": "https://q"}}, "https://q",
        {"name": "p"},
    ),
    "aws_vpc_endpoint": (
        "ec2:r:1:vpc-endpoint/vpce-1", {"service_name": "s3"},
        {"describe_vpc_endpoints": {"VpcEndpoints": [{"ServiceName": "s3"}]}}, "vpce-1",
        {"service_name": "sqs"},
    ),
    **{
        f"aws_vpc_security_group_{way}_rule": (
            "ec2:r:1:security-group-rule/sgr-1", {"description": "d"},
            {"describe_security_group_rules": RULES}, "sgr-1", {"description": "e"},
        )
        for way in ("ingress", "egress")
    },
    **{
        kind: (
            f"{service}:{resource}/x-1", {"tags_all": {"Name": "n"}}, {}, "x-1",
            {"tags_all": {"Name": "m"}},
        )
        for kind, service, resource in (
            ("aws_eip", "ec2:r:1", "elastic-ip"), ("aws_flow_log", "ec2:r:1", "vpc-flow-log"),
            ("aws_instance", "ec2:r:1", "instance"), ("aws_vpc", "ec2:r:1", "vpc"),
            ("aws_internet_gateway", "ec2:r:1", "internet-gateway"),
            ("aws_nat_gateway", "ec2:r:1", "natgateway"),
            ("aws_network_interface", "ec2:r:1", "network-interface"),
            ("aws_route53_health_check", "route53::", "healthcheck"),
            ("aws_route_table", "ec2:r:1", "route-table"), ("aws_subnet", "ec2:r:1", "subnet"),
            ("aws_security_group", "ec2:r:1", "security-group"),
        )
    },
}  # fmt: skip


def test_each_type_is_tried_and_has_one_way() -> None:
    assert set(CASES) == set(KINDS)
    assert not set(KINDS) & set(PARTS)
    assert not REPEATABLE & (set(KINDS) | set(PARTS))
    assert is_repeatable('module.a["x.y"].aws_iam_role_policy.p')
    assert not is_repeatable("aws_iam_role.aws_iam_role_policy")
    assert is_named_otherwise("aws_route.a[0]")
    assert is_named_otherwise("aws_api_gateway_stage.a")
    assert not is_named_otherwise("aws_vpc.a")
    assert belongs_to_parts("aws_api_gateway_method.a")
    assert not belongs_to_parts("aws_api_gateway_resource.a")


@pytest.mark.parametrize("kind", sorted(CASES))
def test_one_of_each_type_is_found(staging: Environment, cloud: Cloud, kind: str) -> None:
    arn, planned, cloud.answers, expected, other = CASES[kind]
    wanted = Wanted(f"module.x[0].{kind}.this", {"tags_all": TAGS, **planned})
    assert find(staging, wanted) == ()
    tags = TAGS | {"Name": "n"}
    cloud.tagged = [Tagged(f"arn:aws:{arn}", tags), Tagged("arn:aws:x:r:1:y", tags)]
    assert find(staging, wanted) == (expected,)
    assert find(staging, Wanted(wanted.address, {"tags_all": TAGS, **other})) == ()
    assert find(staging, Wanted(wanted.address, {})) == (), "nothing is known of it"


def test_what_is_known_going_or_somebody_elses_is_left_alone(
    staging: Environment, cloud: Cloud
) -> None:
    wanted = Wanted("aws_vpc.this", {"tags_all": TAGS})
    one = Tagged("arn:aws:ec2:r:1:vpc/vpc-12345678", TAGS)
    cloud.tagged = [one]
    assert find(staging, wanted) == ("vpc-12345678",)
    assert find(staging, wanted, state_of(__aws_vpc__a={"id": "vpc-12345678"})) == ()
    cloud.other = [state_of(__aws_vpc__a={"id": "vpc-12345678"})]
    assert find(staging, wanted) == ()
    cloud.other, cloud.going = [], {one.arn}
    assert find(staging, wanted) == ()
    cloud.going = set()
    cloud.tagged = [one._replace(tags=TAGS | {"aws:eks:cluster-name": "c"})]
    assert find(staging, wanted) == ()


def test_two_of_a_kind_are_certain_for_nobody(staging: Environment, cloud: Cloud) -> None:
    cloud.tagged = [Tagged(f"arn:aws:ec2:r:1:vpc/vpc-{n}", TAGS) for n in (1, 2)]
    a, b = (Wanted(f"aws_vpc.{name}", {"tags_all": TAGS}) for name in "ab")
    assert traces(Search(staging, {}), [a]) == [
        Traces("aws_vpc.a", ("vpc-1", "vpc-2"), tuple(one.arn for one in cloud.tagged))
    ]
    cloud.tagged.pop()
    assert [one.is_certain for one in traces(Search(staging, {}), [a, b])] == [False, False]
    assert [one.is_certain for one in traces(Search(staging, {}), [a])] == [True]


def test_a_role_and_a_function_of_one_name(staging: Environment, cloud: Cloud) -> None:
    cloud.tagged = [Tagged("arn:aws:iam::1:role/n", TAGS),
                    Tagged("arn:aws:lambda:r:1:function:n", TAGS)]  # fmt: skip
    wanted = [Wanted("aws_iam_role.a", {"name": "n"}),
              Wanted("aws_lambda_function.a", {"function_name": "n"})]  # fmt: skip
    assert [one.is_certain for one in traces(Search(staging, {}), wanted)] == [True, True]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [({"TagSet": []}, ()), ("NoSuchTagSet", ("b",)), ("NoSuchBucket", ()), ("AccessDenied", ())],
)
def test_a_bucket_that_has_no_tags_yet(
    staging: Environment, cloud: Cloud, answer: Any, expected: tuple[str, ...]
) -> None:
    cloud.answers = {"get_bucket_tagging": answer}
    assert find(staging, Wanted("aws_s3_bucket.b", {"bucket": "b", "tags_all": TAGS})) == expected


def test_what_cannot_be_asked_is_said(staging: Environment, cloud: Cloud) -> None:
    cloud.answers = {"get_authorizers": "AccessDenied", "describe_key": "AccessDenied"}
    wanted = Wanted("aws_api_gateway_authorizer.a", {"rest_api_id": "a", "name": "n"})
    [found] = traces(Search(staging, {}), [wanted])
    assert not found.import_ids
    assert not found.is_certain
    assert "AWS could not be asked: " in found.names[0]
    assert one_of(Search(staging, {}), wanted, "id") == "id"
    cloud.tagged = [Tagged("arn:aws:kms:r:1:key/k", TAGS)]
    assert find(staging, Wanted("aws_kms_key.k", {"description": "d"})) == ()


def test_a_kind_that_is_not_looked_for_is_said(staging: Environment) -> None:
    [found] = traces(Search(staging, {}), [Wanted("aws_new_thing.a", {"name": "n"})])
    assert found == Traces("aws_new_thing.a", (), ("of a kind that is not looked for",))


def test_an_id_in_a_log_is_made_whole(staging: Environment, cloud: Cloud) -> None:
    arn = "arn:aws:eks:r:1:podidentityassociation/c/a-"
    cloud.tagged = [Tagged(f"{arn}{n}", TAGS) for n in (1, 2)]
    cloud.answers = {"describe_pod_identity_association": {"association": IDENTITY}}
    wanted = Wanted("aws_eks_pod_identity_association.a", {"service_account": "a"})
    assert one_of(Search(staging, {}), wanted, "a-2") == "c,a-2"

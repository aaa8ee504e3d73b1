"""GetResources finds what is tagged, and no longer when it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from glue.local.clients import LocalSession

TAGS = {"project": "tagging-test"}
PAIRS = [{"Key": key, "Value": value} for key, value in TAGS.items()]


def found(client: Any) -> set[str]:
    """Return what carries the tag, each as service and kind."""
    filters = [{"Key": "project", "Values": ["tagging-test"]}]
    pages = client.get_paginator("get_resources").paginate(TagFilters=filters)
    return {one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]}


def specification(kind: str) -> Any:
    return [{"ResourceType": kind, "Tags": PAIRS}]


def test_what_is_tagged_is_found_until_it_is_gone(session: LocalSession) -> None:
    home = session.client("resourcegroupstaggingapi")
    far = boto3.client(
        "resourcegroupstaggingapi",
        region_name="us-east-1",
        endpoint_url=session.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    assert found(home) == found(far) == set()
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=specification("vpc"))
    network = vpc["Vpc"]["VpcId"]
    group = ec2.create_security_group(
        GroupName="g", Description="d", VpcId=network,
        TagSpecifications=specification("security-group"),
    )["GroupId"]  # fmt: skip
    rule = ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 1,
                "ToPort": 1,
                "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
            }
        ],
        TagSpecifications=specification("security-group-rule"),
    )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    logs = session.client("logs")
    logs.create_log_group(logGroupName="/tagging", tags=TAGS)
    alarms = session.client("cloudwatch")
    alarms.put_metric_alarm(
        AlarmName="tagging", Namespace="n", MetricName="m", Period=60, EvaluationPeriods=1,
        Statistic="Sum", Threshold=1, ComparisonOperator="GreaterThanThreshold", Tags=PAIRS,
    )  # fmt: skip
    gateway = session.client("apigateway")
    api = gateway.create_rest_api(name="tagging", tags=TAGS)["id"]
    plan = gateway.create_usage_plan(name="tagging", tags=TAGS)["id"]
    key = gateway.create_api_key(name="tagging", tags=TAGS)["id"]
    secrets = session.client("secretsmanager")
    secret = secrets.create_secret(Name="tagging", SecretString="s", Tags=PAIRS)["ARN"]
    machines = session.client("autoscaling")
    certificate = session.client("acm").request_certificate(
        DomainName="tagging.example.org", ValidationMethod="DNS", Tags=PAIRS
    )["CertificateArn"]
    names = session.client("route53")
    zone = names.create_hosted_zone(Name="tagging.example.org", CallerReference="1")
    name = zone["HostedZone"]["Id"].rpartition("/")[2]
    names.change_tags_for_resource(ResourceType="hostedzone", ResourceId=name, AddTags=PAIRS)
    root = "arn:aws:ec2:eu-central-1:000000000000:"
    everything = {
        f"{root}vpc/{network}",
        f"{root}security-group/{group}",
        f"{root}security-group-rule/{rule}",
        "arn:aws:logs:eu-central-1:000000000000:log-group:/tagging",
        "arn:aws:cloudwatch:eu-central-1:000000000000:alarm:tagging",
        f"arn:aws:apigateway:eu-central-1::/restapis/{api}",
        f"arn:aws:apigateway:eu-central-1::/usageplans/{plan}",
        f"arn:aws:apigateway:eu-central-1::/apikeys/{key}",
        secret,
        certificate,
    }
    assert found(home) == everything
    assert found(far) == {f"arn:aws:route53:::hostedzone/{name}"}
    assert machines.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=network)
    logs.delete_log_group(logGroupName="/tagging")
    alarms.delete_alarms(AlarmNames=["tagging"])
    gateway.delete_rest_api(restApiId=api)
    gateway.delete_usage_plan(usagePlanId=plan)
    gateway.delete_api_key(apiKey=key)
    secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    session.client("acm").delete_certificate(CertificateArn=certificate)
    names.delete_hosted_zone(Id=name)
    assert found(home) == found(far) == set()

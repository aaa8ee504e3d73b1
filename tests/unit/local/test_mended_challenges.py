"""What leaderboards ask of the running local cloud: alarms on metrics, contents, EvalAI's user."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from glue.local.mends.alarm_metrics import as_one_metric, element, queries_of
from glue.local.mends.cloudfront import without_empty_lists
from tests.unit.local.conftest import eventually
from tests.unit.local.test_mended_cloudwatch import query, state_of
from tests.unit.local.test_mended_eks import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.local.clients import LocalSession
    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

STAT: dict[str, Any] = {
    "Metric": {
        "Namespace": "ProvingGround", "MetricName": "SubmissionsStuck",
        "Dimensions": [{"Name": "leaderboard", "Value": "leaderboard-10"}],
    },
    "Period": 60, "Stat": "Sum",
}  # fmt: skip
FLAT = {
    "Metrics.member.1.Id": "failed",
    "Metrics.member.1.ReturnData": "false",
    "Metrics.member.1.MetricStat.Metric.Namespace": "ProvingGround",
    "Metrics.member.1.MetricStat.Metric.MetricName": "SubmissionsFailed",
    "Metrics.member.1.MetricStat.Metric.Dimensions.member.2.Name": "leaderboard",
    "Metrics.member.1.MetricStat.Metric.Dimensions.member.2.Value": "leaderboard-10",
    "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Name": "environment",
    "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Value": "local",
    "Metrics.member.1.MetricStat.Period": "21600",
    "Metrics.member.1.MetricStat.Stat": "Sum",
    "Metrics.member.1.MetricStat.Unit": "Count",
    "Metrics.member.2.Id": "rate",
    "Metrics.member.2.Label": "failed of a hundred",
    "Metrics.member.2.Expression": "100 * failed",
    "Metrics.member.2.Period": "60",
}


class TestAlarmsOnMetrics:
    def test_a_request_is_read_whole(self) -> None:
        failed, rate = queries_of(FLAT | {"AlarmName": "one"})
        assert failed == {
            "Id": "failed",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "ProvingGround",
                    "MetricName": "SubmissionsFailed",
                    "Dimensions": [
                        {"Name": "environment", "Value": "local"},
                        {"Name": "leaderboard", "Value": "leaderboard-10"},
                    ],
                },
                "Period": 21600,
                "Stat": "Sum",
                "Unit": "Count",
            },
        }
        assert rate == {
            "Id": "rate", "Label": "failed of a hundred", "Expression": "100 * failed",
            "ReturnData": True, "Period": 60,
        }  # fmt: skip
        assert queries_of({"Metrics.member.1.Id": ["listed"]})[0]["Id"] == "listed"

    def test_it_is_written_as_it_came(self) -> None:
        assert element("Metrics", [{"Id": "a<b", "ReturnData": False}]) == (
            "<Metrics><member><Id>a&lt;b</Id><ReturnData>false</ReturnData></member></Metrics>"
        )

    def test_only_one_metric_stands_for_itself(self) -> None:
        one = {"Id": "stuck", "MetricStat": STAT}
        alarm = as_one_metric({"AlarmName": "a", "Metrics": [one]})
        assert alarm is not None
        assert (alarm["MetricName"], alarm["Period"]) == ("SubmissionsStuck", 60)
        assert as_one_metric({"Metrics": [one, one]}) is None
        assert as_one_metric({"Metrics": [{"Id": "rate", "Expression": "1"}]}) is None

    def test_terraform_finds_what_it_wrote(self, cloud: Cloud, session: LocalSession) -> None:
        session.client("cloudwatch")
        given = {"AlarmName": "failed-rate", "EvaluationPeriods": "1", "Threshold": "50"}
        given |= {"ComparisonOperator": "GreaterThanThreshold", "Action": "PutMetricAlarm"}
        query(cloud, given | FLAT)

        root = query(cloud, {"Action": "DescribeAlarms", "AlarmNames.member.1": "failed-rate"})

        ids = [one.text for one in root.iterfind(".//{*}Metrics/{*}member/{*}Id")]
        assert ids == ["failed", "rate"]
        [alarm] = root.iterfind(".//{*}MetricAlarms/{*}member")
        assert {child.tag.rpartition("}")[2] for child in alarm}.isdisjoint({"Period", "Statistic"})

    def test_an_alarm_on_one_metric_goes_off(self, session: LocalSession) -> None:
        cloudwatch = session.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName="stuck", EvaluationPeriods=1, Threshold=0,
            ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching",
            Metrics=[{"Id": "stuck", "ReturnData": True, "MetricStat": STAT}],
        )  # fmt: skip
        eventually(lambda: state_of(session, "stuck") == "OK")
        described = cloudwatch.describe_alarms(AlarmNames=["stuck"])["MetricAlarms"][0]
        cloudwatch.put_metric_data(
            Namespace="ProvingGround",
            MetricData=[
                {
                    "MetricName": "SubmissionsStuck", "Value": 1, "Timestamp": time.time(),
                    "Dimensions": STAT["Metric"]["Dimensions"],
                }
            ],
        )  # fmt: skip

        assert described["Metrics"][0]["MetricStat"] == STAT
        assert eventually(lambda: state_of(session, "stuck") == "ALARM")

    def test_an_alarm_on_a_calculation_stays_as_it_is(self, session: LocalSession) -> None:
        cloudwatch = session.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName="rate", EvaluationPeriods=1, Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            Metrics=[{"Id": "rate", "Expression": "1 + 1", "ReturnData": True}],
        )  # fmt: skip
        assert state_of(session, "rate") == "INSUFFICIENT_DATA"


CONFIG: dict[str, Any] = {
    "CallerReference": "mended", "Comment": "contents", "Enabled": False,
    "Origins": {"Quantity": 1, "Items": [{
        "Id": "contents", "DomainName": "contents.s3.eu-central-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }]},
    "DefaultCacheBehavior": {
        "TargetOriginId": "contents", "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    },
}  # fmt: skip


class TestContents:
    def test_empty_lists_are_left_out(self) -> None:
        text = "<C><CustomHeadersConfig><Quantity>{}</Quantity></CustomHeadersConfig><Name/></C>"
        empty, full = (ET.fromstring(text.format(count)) for count in (0, 1))
        for config in (empty, full):
            without_empty_lists(config)
        assert [child.tag for child in empty] == ["Name"]
        assert [child.tag for child in full] == ["CustomHeadersConfig", "Name"]

    def test_a_policy_has_the_parts_it_was_given(self, session: LocalSession) -> None:
        cloudfront = session.client("cloudfront")
        options = {"FrameOptions": {"Override": True, "FrameOption": "DENY"}}
        made = cloudfront.create_response_headers_policy(
            ResponseHeadersPolicyConfig={"Name": "mended", "SecurityHeadersConfig": options}
        )["ResponseHeadersPolicy"]

        shown = cloudfront.get_response_headers_policy(Id=made["Id"])["ResponseHeadersPolicy"]
        config = cloudfront.get_response_headers_policy_config(Id=made["Id"])

        for found in (shown["ResponseHeadersPolicyConfig"], config["ResponseHeadersPolicyConfig"]):
            assert found["SecurityHeadersConfig"] == options
            assert not {"CustomHeadersConfig", "RemoveHeadersConfig"} & set(found)

    def test_the_tagging_service_forgets_what_is_deleted(self, session: LocalSession) -> None:
        cloudfront = session.client("cloudfront")
        tags = {"Items": [{"Key": "mended", "Value": "contents"}]}
        made = cloudfront.create_distribution_with_tags(
            DistributionConfigWithTags={"DistributionConfig": CONFIG, "Tags": tags}
        )

        def named() -> list[str]:
            answer = session.client("resourcegroupstaggingapi").get_resources(
                TagFilters=[{"Key": "mended", "Values": ["contents"]}]
            )
            return [one["ResourceARN"] for one in answer["ResourceTagMappingList"]]

        identifier = made["Distribution"]["Id"]
        before = named()
        wrong = refusal(cloudfront.delete_distribution, Id=identifier, IfMatch="another")
        kept = named()
        cloudfront.delete_distribution(Id=identifier, IfMatch=made["ETag"])

        assert before == kept == [made["Distribution"]["ARN"]]
        assert wrong == "PreconditionFailed"
        assert named() == []


@pytest.fixture
def network(session: LocalSession) -> Iterator[tuple[str, str]]:
    """A VPC and a subnet of it."""
    ec2: Any = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.1.0/24")["Subnet"]["SubnetId"]
    yield vpc, subnet
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def test_a_clusters_group_comes_and_goes_with_it(
    session: LocalSession, network: tuple[str, str]
) -> None:
    vpc, subnet = network
    iam, eks, ec2 = (session.client(name) for name in ("iam", "eks", "ec2"))
    role = iam.create_role(RoleName="grouped", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    made = eks.create_cluster(
        name="grouped", version="1.36", roleArn=role, resourcesVpcConfig={"subnetIds": [subnet]}
    )["cluster"]["resourcesVpcConfig"]
    identifier = made["clusterSecurityGroupId"]

    described = eks.describe_cluster(name="grouped")["cluster"]["resourcesVpcConfig"]
    [group] = ec2.describe_security_groups(GroupIds=[identifier])["SecurityGroups"]
    ec2.authorize_security_group_ingress(
        GroupId=identifier,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
             "IpRanges": [{"CidrIp": "10.99.1.0/24"}]}
        ],
    )  # fmt: skip
    rules = ec2.describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [identifier]}]
    )["SecurityGroupRules"]
    eventually(lambda: eks.describe_cluster(name="grouped")["cluster"]["status"] == "ACTIVE")
    eks.delete_cluster(name="grouped")
    iam.delete_role(RoleName="grouped")

    assert (made["vpcId"], described["vpcId"], group["VpcId"]) == (vpc, vpc, vpc)
    assert described["clusterSecurityGroupId"] == identifier
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
    assert tags["aws:eks:cluster-name"] == "grouped"
    assert any(rule.get("FromPort") == 443 for rule in rules)
    missing = refusal(ec2.describe_security_groups, GroupIds=[identifier])
    assert missing == "InvalidGroup.NotFound"


def test_a_user_has_no_credentials_of_other_kinds(session: LocalSession) -> None:
    iam = session.client("iam")
    iam.create_user(UserName="sender")
    none = {
        "SSHPublicKeys": iam.list_ssh_public_keys(UserName="sender"),
        "ServiceSpecificCredentials": iam.list_service_specific_credentials(UserName="sender"),
        "Certificates": iam.list_signing_certificates(UserName="sender"),
    }
    iam.delete_user(UserName="sender")

    assert [answer[name] for name, answer in none.items()] == [[], [], []]
    assert refusal(iam.list_ssh_public_keys, UserName="sender") == "NoSuchEntity"

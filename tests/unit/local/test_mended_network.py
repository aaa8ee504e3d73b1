"""Networks of the running local cloud: flow logs, endpoints, security groups, route tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from glue.local.mends.ec2_flow_logs import DEFAULT_FORMAT, describe, details

if TYPE_CHECKING:
    from glue.local.clients import LocalSession

ROLE = "arn:aws:iam::000000000000:role/flow-logs"
GROUP = "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/vpc/test"
NAMED = [{"Key": "Name", "Value": "test"}]


@pytest.fixture
def ec2(session: LocalSession) -> Any:
    return session.client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    made: str = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    return made


class TestDetailsOfFlowLogs:
    def test_what_is_not_given_has_its_default(self) -> None:
        assert details({}) == {
            "LogFormat": DEFAULT_FORMAT,
            "MaxAggregationInterval": "600",
            "DeliverLogsStatus": "SUCCESS",
        }
        assert DEFAULT_FORMAT.startswith("${version} ${account-id}")

    @pytest.mark.parametrize("destination", [GROUP, f"{GROUP}:*"])
    def test_the_log_group_is_named_after_its_arn(self, destination: str) -> None:
        assert details({"LogDestination": destination})["LogGroupName"] == "/aws/vpc/test"

    def test_a_bucket_has_no_log_group(self) -> None:
        kept = details({"LogDestination": "arn:aws:s3:::logs", "LogFormat": "${srcaddr}"})
        assert "LogGroupName" not in kept
        assert kept["LogFormat"] == "${srcaddr}"

    def test_text_is_escaped(self) -> None:
        shown = describe({"FlowLogId": "fl-1", "LogFormat": "<&>"}, "<tagSet/>")
        assert shown == (
            "<item><flowLogId>fl-1</flowLogId><logFormat>&lt;&amp;&gt;</logFormat><tagSet/></item>"
        )


@pytest.mark.local
class TestFlowLogs:
    def test_it_is_described_as_it_was_made(self, ec2: Any, vpc: str) -> None:
        made = ec2.create_flow_logs(
            ResourceIds=[vpc],
            ResourceType="VPC",
            TrafficType="REJECT",
            LogDestination=GROUP,
            DeliverLogsPermissionArn=ROLE,
            MaxAggregationInterval=60,
            TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": NAMED}],
        )
        (log,) = ec2.describe_flow_logs(FlowLogIds=made["FlowLogIds"])["FlowLogs"]
        assert log["DeliverLogsPermissionArn"] == ROLE
        assert log["MaxAggregationInterval"] == 60
        assert (log["TrafficType"], log["LogGroupName"]) == ("REJECT", "/aws/vpc/test")
        assert (log["LogFormat"], log["Tags"]) == (DEFAULT_FORMAT, NAMED)

    def test_filters_choose(self, ec2: Any, vpc: str) -> None:
        other = ec2.create_vpc(CidrBlock="10.31.0.0/16")["Vpc"]["VpcId"]
        for resource, traffic in ((vpc, "ALL"), (other, "REJECT")):
            ec2.create_flow_logs(
                ResourceIds=[resource],
                ResourceType="VPC",
                TrafficType=traffic,
                LogDestination=GROUP,
                DeliverLogsPermissionArn=ROLE,
            )

        def found(name: str, value: str) -> list[str]:
            answer = ec2.describe_flow_logs(Filters=[{"Name": name, "Values": [value]}])
            return [log["ResourceId"] for log in answer["FlowLogs"]]

        assert found("resource-id", vpc) == [vpc]
        assert other in found("traffic-type", "REJECT")
        assert vpc not in found("traffic-type", "REJECT")
        assert found("tag:Name", "nobody") == []


@pytest.mark.local
class TestEndpoints:
    SERVICE = "com.amazonaws.eu-central-1.s3"

    def make(self, ec2: Any, vpc: str, **more: Any) -> dict[str, Any]:
        answer = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=self.SERVICE, **more)
        made: dict[str, Any] = answer["VpcEndpoint"]
        return made

    def leads_to(self, ec2: Any, table: str, endpoint: str) -> bool:
        (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        routes = [route for route in found["Routes"] if route.get("GatewayId") == endpoint]
        assert all(route["DestinationPrefixListId"].startswith("pl-") for route in routes)
        return len(routes) == 1

    def test_its_policy_is_kept_and_changed(self, ec2: Any, vpc: str) -> None:
        nothing = json.dumps({"Version": "2012-10-17", "Statement": []})
        made = self.make(ec2, vpc, PolicyDocument=nothing)
        identifier = made["VpcEndpointId"]
        assert made["PolicyDocument"] == nothing

        ec2.modify_vpc_endpoint(VpcEndpointId=identifier, ResetPolicy=True)
        (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[identifier])["VpcEndpoints"]
        assert json.loads(found["PolicyDocument"])["Statement"][0]["Action"] == "*"

    def test_route_tables_lead_to_it_as_long_as_it_says_so(self, ec2: Any, vpc: str) -> None:
        first, second = (
            ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)
        )
        identifier = self.make(ec2, vpc, RouteTableIds=[first])["VpcEndpointId"]
        assert self.leads_to(ec2, first, identifier)
        assert not self.leads_to(ec2, second, identifier)

        ec2.modify_vpc_endpoint(
            VpcEndpointId=identifier, AddRouteTableIds=[second], RemoveRouteTableIds=[first]
        )
        assert not self.leads_to(ec2, first, identifier)
        assert self.leads_to(ec2, second, identifier)

        ec2.delete_vpc_endpoints(VpcEndpointIds=[identifier])
        assert not self.leads_to(ec2, second, identifier)

    def test_one_for_an_interface_has_no_routes(self, ec2: Any, vpc: str) -> None:
        made = self.make(ec2, vpc, VpcEndpointType="Interface")
        assert made["VpcEndpointType"] == "Interface"
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        targets = [r.get("GatewayId") for t in tables["RouteTables"] for r in t["Routes"]]
        assert made["VpcEndpointId"] not in targets

    def test_filters_choose(self, ec2: Any, vpc: str) -> None:
        tags = [{"ResourceType": "vpc-endpoint", "Tags": NAMED}]
        made = self.make(ec2, vpc, TagSpecifications=tags)["VpcEndpointId"]

        def found(*filters: tuple[str, str]) -> list[str]:
            chosen = [{"Name": name, "Values": [value]} for name, value in filters]
            answer = ec2.describe_vpc_endpoints(Filters=chosen)
            return [endpoint["VpcEndpointId"] for endpoint in answer["VpcEndpoints"]]

        assert found(("vpc-id", vpc)) == [made]
        assert found(("vpc-id", vpc), ("tag:Name", "other")) == []
        assert found(("vpc-id", vpc), ("vpc-endpoint-type", "Interface")) == []

    def test_one_that_is_not_there_is_an_error(self, ec2: Any) -> None:
        with pytest.raises(ClientError, match=r"InvalidVpcEndpointId\.NotFound"):
            ec2.describe_vpc_endpoints(VpcEndpointIds=["vpce-0"])
        with pytest.raises(ClientError, match=r"InvalidVpcEndpointId\.NotFound"):
            ec2.modify_vpc_endpoint(VpcEndpointId="vpce-0", ResetPolicy=True)
        ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0"])


@pytest.mark.local
class TestSecurityGroups:
    EVERYTHING: tuple[dict[str, Any], ...] = (
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    )

    def make(self, ec2: Any, vpc: str, name: str) -> str:
        answer = ec2.create_security_group(GroupName=name, Description="A test.", VpcId=vpc)
        made: str = answer["GroupId"]
        return made

    def test_the_first_rule_goes_whatever_its_ports(self, ec2: Any, vpc: str) -> None:
        group = self.make(ec2, vpc, "ports")
        rule = {**self.EVERYTHING[0], "FromPort": 0, "ToPort": 0}
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[rule])
        (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert found["IpPermissionsEgress"] == []

    def test_rules_with_ports_differ_by_them(self, ec2: Any, vpc: str) -> None:
        group = self.make(ec2, vpc, "tcp")
        for port in (80, 443):
            rule = {
                "IpProtocol": "tcp",
                "FromPort": port,
                "ToPort": port,
                "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "Web (80, 443)."}],
            }
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert sorted(rule["FromPort"] for rule in found["IpPermissions"]) == [80, 443]

    @pytest.mark.parametrize("description", ["the sender's own", "é", "x" * 256])
    def test_descriptions_are_of_few_characters(self, ec2: Any, vpc: str, description: str) -> None:
        with pytest.raises(ClientError, match="Invalid rule description"):
            ec2.create_security_group(GroupName="words", Description=description, VpcId=vpc)
        group = self.make(ec2, vpc, f"words-{len(description)}-{ord(description[0])}")
        rule = {
            "IpProtocol": "-1",
            "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": description}],
        }
        for authorize in (
            ec2.authorize_security_group_egress,
            ec2.authorize_security_group_ingress,
        ):
            with pytest.raises(ClientError, match="Invalid rule description"):
                authorize(GroupId=group, IpPermissions=[rule])

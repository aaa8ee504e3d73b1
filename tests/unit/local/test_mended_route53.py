"""Route 53 of the running local cloud: query logs, changes, and both after a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from glue.local.clients import LocalSession
from glue.local.configuration import ACCESS_KEY, SECRET_KEY
from glue.local.mends.route53 import PROPAGATION_SECONDS, _telling_time, is_through
from tests.unit.local.conftest import eventually

if TYPE_CHECKING:
    from glue.local.cloud import Cloud

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/route53/example.org"


def test_a_change_takes_its_time() -> None:
    sent = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    text = "2026-11-20T12:00:00.000Z"
    assert not is_through(text, sent)
    assert not is_through(text, sent + timedelta(seconds=PROPAGATION_SECONDS / 2))
    assert is_through(text, sent + timedelta(seconds=PROPAGATION_SECONDS))


@pytest.mark.parametrize(("year", "status"), [(2999, "PENDING"), (2026, "INSYNC")])
def test_looking_at_a_change_does_not_send_it_through(year: int, status: str) -> None:
    change = {"submitted_at": f"{year}-01-01T00:00:00.000Z", "status": "PENDING"}

    def look_once(change_id: str) -> str:
        found: str = emulator._changes[change_id]["status"]
        emulator._changes[change_id]["status"] = "INSYNC"
        return found

    emulator = SimpleNamespace(_lock=Lock(), _changes={"C1": change}, _get_change=look_once)
    get = _telling_time(emulator)
    assert [get("C1"), get("C1")] == [status, status]


@pytest.fixture
def route53(session: LocalSession) -> Any:
    return session.client("route53")


@pytest.fixture
def zone(route53: Any, request: pytest.FixtureRequest) -> str:
    name = f"{request.node.name.replace('_', '-')[:60]}.example.org"
    made = route53.create_hosted_zone(Name=name, CallerReference=name)
    identifier: str = made["HostedZone"]["Id"].rsplit("/", 1)[-1]
    return identifier


@pytest.fixture
def group(session: LocalSession) -> str:
    logs = boto3.client(
        "logs",
        region_name="us-east-1",
        endpoint_url=session.endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    found = logs.describe_log_groups(logGroupNamePrefix="/aws/route53/example.org")["logGroups"]
    if not found:
        logs.create_log_group(logGroupName="/aws/route53/example.org")
    return GROUP


@pytest.mark.local
class TestChanges:
    def test_one_is_through_after_a_while(self, route53: Any, zone: str) -> None:
        record = {
            "Name": route53.get_hosted_zone(Id=zone)["HostedZone"]["Name"],
            "Type": "TXT",
            "TTL": 60,
            "ResourceRecords": [{"Value": '"hello"'}],
        }
        change = route53.change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
        )["ChangeInfo"]
        assert change["Status"] == "PENDING"

        def status() -> str:
            found: str = route53.get_change(Id=change["Id"])["ChangeInfo"]["Status"]
            return found

        assert eventually(lambda: status() == "INSYNC")

    def test_one_that_was_never_sent_is_an_error(self, route53: Any) -> None:
        with pytest.raises(ClientError, match="NoSuchChange"):
            route53.get_change(Id="C0000000000000")


@pytest.mark.local
class TestQueryLogs:
    def test_one_is_made_found_and_deleted(self, route53: Any, zone: str, group: str) -> None:
        made = route53.create_query_logging_config(
            HostedZoneId=zone, CloudWatchLogsLogGroupArn=group
        )
        configuration = made["QueryLoggingConfig"]
        assert made["Location"].endswith(configuration["Id"])
        found = route53.get_query_logging_config(Id=configuration["Id"])["QueryLoggingConfig"]
        assert found == configuration == {
            "Id": configuration["Id"],
            "HostedZoneId": zone,
            "CloudWatchLogsLogGroupArn": group,
        }  # fmt: skip
        listed = route53.list_query_logging_configs(HostedZoneId=zone)["QueryLoggingConfigs"]
        assert listed == [configuration]
        assert configuration in route53.list_query_logging_configs()["QueryLoggingConfigs"]

        route53.delete_query_logging_config(Id=configuration["Id"])
        for call in (route53.get_query_logging_config, route53.delete_query_logging_config):
            with pytest.raises(ClientError, match="NoSuchQueryLoggingConfig"):
                call(Id=configuration["Id"])

    def test_a_zone_has_one_only(self, route53: Any, zone: str, group: str) -> None:
        call = {"HostedZoneId": zone, "CloudWatchLogsLogGroupArn": group}
        route53.create_query_logging_config(**call)
        with pytest.raises(ClientError, match="QueryLoggingConfigAlreadyExists"):
            route53.create_query_logging_config(**call)

    @pytest.mark.parametrize(
        "arn",
        [
            "arn:aws:logs:us-east-1:000000000000:log-group:/aws/route53/nobody",
            GROUP.replace("us-east-1", "eu-central-1"),
        ],
    )
    def test_its_log_group_must_be_there(
        self, route53: Any, session: LocalSession, arn: str
    ) -> None:
        made = route53.create_hosted_zone(Name="nobody.example.org", CallerReference=arn)
        with pytest.raises(ClientError, match="NoSuchCloudWatchLogsLogGroup"):
            route53.create_query_logging_config(
                HostedZoneId=made["HostedZone"]["Id"].rsplit("/", 1)[-1],
                CloudWatchLogsLogGroupArn=arn,
            )

    def test_only_a_public_zone_has_one(
        self, route53: Any, session: LocalSession, group: str
    ) -> None:
        vpc = session.client("ec2").create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
        made = route53.create_hosted_zone(
            Name="private.example.org",
            CallerReference="private",
            VPC={"VPCRegion": "eu-central-1", "VPCId": vpc},
        )
        private = made["HostedZone"]["Id"].rsplit("/", 1)[-1]
        for zone, error in ((private, "InvalidInput"), ("Z0000000000000", "NoSuchHostedZone")):
            with pytest.raises(ClientError, match=error):
                route53.create_query_logging_config(
                    HostedZoneId=zone, CloudWatchLogsLogGroupArn=group
                )

    def test_it_outlives_a_restart(self, route53: Any, zone: str, group: str, cloud: Cloud) -> None:
        made = route53.create_query_logging_config(
            HostedZoneId=zone, CloudWatchLogsLogGroupArn=group
        )["QueryLoggingConfig"]
        cloud.down()
        cloud.up()
        found = route53.get_query_logging_config(Id=made["Id"])["QueryLoggingConfig"]
        assert found == made


@pytest.mark.local
def test_tags_of_every_account_outlive_a_restart(cloud: Cloud) -> None:
    names = {"000000000000": "first", "123456789012": "second"}
    checks = {}

    def client(account: str) -> Any:
        return LocalSession(cloud.endpoint, account, "test").client("route53")

    cloud.up()
    for account, name in names.items():
        made = client(account).create_health_check(
            CallerReference=name,
            HealthCheckConfig={"Type": "TCP", "IPAddress": "203.0.113.1", "Port": 443},
        )
        checks[account] = made["HealthCheck"]["Id"]
        client(account).change_tags_for_resource(
            ResourceType="healthcheck",
            ResourceId=checks[account],
            AddTags=[{"Key": "Name", "Value": name}],
        )
    cloud.down()
    cloud.up()
    for account, name in names.items():
        found = client(account).list_tags_for_resource(
            ResourceType="healthcheck", ResourceId=checks[account]
        )
        assert found["ResourceTagSet"]["Tags"] == [{"Key": "Name", "Value": name}]

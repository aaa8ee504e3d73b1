"""The simulated Redshift Serverless: what is made is described, kept, tagged and guarded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.local.cloud import Cloud
from glue.local.mends import redshift as mend

pytestmark = pytest.mark.local

STAGING, PROD = "123456789012", "210987654321"
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")


def client(cloud: Cloud, service: str, key: str = STAGING, secret: str = "test") -> Any:
    """Return a client; a key of twelve digits is the root of that account."""
    import boto3

    session: Any = boto3.session.Session(key, secret, region_name="eu-central-1")
    return session.client(service, endpoint_url=cloud.endpoint)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    found: str = error.value.response["Error"]["Code"]
    return found


@pytest.fixture(scope="module")
def subnets(cloud: Cloud) -> dict[str, str]:
    ec2 = client(cloud, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = {
        zone: ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=zone)[
            "Subnet"
        ]["SubnetId"]
        for number, zone in enumerate(ZONES)
    }
    group = ec2.create_security_group(GroupName="catalogue", Description="x", VpcId=vpc)
    return made | {"group": group["GroupId"]}


def test_a_namespace_keeps_its_password_in_secrets_manager(cloud: Cloud) -> None:
    service, secrets = client(cloud, "redshift-serverless"), client(cloud, "secretsmanager")
    made = service.create_namespace(
        namespaceName="one", dbName="catalogue", logExports=["userlog"], manageAdminPassword=True,
        tags=[{"key": "project", "value": "proving-ground"}],
    )["namespace"]  # fmt: skip
    assert (made["status"], made["kmsKeyId"]) == ("AVAILABLE", "AWS_OWNED_KMS_KEY")
    kept = json.loads(
        secrets.get_secret_value(SecretId=made["adminPasswordSecretArn"])["SecretString"]
    )
    assert kept["username"] == "admin"
    assert len(kept["password"]) == 32
    assert service.get_namespace(namespaceName="one")["namespace"] == made
    assert client(cloud, "redshift-serverless", PROD).list_namespaces()["namespaces"] == []
    with pytest.raises(ClientError) as refused:
        service.create_namespace(namespaceName="one")
    assert code(refused) == "ConflictException"

    changed = service.update_namespace(namespaceName="one", manageAdminPassword=False)["namespace"]
    assert "adminPasswordSecretArn" not in changed
    changed = service.update_namespace(
        namespaceName="one", iamRoles=["arn:aws:iam::123456789012:role/x"],
        defaultIamRoleArn="arn:aws:iam::123456789012:role/x", manageAdminPassword=True,
    )["namespace"]  # fmt: skip
    assert changed["iamRoles"] == [
        "IamRole(applyStatus=in-sync, iamRoleArn=arn:aws:iam::123456789012:role/x)"
    ]
    assert changed["defaultIamRoleArn"].endswith("role/x")
    cleared = service.update_namespace(namespaceName="one", iamRoles=[], defaultIamRoleArn="")
    assert "defaultIamRoleArn" not in cleared["namespace"]

    service.delete_namespace(namespaceName="one")
    assert [one for one in secrets.list_secrets()["SecretList"] if "one" in one["Name"]] == []
    with pytest.raises(ClientError) as gone:
        service.get_namespace(namespaceName="one")
    assert code(gone) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "arguments",
    [
        {"logExports": ["everything"]},
        {"manageAdminPassword": True, "adminUserPassword": "Secret-1234"},
    ],
)
def test_a_namespace_that_cannot_be_is_refused(cloud: Cloud, arguments: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        client(cloud, "redshift-serverless").create_namespace(namespaceName="bad", **arguments)
    assert code(refused) == "ValidationException"


def test_a_workgroup_is_described_as_aws_does(cloud: Cloud, subnets: dict[str, str]) -> None:
    service = client(cloud, "redshift-serverless")
    service.create_namespace(namespaceName="two")
    chosen = {
        "subnetIds": [subnets[zone] for zone in ZONES[:2]],
        "securityGroupIds": [subnets["group"]],
    }
    made = service.create_workgroup(
        workgroupName="two", namespaceName="two", baseCapacity=4, maxCapacity=8, **chosen,
        configParameters=[{"parameterKey": "require_ssl", "parameterValue": "true"}],
    )["workgroup"]  # fmt: skip
    # All nine, whichever of them were named: the provider sees a difference otherwise than on AWS.
    assert [one["parameterKey"] for one in made["configParameters"]] == [
        "auto_mv", "datestyle", "enable_case_sensitive_identifier", "enable_user_activity_logging",
        "max_query_execution_time", "query_group", "require_ssl", "search_path", "use_fips_ssl",
    ]  # fmt: skip
    assert made["endpoint"]["address"].startswith(f"two.{STAGING}.eu-central-1.redshift-serverless")
    changed = service.update_workgroup(workgroupName="two", maxCapacity=-1, port=5440)["workgroup"]
    assert "maxCapacity" not in changed
    assert changed["port"] == changed["endpoint"]["port"] == 5440
    target = {"status": "ENABLED", "level": 50}
    changed = service.update_workgroup(workgroupName="two", pricePerformanceTarget=target)
    assert changed["workgroup"]["pricePerformanceTarget"] == target
    given = service.get_credentials(workgroupName="two")
    assert given["dbUser"]
    assert given["nextRefreshTime"] > given["expiration"]

    limit = service.create_usage_limit(
        resourceArn=made["workgroupArn"], usageType="serverless-compute", amount=20
    )["usageLimit"]
    assert (limit["breachAction"], limit["period"]) == ("log", "monthly")
    with pytest.raises(ClientError) as twice:
        service.create_usage_limit(
            resourceArn=made["workgroupArn"], usageType="serverless-compute", amount=30
        )
    assert code(twice) == "ConflictException"
    identifier = limit["usageLimitId"]
    service.update_usage_limit(usageLimitId=identifier, amount=40, breachAction="deactivate")
    read = service.get_usage_limit(usageLimitId=identifier)["usageLimit"]
    assert (read["amount"], read["breachAction"]) == (40, "deactivate")
    assert service.list_usage_limits(resourceArn=made["workgroupArn"])["usageLimits"] == [read]

    with pytest.raises(ClientError) as busy:
        service.delete_namespace(namespaceName="two")
    assert code(busy) == "ConflictException"
    service.delete_workgroup(workgroupName="two")
    assert service.list_usage_limits()["usageLimits"] == []
    assert service.list_workgroups()["workgroups"] == []
    service.delete_namespace(namespaceName="two")
    with pytest.raises(ClientError) as gone:
        service.delete_usage_limit(usageLimitId=identifier)
    assert code(gone) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"subnetIds": ["subnet-0"]}, "do not exist"),
        ({"securityGroupIds": ["sg-0"]}, "do not exist"),
        ({"baseCapacity": 8, "maxCapacity": 4}, "below"),
        ({"configParameters": [{"parameterKey": "colour", "parameterValue": "x"}]}, "colour"),
        ({"baseCapacity": 16, "subnetIds": 2}, "3 zones"),
        ({"namespaceName": "nowhere"}, "nowhere"),
    ],
)
def test_a_workgroup_that_cannot_be_is_refused(
    cloud: Cloud, subnets: dict[str, str], arguments: dict[str, Any], word: str
) -> None:
    service = client(cloud, "redshift-serverless")
    if not any(one["namespaceName"] == "three" for one in service.list_namespaces()["namespaces"]):
        service.create_namespace(namespaceName="three")
    if arguments.get("subnetIds") == 2:
        arguments = arguments | {"subnetIds": [subnets[zone] for zone in ZONES[:2]]}
    with pytest.raises(ClientError, match=word):
        service.create_workgroup(**{"workgroupName": "three", "namespaceName": "three"} | arguments)
    assert service.list_workgroups()["workgroups"] == []


def test_one_namespace_has_one_workgroup(cloud: Cloud) -> None:
    service = client(cloud, "redshift-serverless", PROD)
    service.create_namespace(namespaceName="five")
    service.create_workgroup(workgroupName="five", namespaceName="five")
    for name in ("five", "six"):
        with pytest.raises(ClientError, match="already"):
            service.create_workgroup(workgroupName=name, namespaceName="five")
    with pytest.raises(ClientError, match="is not found"):
        service.create_usage_limit(resourceArn="arn:x", usageType="serverless-compute", amount=1)


def test_all_of_it_is_there_after_a_restart_and_found_by_its_tags(cloud: Cloud) -> None:
    service = client(cloud, "redshift-serverless")
    made = service.create_namespace(namespaceName="four")["namespace"]
    arn = made["namespaceArn"]
    service.tag_resource(
        resourceArn=arn, tags=[{"key": "project", "value": "it"}, {"key": "gone", "value": "x"}]
    )
    service.untag_resource(resourceArn=arn, tagKeys=["gone"])
    cloud.down()
    cloud.up()
    assert service.get_namespace(namespaceName="four")["namespace"] == made
    tags = service.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == [{"key": "project", "value": "it"}]
    found = client(cloud, "resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "project", "Values": ["it"]}]
    )
    assert [one["ResourceARN"] for one in found["ResourceTagMappingList"]] == [arn]
    with pytest.raises(ClientError) as unknown:
        service.list_tags_for_resource(resourceArn="arn:aws:redshift-serverless:::namespace/x")
    assert code(unknown) == "ResourceNotFoundException"


def test_policies_name_workgroups_by_their_arn(cloud: Cloud) -> None:
    service, iam = client(cloud, "redshift-serverless"), client(cloud, "iam")
    arns = {}
    for name in ("mine", "theirs"):
        service.create_namespace(namespaceName=name)
        made = service.create_workgroup(workgroupName=name, namespaceName=name)
        arns[name] = made["workgroup"]["workgroupArn"]
    iam.create_user(UserName="asker")
    statement = {
        "Effect": "Allow",
        "Action": ["redshift-serverless:GetCredentials", "redshift-data:ExecuteStatement"],
        "Resource": arns["mine"],
    }
    iam.put_user_policy(
        UserName="asker", PolicyName="it",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )  # fmt: skip
    key = iam.create_access_key(UserName="asker")["AccessKey"]
    secret = key["AccessKeyId"], key["SecretAccessKey"]
    asked = client(cloud, "redshift-serverless", *secret)
    assert asked.get_credentials(workgroupName="mine")["dbUser"]
    with pytest.raises(ClientError) as denied:
        asked.get_credentials(workgroupName="theirs")
    assert code(denied) == "AccessDeniedException"

    statements = client(cloud, "redshift-data", *secret)
    with pytest.raises(ClientError, match="ExecuteStatement is not emulated") as honest:
        statements.execute_statement(WorkgroupName="mine", Database="catalogue", Sql="select 1")
    assert code(honest) == "ValidationException"
    with pytest.raises(ClientError) as denied:
        statements.execute_statement(WorkgroupName="theirs", Database="catalogue", Sql="select 1")
    assert code(denied) == "AccessDeniedException"


def test_what_is_not_simulated_says_so(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="ListSnapshots is not simulated"):
        client(cloud, "redshift-serverless").list_snapshots()


@pytest.mark.parametrize("body", [b"", b"[]", b"no json", b'{"workgroupName": "nowhere"}'])
def test_a_request_about_nothing_known_is_about_everything(body: bytes) -> None:
    assert mend.resource_of(body) == "*"

"""Alarms, logs, the API, accounts, secrets and tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from glue.checks.http import status_of
from glue.checks.subjects import alarms, api, identity, logs, secrets, tables
from tests.unit.checks.fake import NOW, Fault, World, answering, arn, tagged
from tests.unit.checks.worlds.data import TOPIC, allow
from tests.unit.checks.worlds.work import (
    ALARM_NAMES,
    LIVE,
    POOL,
    QUEUE_OUTPUTS,
    SERVE,
    alarm,
    alarms_of,
    function,
)


def subscriptions(*arns: str) -> dict[str, Any]:
    return {
        "Subscriptions": [{"SubscriptionArn": one, "Endpoint": "team@example.org"} for one in arns]
    }


BLIND = alarm("dead", StateValue="INSUFFICIENT_DATA", TreatMissingData="missing")


def blind(age: timedelta) -> dict[str, Any]:
    """Return an alarm that has had no data since it was made."""
    return {**BLIND, "AlarmConfigurationUpdatedTimestamp": NOW - age}


ALARMS = World(
    alarms.SUBJECT,
    QUEUE_OUTPUTS | {"recordings": None},
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(arn("cloudwatch", "alarm:tagged")),
        ("cloudwatch", "DescribeAlarms"): alarms_of(
            *(alarm(name) for name in (*ALARM_NAMES, "tagged")),
            alarm("somebody-elses", StateValue="ALARM"),
        ),
        ("sns", "ListSubscriptionsByTopic"): subscriptions(f"{TOPIC}:1"),
    },
    {
        "alarm-exists": {
            "gone": Fault({("cloudwatch", "DescribeAlarms"): alarms_of(alarm("dead"))})
        },
        "alarm-action": {
            "none": Fault(
                {("cloudwatch", "DescribeAlarms"): alarms_of(alarm("dead", AlarmActions=[]))}
            ),
            "off": Fault(
                {("cloudwatch", "DescribeAlarms"): alarms_of(alarm("tagged", ActionsEnabled=False))}
            ),
        },
        "alarm-quiet": {
            "in alarm": Fault(
                {("cloudwatch", "DescribeAlarms"): alarms_of(alarm("dead", StateValue="ALARM"))}
            ),
            "blind": Fault({("cloudwatch", "DescribeAlarms"): alarms_of(BLIND)}),
            "blind for a while": Fault(
                {("cloudwatch", "DescribeAlarms"): alarms_of(blind(timedelta(minutes=16)))}
            ),
        },
        "topic-subscribed": {
            "nobody": Fault({("sns", "ListSubscriptionsByTopic"): subscriptions()}),
            "not confirmed": Fault(
                {("sns", "ListSubscriptionsByTopic"): subscriptions("PendingConfirmation")}
            ),
        },
    },
)

OURS: dict[str, dict[str, str]] = {"tags": {"project": "proving-ground", "environment": "staging"}}


def groups(**more: Any) -> dict[str, Any]:
    name = f"/aws/lambda/{SERVE}"
    one = {"logGroupName": name, "arn": arn("logs", f"log-group:{name}:*"), "retentionInDays": 14}
    return {"logGroups": [{k: v for k, v in (one | more).items() if v is not None}]}


def logging(*types: str) -> dict[str, Any]:
    on = {"clusterLogging": [{"types": list(types), "enabled": True}]}
    return {"cluster": {"name": "staging", "logging": on}}


LOGS = World(
    logs.SUBJECT,
    {"functions": {"serve_api": {"name": SERVE}}, "cluster": {"name": "staging"}},
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(),
        ("lambda", "GetFunctionConfiguration"): function(SERVE),
        ("logs", "DescribeLogGroups"): groups(),
        ("logs", "ListTagsForResource"): OURS,
        ("eks", "DescribeCluster"): logging(*logs.TYPES),
    },
    {
        "log-group-retention": {
            "for ever": Fault({("logs", "DescribeLogGroups"): groups(retentionInDays=None)})
        },
        "log-group-of-function": {
            "elsewhere": Fault(
                {("logs", "DescribeLogGroups"): groups(logGroupName="/aws/lambda/x")}
            ),
            "not ours": Fault({("logs", "ListTagsForResource"): {"tags": {}}}),
        },
        "cluster-logs": {"no audit": Fault({("eks", "DescribeCluster"): logging("api")})},
    },
)


def stage(**more: Any) -> dict[str, Any]:
    return {
        "tracingEnabled": True,
        "accessLogSettings": {"destinationArn": arn("logs", "log-group:access")},
        "methodSettings": {"*/*": {"throttlingRateLimit": 100.0}},
    } | more


PLAN: dict[str, Any] = {
    "throttle": {"rateLimit": 10.0}, "quota": {"limit": 1000},
    "apiStages": [{"apiId": "abc", "stage": "v1"}],
}  # fmt: skip


def address(status: int, scheme: str = "https") -> Any:
    return {"api": lambda: LIVE["api"] | {"url": answering(status).replace("http", scheme, 1)}}


def without_tls(method: str, url: str, headers: Mapping[str, str]) -> int:
    return status_of(method, url.replace("https", "http", 1), headers)


API = World(
    api.SUBJECT,
    address(403),
    {
        ("apigateway", "GetResources"): {
            "items": [{"id": "1", "path": "/x", "resourceMethods": {"GET": {}, "OPTIONS": {}}}]
        },
        ("apigateway", "GetMethod"): {"apiKeyRequired": True},
        ("apigateway", "GetStage"): stage(),
        ("apigateway", "GetUsagePlan"): PLAN,
    },
    {
        "api-refuses": {
            "lets them in": Fault(outputs=address(200)),
            "fails": Fault(outputs=address(500)),
            "is not there": Fault(outputs={"api": LIVE["api"] | {"url": "https://127.0.0.1:9"}}),
        },
        "api-wants-keys": {
            "one without": Fault({("apigateway", "GetMethod"): {"apiKeyRequired": False}}),
            "no method": Fault({("apigateway", "GetResources"): {"items": []}}),
        },
        "api-tls": {"in the clear": Fault(outputs=address(403, "http"))},
        "api-access-log": {
            "none": Fault({("apigateway", "GetStage"): stage(accessLogSettings={})}),
            "not traced": Fault({("apigateway", "GetStage"): stage(tracingEnabled=False)}),
        },
        "api-limits": {
            "no rate": Fault({("apigateway", "GetStage"): stage(methodSettings={})}),
            "no limit of a key": Fault(
                {("apigateway", "GetUsagePlan"): {"apiStages": [{"apiId": "another"}]}}
            ),
        },
    },
    {"request": without_tls},
)

PASSWORDS = {"MinimumLength": 16, **dict.fromkeys(identity.KINDS, True)}


def pool(**more: Any) -> dict[str, Any]:
    return {
        "UserPool": {
            "Id": POOL,
            "Policies": {"PasswordPolicy": PASSWORDS},
            "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
            "DeletionProtection": "ACTIVE",
            **more,
        }
    }


def client(**more: Any) -> dict[str, Any]:
    told = {"PreventUserExistenceErrors": "ENABLED", "EnableTokenRevocation": True}
    return {"UserPoolClient": told | more}


IDENTITY = World(
    identity.SUBJECT,
    {"identity": LIVE["identity"]},
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(
            arn("cognito-idp", f"userpool/{POOL}")
        ),
        ("cognito-idp", "DescribeUserPool"): pool(),
        ("cognito-idp", "ListGroups"): {
            "Groups": [{"GroupName": name} for name in sorted(identity.GROUPS)]
        },
        ("cognito-idp", "DescribeUserPoolClient"): client(),
    },
    {
        "pool-password-policy": {
            "short": Fault(
                {
                    ("cognito-idp", "DescribeUserPool"): pool(
                        Policies={"PasswordPolicy": PASSWORDS | {"MinimumLength": 8}}
                    )
                }
            ),
            "no symbols": Fault(
                {
                    ("cognito-idp", "DescribeUserPool"): pool(
                        Policies={"PasswordPolicy": PASSWORDS | {"RequireSymbols": False}}
                    )
                }
            ),
        },
        "pool-no-sign-up": {
            "anybody": Fault({("cognito-idp", "DescribeUserPool"): pool(AdminCreateUserConfig={})})
        },
        "pool-deletion-protection": {
            "off": Fault({("cognito-idp", "DescribeUserPool"): pool(DeletionProtection="INACTIVE")})
        },
        "pool-groups": {
            "missing": Fault({("cognito-idp", "ListGroups"): {"Groups": [{"GroupName": "hosts"}]}})
        },
        "pool-client": {
            "tells": Fault(
                {
                    ("cognito-idp", "DescribeUserPoolClient"): client(
                        PreventUserExistenceErrors="LEGACY"
                    )
                }
            ),
            "for ever": Fault(
                {("cognito-idp", "DescribeUserPoolClient"): client(EnableTokenRevocation=False)}
            ),
        },
    },
)

SECRET = arn("secretsmanager", "secret:evalai-AbCdEf")


def secret(**more: Any) -> dict[str, Any]:
    filled = {"VersionIdsToStages": {"1" * 32: ["AWSCURRENT"]}, "LastChangedDate": NOW}
    return {"ARN": SECRET, "Name": "evalai"} | filled | more


SECRETS = World(
    secrets.SUBJECT,
    {"recordings": {"catalogue_secret_arn": SECRET}},
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(),
        ("secretsmanager", "ListSecrets"): {
            "SecretList": [
                {"ARN": SECRET, "Tags": [{"Key": k, "Value": v} for k, v in OURS["tags"].items()]},
                {"ARN": arn("secretsmanager", "secret:somebody-elses")},
            ]
        },
        ("secretsmanager", "DescribeSecret"): secret(),
        ("secretsmanager", "GetResourcePolicy"): {},
    },
    {
        "secret-value": {
            "empty": Fault({("secretsmanager", "DescribeSecret"): secret(VersionIdsToStages={})})
        },
        "secret-kept": {
            "doomed": Fault({("secretsmanager", "DescribeSecret"): secret(DeletedDate=NOW)})
        },
        "secret-policy-closed": {
            "open": Fault(
                {
                    ("secretsmanager", "GetResourcePolicy"): {
                        "ResourcePolicy": allow("secretsmanager:GetSecretValue")
                    }
                }
            )
        },
    },
)


def table(**more: Any) -> dict[str, Any]:
    index = {"IndexName": "by-user", "IndexStatus": "ACTIVE"}
    return {
        "Table": {
            "TableStatus": "ACTIVE", "GlobalSecondaryIndexes": [index],
            "DeletionProtectionEnabled": True, **more,
        }
    }  # fmt: skip


def recovery(status: str) -> dict[str, Any]:
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
        }
    }


TABLES = World(
    tables.SUBJECT,
    {},
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(arn("dynamodb", "table/staging-jobs")),
        ("dynamodb", "DescribeTable"): table(),
        ("dynamodb", "DescribeContinuousBackups"): recovery("ENABLED"),
    },
    {
        "table-active": {
            "an index is made": Fault(
                {
                    ("dynamodb", "DescribeTable"): table(
                        GlobalSecondaryIndexes=[{"IndexName": "by-user", "IndexStatus": "CREATING"}]
                    )
                }
            )
        },
        "table-recovery": {
            "off": Fault({("dynamodb", "DescribeContinuousBackups"): recovery("DISABLED")})
        },
        "table-deletion-protection": {
            "off": Fault({("dynamodb", "DescribeTable"): table(DeletionProtectionEnabled=False)})
        },
    },
)

WORLDS = (ALARMS, LOGS, API, IDENTITY, SECRETS, TABLES)

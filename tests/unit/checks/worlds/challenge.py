"""Leaderboards, EvalAI's user, and what is published."""

from __future__ import annotations

import json
from typing import Any

from glue.checks.subjects import evalai, leaderboards
from tests.unit.checks.fake import NOW, Fault, Refusal, World, arn, tagged
from tests.unit.checks.worlds.data import URL, policy, statement

NAME = "staging-leaderboard-10"
MACHINE = arn("states", f"stateMachine:{NAME}")
SECRETS = {
    kind: arn("secretsmanager", f"secret:staging-{kind}-AbCdEf")
    for kind in ("leaderboard-10", "evalai", "evalai-tracks")
}
FUNCTIONS = {
    key: f"{NAME}-{key.partition('_')[0]}"
    for key in ("start_submission", "run_submission", "reconcile_submissions")
}
BOARD: dict[str, Any] = {
    "queue_url": URL + NAME,
    "dead_letter_queue_url": f"{URL}{NAME}-dead-letters",
    "table": NAME,
    "bucket": f"{NAME}-123456789012",
    "log_group": NAME,
    "state_machine_arn": MACHINE,
    "parameters_secret_arn": SECRETS["leaderboard-10"],
    "dashboard": NAME,
    "functions": FUNCTIONS,
}
USER = "staging-evalai"
PUBLIC = {"bucket": "staging-public", "url": "https://d1.cloudfront.net", "distribution_id": "E1"}
EVALAI: dict[str, Any] = {
    "secret_arn": SECRETS["evalai"],
    "tracks_secret_arn": SECRETS["evalai-tracks"],
    "budget_table": "staging-evalai-budget",
    "user_name": USER,
    "public_contents": PUBLIC,
    "private_contents": {"bucket": "staging-private"},
}
OUTPUTS: dict[str, Any] = {
    "leaderboards": {"leaderboard-10": BOARD},
    "evalai": EVALAI,
    "cluster": {"name": "staging-platform"},
    "functions": {
        f"leaderboard-10/{key}": {"name": name, "settings": key} for key, name in FUNCTIONS.items()
    },
}


def key(partition: str, sort: str = "") -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def table(*, sort: str = "submission-id", indexes: tuple[str, ...] = ("by-state",)) -> Any:
    schemas = {"by-state": key("state", "updated_at"), "by-submission": key("submission-id")}
    return {
        "Table": {
            "KeySchema": key("team-id", sort),
            "GlobalSecondaryIndexes": [
                {"IndexName": name, "KeySchema": schemas[name]}
                for name in ("by-submission", *indexes)
            ],
        }
    }


GIVEN = {
    "name": "staging-platform", "endpoint": "https://one", "certificate_authority": "Y2E=",
    "simulator_image": "simulator:stable", "leaderboard_image": "leaderboard:stable",
    "logcopy_image": "logcopy:stable", "s3_bucket": BOARD["bucket"],
    "dynamodb_submissions_table": NAME, "cloudwatch_log_group": NAME,
}  # fmt: skip


def holding(**changes: Any) -> dict[str, Any]:
    return {"SecretString": json.dumps(GIVEN | changes)}


TASK = {"Type": "Task", "Retry": [{}], "Catch": [{}], "TimeoutSeconds": 330}


def machine(task: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    states = {"Prepare": TASK if task is None else task, "Done": {"Type": "Succeed"}}
    described = {
        "stateMachineArn": MACHINE, "name": NAME, "status": "ACTIVE", "type": "STANDARD",
        "definition": json.dumps({"StartAt": "Prepare", "States": states}),
        "roleArn": arn("iam", "role/states", ""), "creationDate": NOW,
        "loggingConfiguration": {"level": "ERROR"}, "tracingConfiguration": {"enabled": True},
    }  # fmt: skip
    return described | more


def access(name: str = "AmazonEKSEditPolicy", *namespaces: str) -> dict[str, Any]:
    scope: dict[str, Any] = {"type": "cluster"}
    if namespaces:
        scope = {"type": "namespace", "namespaces": list(namespaces)}
    one = {"policyArn": f"arn:aws:eks::aws:cluster-access-policy/{name}", "accessScope": scope}
    return {"associatedAccessPolicies": [one]}


DESCRIBE = ("stepfunctions", "DescribeStateMachine")
POLICIES = ("eks", "ListAssociatedAccessPolicies")
VALUE = ("secretsmanager", "GetSecretValue")

LEADERBOARDS = World(
    leaderboards.SUBJECT,
    OUTPUTS,
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(),
        ("dynamodb", "DescribeTable"): table(),
        VALUE: holding(),
        DESCRIBE: machine(),
        ("lambda", "GetFunctionConfiguration"): {"Role": arn("iam", "role/run", "")},
        POLICIES: access("AmazonEKSEditPolicy", "jobs"),
        ("cloudwatch", "ListDashboards"): {
            "DashboardEntries": [{"DashboardName": f"{NAME}1"}, {"DashboardName": NAME}]
        },
    },
    {
        "leaderboard-table-keys": {
            "another key": Fault({("dynamodb", "DescribeTable"): table(sort="submission_id")}),
            "no index by state": Fault({("dynamodb", "DescribeTable"): table(indexes=())}),
        },
        "leaderboard-parameters": {
            "an empty one": Fault({VALUE: holding(simulator_image="")}),
            "a tenth": Fault({VALUE: holding(auth_token="x")}),
            "another bucket": Fault({VALUE: holding(s3_bucket="elsewhere")}),
            "another cluster": Fault({VALUE: holding(name="prod-platform")}),
            "no object": Fault({VALUE: {"SecretString": "[]"}}),
            "no JSON": Fault({VALUE: {"SecretString": "nine"}}),
            "no value": Fault({VALUE: Refusal("ResourceNotFoundException")}),
        },
        "state-machine": {
            "nothing is caught": Fault({DESCRIBE: machine(TASK | {"Catch": []})}),
            "waits for ever": Fault(
                {DESCRIBE: machine({k: v for k, v in TASK.items() if k != "TimeoutSeconds"})}
            ),
            "does nothing": Fault({DESCRIBE: machine({"Type": "Pass"})}),
            "express": Fault({DESCRIBE: machine(type="EXPRESS")}),
            "being deleted": Fault({DESCRIBE: machine(status="DELETING")}),
            "is gone": Fault({DESCRIBE: Refusal("StateMachineDoesNotExist")}),
        },
        "state-machine-watched": {
            "no log": Fault({DESCRIBE: machine(loggingConfiguration={"level": "OFF"})}),
            "no trace": Fault({DESCRIBE: machine(tracingConfiguration={"enabled": False})}),
        },
        "leaderboard-cluster-access": {
            "everywhere": Fault({POLICIES: access()}),
            "administrator": Fault({POLICIES: access("AmazonEKSAdminPolicy", "jobs")}),
            "nothing": Fault({POLICIES: {"associatedAccessPolicies": []}}),
            "no entry": Fault({POLICIES: Refusal("ResourceNotFoundException")}),
        },
        "leaderboard-dashboard": {
            "gone": Fault({("cloudwatch", "ListDashboards"): {"DashboardEntries": []}})
        },
    },
)


def granting(
    *actions: str, resource: str = arn("sqs", NAME), name: str = "one", effect: str = "Allow"
) -> Any:
    text = policy(statement("", effect, Action=list(actions), Resource=[resource]))
    return {"UserName": USER, "PolicyName": name, "PolicyDocument": text}


SENDING = ("sqs:GetQueueUrl", "sqs:SendMessage")
RIGHTS = ("iam", "GetUserPolicy")
READING = {
    "Sid": "ReadCloudfront", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
    "Principal": {"Service": "cloudfront.amazonaws.com"},
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E1"}},
}  # fmt: skip


def read_by(**changes: Any) -> dict[str, Any]:
    return {"Policy": policy(statement("s3:*"), READING | changes)}


def distribution(*, oac: str = "E2", viewer: str = "redirect-to-https", on: bool = True) -> Any:
    origin = {"Id": "o", "DomainName": "b.s3.amazonaws.com", "OriginAccessControlId": oac}
    return {
        "Distribution": {
            "Id": "E1", "ARN": "arn:aws:cloudfront::123456789012:distribution/E1",
            "Status": "Deployed", "LastModifiedTime": NOW, "InProgressInvalidationBatches": 0,
            "DomainName": "d1.cloudfront.net",
            "DistributionConfig": {
                "CallerReference": "1", "Comment": "", "Enabled": on,
                "Origins": {"Quantity": 1, "Items": [origin]},
                "DefaultCacheBehavior": {
                    "TargetOriginId": "o", "ViewerProtocolPolicy": viewer,
                },
            },
        }
    }  # fmt: skip


def secret(**more: Any) -> dict[str, Any]:
    return {"VersionIdsToStages": {"11111111-2222-3333-4444-555555555555": ["AWSCURRENT"]}} | more


READERS = ("s3", "GetBucketPolicy")
DELIVERY = ("cloudfront", "GetDistribution")

EVALAIS = World(
    evalai.SUBJECT,
    OUTPUTS,
    {
        ("secretsmanager", "DescribeSecret"): secret(),
        ("iam", "ListAttachedUserPolicies"): {"AttachedPolicies": []},
        ("iam", "ListGroupsForUser"): {"Groups": []},
        ("iam", "ListUserPolicies"): {"PolicyNames": ["one", "two"]},
        RIGHTS: lambda params: (
            granting(*SENDING)
            if params["PolicyName"] == "one"
            else granting("ecr:PutImage", "sts:GetFederationToken", resource="*", name="two")
        ),
        READERS: read_by(),
        DELIVERY: distribution(),
    },
    {
        "evalai-connected": {
            "empty": Fault({("secretsmanager", "DescribeSecret"): secret(VersionIdsToStages={})})
        },
        "evalai-user-rights": {
            "makes queues": Fault({RIGHTS: granting(*SENDING, "sqs:CreateQueue")}),
            "every queue": Fault({RIGHTS: granting(*SENDING, resource="*")}),
            "all of a registry": Fault({RIGHTS: granting(*SENDING, "ecr:*")}),
            "may not send": Fault({RIGHTS: granting("sqs:GetQueueUrl")}),
            "is denied": Fault({RIGHTS: granting(*SENDING, effect="Deny")}),
            "a policy attached": Fault(
                {
                    ("iam", "ListAttachedUserPolicies"): {
                        "AttachedPolicies": [{"PolicyName": "AdministratorAccess"}]
                    }
                }
            ),
            "in a group": Fault(
                {
                    ("iam", "ListGroupsForUser"): {
                        "Groups": [
                            {
                                "Path": "/", "GroupName": "admins", "GroupId": "AGPA1234567890ABCD",
                                "Arn": arn("iam", "group/admins", ""), "CreateDate": NOW,
                            }
                        ]
                    }
                }
            ),
        },
        "public-contents-reader": {
            "everybody": Fault({READERS: read_by(Principal="*")}),
            "another distribution": Fault(
                {READERS: read_by(Condition={"ArnLike": {"aws:SourceArn": ["a:distribution/E9"]}})}
            ),
            "every distribution": Fault({READERS: read_by(Condition={})}),
            "more than reading": Fault(
                {READERS: read_by(Action=["s3:GetObject", "s3:ListBucket"])}
            ),
            "nobody": Fault({READERS: {"Policy": policy(statement("s3:*"))}}),
        },
        "public-contents-delivered": {
            "off": Fault({DELIVERY: distribution(on=False)}),
            "unsigned": Fault({DELIVERY: distribution(oac="")}),
            "by HTTP": Fault({DELIVERY: distribution(viewer="allow-all")}),
        },
    },
)  # fmt: skip

WORLDS = (LEADERBOARDS, EVALAIS)

"""Queues and functions, what functions are told, and what the outputs say of it all."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from glue.checks.subjects import functions, outputs, queues, settings
from glue.settings import FUNCTION_SETTINGS, PREFIX, LeaderboardSettings
from tests.unit.checks.fake import ACCOUNT, NOW, Fault, Refusal, World, arn, of, tagged
from tests.unit.checks.worlds.data import DEAD, OUTPUTS, QUEUE, TOPIC, URL

INGEST, SERVE, RECONCILE = "staging-ingest", "staging-serve", "staging-reconcile"
POOL, CLIENT = "eu-central-1_Abcdefghi", "1234567890abcdefghijklmnop"
OK: dict[str, Any] = {
    "StateValue": "OK", "StateReason": "as it should be", "ActionsEnabled": True,
    "AlarmActions": [TOPIC], "TreatMissingData": "notBreaching", "Threshold": 900.0,
}  # fmt: skip


def alarm(
    name: str, metric: str = "", value: str = "", kind: str = "QueueName", **more: Any
) -> Any:
    space = "AWS/Lambda" if kind == "FunctionName" else "AWS/SQS"
    about = {
        "Namespace": space,
        "MetricName": metric,
        "Dimensions": [{"Name": kind, "Value": value}],
    }
    return OK | {"AlarmName": name} | (about if metric else {}) | more


def alarms_of(*every: dict[str, Any]) -> dict[str, Any]:
    return {"MetricAlarms": list(every)}


DEAD_ALARM = alarm("dead", "ApproximateNumberOfMessagesVisible", DEAD)
AGE_ALARM = alarm("age", "ApproximateAgeOfOldestMessage", QUEUE)
REDRIVE = {"deadLetterTargetArn": arn("sqs", DEAD), "maxReceiveCount": 3}


def queues_of(living: dict[str, str] | None = None, dead: dict[str, str] | None = None) -> Any:
    first = {
        "QueueArn": arn("sqs", QUEUE), "MessageRetentionPeriod": "604800",
        "VisibilityTimeout": "60",
        "RedrivePolicy": json.dumps(REDRIVE),
    } | (living or {})  # fmt: skip
    second = {
        "QueueArn": arn("sqs", DEAD), "MessageRetentionPeriod": "1209600",
        "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
        "RedriveAllowPolicy": "{}",
    } | (dead or {})  # fmt: skip
    said = {QUEUE: first, DEAD: second}
    return lambda params: {
        "Attributes": {k: v for k, v in said[params["QueueUrl"].rpartition("/")[2]].items() if v}
    }


def age(*values: float) -> dict[str, Any]:
    moments = [NOW - timedelta(minutes=n) for n in range(len(values))]
    return {"MetricDataResults": [{"Id": "age", "Timestamps": moments, "Values": list(values)}]}


TAGS = {
    ("resourcegroupstaggingapi", "GetResources"): tagged(
        arn("sqs", QUEUE), arn("events", f"rule/{RECONCILE}"), arn("events", "rule/on-upload"),
        *(arn("lambda", f"function:{name}") for name in (INGEST, SERVE, RECONCILE)),
    ),
    ("sqs", "GetQueueUrl"): lambda params: {"QueueUrl": URL + params["QueueName"]},
    ("sqs", "GetQueueAttributes"): queues_of(),
}  # fmt: skip
ALARM_NAMES = ["dead", "age", "errors"]
QUEUE_OUTPUTS = OUTPUTS | {"alarms": {"topic_arn": TOPIC, "names": ALARM_NAMES}}

QUEUES = World(
    queues.SUBJECT,
    QUEUE_OUTPUTS,
    TAGS
    | {
        ("cloudwatch", "DescribeAlarms"): alarms_of(DEAD_ALARM, AGE_ALARM),
        ("cloudwatch", "GetMetricData"): age(12.0, 4000.0),
    },
    {
        "queue-redrive": {
            "none": Fault({("sqs", "GetQueueAttributes"): queues_of({"RedrivePolicy": ""})}),
            "into nothing": Fault(
                {
                    ("sqs", "GetQueueAttributes"): queues_of(
                        {
                            "RedrivePolicy": json.dumps(
                                REDRIVE | {"deadLetterTargetArn": arn("sqs", "gone")}
                            )
                        }
                    )
                }
            ),
        },
        "queue-dead-letters-kept": {
            "as long as messages": Fault(
                {
                    ("sqs", "GetQueueAttributes"): queues_of(
                        dead={"MessageRetentionPeriod": "604800"}
                    )
                }
            )
        },
        "queue-dead-letter-alarm": {
            "none": Fault({("cloudwatch", "DescribeAlarms"): alarms_of(AGE_ALARM)}),
            "without an action": Fault(
                {
                    ("cloudwatch", "DescribeAlarms"): alarms_of(
                        DEAD_ALARM | {"AlarmActions": []}, AGE_ALARM
                    )
                }
            ),
        },
        "queue-age-alarm": {
            "of another queue": Fault(
                {
                    ("cloudwatch", "DescribeAlarms"): alarms_of(
                        DEAD_ALARM, alarm("age", "ApproximateAgeOfOldestMessage", "another")
                    )
                }
            )
        },
        "queue-oldest-message": {
            "too old": Fault({("cloudwatch", "GetMetricData"): age(901.0, 1.0)})
        },
        "dead-letters-empty": {
            "one waits": Fault(
                {
                    ("sqs", "GetQueueAttributes"): queues_of(
                        dead={"ApproximateNumberOfMessages": "1"}
                    )
                }
            ),
            "one is being looked at": Fault(
                {
                    ("sqs", "GetQueueAttributes"): queues_of(
                        dead={"ApproximateNumberOfMessagesNotVisible": "1"}
                    )
                }
            ),
        },
    },
)


def function(name: str, **more: Any) -> dict[str, Any]:
    return {
        "FunctionName": name, "Handler": "lambdas.one.handler.handler", "Runtime": "python3.13",
        "State": "Active", "LastUpdateStatus": "Successful", "CodeSha256": "same", "Timeout": 10,
        "LastModified": "2026-11-20T10:00:00.000+0000", "Layers": [{"Arn": "layer:1"}], **more,
    }  # fmt: skip


def functions_of(**of_serve: Any) -> Any:
    every = {INGEST: {}, SERVE: of_serve, RECONCILE: {}}
    return lambda p: function(p["FunctionName"], **every.get(p["FunctionName"], {}))


def mapping(**more: Any) -> dict[str, Any]:
    one = {
        "UUID": "0" * 36, "State": "Enabled", "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FunctionArn": arn("lambda", f"function:{INGEST}"), "EventSourceArn": arn("sqs", QUEUE),
    }  # fmt: skip
    return {"EventSourceMappings": [one | more]}


ERRORS = [alarm(f"{n}-errors", "Errors", n, "FunctionName") for n in (SERVE, RECONCILE)]
FUNCTIONS = World(
    functions.SUBJECT,
    {"functions": None, "alarms": {"names": [one["AlarmName"] for one in ERRORS]}},
    TAGS
    | {
        ("lambda", "GetFunctionConfiguration"): functions_of(),
        ("lambda", "GetFunctionConcurrency"): of(
            "FunctionName", {SERVE: {"ReservedConcurrentExecutions": 5}}, {}
        ),
        ("lambda", "GetFunctionEventInvokeConfig"): of(
            "FunctionName",
            {RECONCILE: {"DestinationConfig": {"OnFailure": {"Destination": arn("sqs", "x")}}}},
            Refusal("ResourceNotFoundException"),
        ),
        ("lambda", "ListEventSourceMappings"): mapping(),
        ("cloudwatch", "DescribeAlarms"): alarms_of(*ERRORS),
        ("events", "DescribeRule"): of(
            "Name",
            {RECONCILE: {"Name": RECONCILE, "ScheduleExpression": "rate(1 h)", "State": "ENABLED"}},
            {"Name": "on-upload", "EventPattern": "{}", "State": "DISABLED"},
        ),
    },
    {
        "function-ready": {
            "pending": Fault({
                ("lambda", "GetFunctionConfiguration"): functions_of(State="Failed")
            }),
            "update failed": Fault({
                ("lambda", "GetFunctionConfiguration"): functions_of(LastUpdateStatus="Failed")
            }),
        },
        "function-runtime": {
            "patched no more": Fault({
                ("lambda", "GetFunctionConfiguration"): functions_of(Runtime="python3.9")
            }),
            "soon no more": Fault(changes={"now": lambda: NOW.replace(year=2029, month=5)}),
            "nobody knows": Fault({
                ("lambda", "GetFunctionConfiguration"): functions_of(Runtime="python2.7")
            }),
        },
        "function-package": {
            "another code": Fault({
                ("lambda", "GetFunctionConfiguration"): functions_of(CodeSha256="other")
            }),
            "another layer": Fault({
                ("lambda", "GetFunctionConfiguration"): functions_of(Layers=[{"Arn": "layer:2"}])
            }),
        },
        "function-concurrency": {
            "stopped": Fault({
                ("lambda", "GetFunctionConcurrency"): {"ReservedConcurrentExecutions": 0}
            })
        },
        "function-failures": {
            "nobody is told": Fault({("cloudwatch", "DescribeAlarms"): alarms_of(ERRORS[1])}),
            "a queue without dead letters": Fault({
                ("sqs", "GetQueueAttributes"): queues_of({"RedrivePolicy": ""})
            }),
        },
        "function-event-source": {
            "disabled": Fault({("lambda", "ListEventSourceMappings"): mapping(State="Disabled")}),
            "whole batches": Fault({
                ("lambda", "ListEventSourceMappings"): mapping(FunctionResponseTypes=[])
            }),
        },
        "function-queue-visibility": {
            "too short": Fault({
                ("sqs", "GetQueueAttributes"): queues_of({"VisibilityTimeout": "59"})
            })
        },
        "function-schedule": {
            "disabled": Fault({
                ("events", "DescribeRule"): {
                    "Name": RECONCILE, "ScheduleExpression": "rate(1 hour)", "State": "DISABLED"
                }
            })
        },
    },
)  # fmt: skip

SAID = {
    "ENVIRONMENT": "staging",
    "INGEST_QUEUE_URL": URL + QUEUE,
    "PREPROCESS_QUEUE_URL": URL + "staging-preprocess",
    "PROCESSED_BUCKET": "staging-recordings-processed",
    "RAW_BUCKET": "staging-recordings-raw",
    "USER_POOL_CLIENT_ID": CLIENT,
}
GIVEN = {
    key: {name: SAID.get(name.removeprefix(PREFIX), "x") for name in sorted(kind.keys())}
    for key, kind in FUNCTION_SETTINGS.items()
    if not issubclass(kind, LeaderboardSettings)  # this world has no leaderboard
}
NAMED = {key: {"name": f"staging-{key}", "settings": key} for key in GIVEN}


def told(variables: dict[str, str] | None = None) -> Any:
    """Return the deployed functions; serve_api with other variables."""

    def answer(params: dict[str, Any]) -> Any:
        name = params["FunctionName"]
        given = GIVEN[name.removeprefix("staging-")]
        if variables is not None and name == "staging-serve_api":
            given = variables
        extra = {"POWERTOOLS_LOG_LEVEL": "INFO"}
        return function(name, Environment={"Variables": {**given, **extra}})

    return answer


SERVED = GIVEN["serve_api"]
LESS = {k: v for k, v in SERVED.items() if k != f"{PREFIX}RAW_BUCKET"}
SETTINGS = World(
    settings.SUBJECT,
    {
        "functions": NAMED,
        "identity": {"client_id": CLIENT},
        "recordings": {key.lower(): value for key, value in SAID.items()},
    },
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(),
        ("lambda", "GetFunctionConfiguration"): told(),
    },
    {
        "function-settings-read": {
            "one is missing": Fault({("lambda", "GetFunctionConfiguration"): told(LESS)}),
            "one too many": Fault(
                {("lambda", "GetFunctionConfiguration"): told(SERVED | {f"{PREFIX}DEBUG": "1"})}
            ),
            "another class": Fault(
                outputs={
                    "functions": NAMED
                    | {"serve_api": {"name": "staging-serve_api", "settings": "issue_token"}}
                }
            ),
        },
        "function-settings-output": {
            "another bucket": Fault(
                {
                    ("lambda", "GetFunctionConfiguration"): told(
                        SERVED | {f"{PREFIX}RAW_BUCKET": "somebody-elses"}
                    )
                }
            ),
            "the outputs are older": Fault(outputs={"identity": {"client_id": "older"}}),
        },
        "function-known": {
            "none in the outputs": Fault(
                outputs={"functions": {k: v for k, v in NAMED.items() if k != "serve_api"}}
            ),
            "no such class": Fault(
                outputs={
                    "functions": NAMED | {"odd": {"name": "staging-serve_api", "settings": "odd"}}
                }
            ),
        },
    },
)

LIVE: dict[str, Any] = {
    "api": {"id": "abc", "stage": "v1", "url": "https://api", "usage_plan_id": "plan"},
    "cluster": {"name": "staging"},
    "dns": {"domain": "example.org", "public_zone": {"id": "Z1"}, "certificate_arn": None},
    "functions": {"serve_api": {"name": SERVE, "settings": None}},
    "identity": {"user_pool_id": POOL, "client_id": CLIENT},
    "network": {"vpc_id": "vpc-1"},
}
GONE = {
    ("s3", "HeadBucket"): Refusal("404"),
    ("sqs", "GetQueueUrl"): Refusal("AWS.SimpleQueueService.NonExistentQueue"),
    ("lambda", "GetFunctionConfiguration"): Refusal("ResourceNotFoundException"),
    ("sns", "GetTopicAttributes"): Refusal("NotFound"),
    ("cognito-idp", "DescribeUserPool"): Refusal("ResourceNotFoundException"),
    ("apigateway", "GetStage"): Refusal("NotFoundException"),
    ("eks", "DescribeCluster"): Refusal("ResourceNotFoundException"),
    ("ec2", "DescribeVpcs"): Refusal("InvalidVpcID.NotFound"),
    ("route53", "GetHostedZone"): Refusal("NoSuchHostedZone"),
}
OUTPUTS_WORLD = World(
    outputs.SUBJECT,
    OUTPUTS | LIVE,
    {
        ("sts", "GetCallerIdentity"): {"Account": ACCOUNT},
        ("resourcegroupstaggingapi", "GetResources"): tagged(arn("lambda", f"function:{SERVE}")),
        ("s3", "HeadBucket"): {},
        ("sqs", "GetQueueUrl"): {"QueueUrl": URL + QUEUE},
        ("lambda", "GetFunctionConfiguration"): function(SERVE),
        ("sns", "GetTopicAttributes"): {"Attributes": {}},
        ("cognito-idp", "DescribeUserPool"): {"UserPool": {}},
        ("apigateway", "GetStage"): {},
        ("eks", "DescribeCluster"): {"cluster": {}},
        ("ec2", "DescribeVpcs"): {"Vpcs": []},
        ("route53", "GetHostedZone"): {
            "HostedZone": {"Id": "Z1", "Name": "n", "CallerReference": "r"}
        },
    },
    {
        "outputs-account": {
            "other credentials": Fault({("sts", "GetCallerIdentity"): {"Account": "000000000000"}}),
            "outputs of another account": Fault(outputs={"account_id": "000000000000"}),
            "outputs of another environment": Fault(outputs={"environment": "prod"}),
            "outputs of another region": Fault(outputs={"region": "us-east-1"}),
        },
        "outputs-exists": {
            f"no {service}": Fault({(service, operation): refusal})
            for (service, operation), refusal in GONE.items()
        },
        "outputs-complete": {
            "one more function": Fault(
                {
                    ("resourcegroupstaggingapi", "GetResources"): tagged(
                        arn("lambda", "function:another")
                    )
                }
            )
        },
    },
)

WORLDS = (QUEUES, FUNCTIONS, SETTINGS, OUTPUTS_WORLD)

"""CloudWatch of the running local cloud: metrics of functions and queues, alarms, actions."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.unit.local.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.clients import LocalSession
    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

EMBEDDING = """
import json, time
def handler(event, context):
    print(json.dumps({
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
            {"Namespace": "ProvingGround", "Dimensions": [["environment"]],
             "Metrics": [{"Name": "RecordingsQuarantined", "Unit": "Count"}]}]},
        "environment": "local", "RecordingsQuarantined": [1.0]}))
    if event.get("fail"):
        raise ValueError("as asked")
    return {"batchItemFailures": []}
"""

FAILING = """
def handler(event, context):
    raise ValueError("a poison message")
"""


def topic_with_queue(session: LocalSession, name: str) -> tuple[str, Callable[[], list[Any]]]:
    """Make a topic and read what it sends by a queue; returns the topic and a reader."""
    sns, sqs = session.client("sns"), session.client("sqs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    allow = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn["QueueArn"],
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(allow)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    seen: list[Any] = []

    def read() -> list[Any]:
        messages = sqs.receive_message(QueueUrl=url).get("Messages", [])
        seen.extend(json.loads(json.loads(m["Body"])["Message"]) for m in messages)
        return seen

    return topic, read


def state_of(session: LocalSession, name: str) -> str:
    alarms = session.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    state: str = alarms[0]["StateValue"]
    return state


def test_an_embedded_metric_sets_off_an_alarm_that_reaches_its_topic(
    session: LocalSession, zipped: Callable[[str], bytes], role: Callable[..., str]
) -> None:
    topic, read = topic_with_queue(session, "quarantine-alarms")
    cloudwatch, functions = session.client("cloudwatch"), session.client("lambda")
    cloudwatch.put_metric_alarm(
        AlarmName="quarantined", Namespace="ProvingGround", MetricName="RecordingsQuarantined",
        Dimensions=[{"Name": "environment", "Value": "local"}], Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching", AlarmActions=[topic],
    )  # fmt: skip
    assert eventually(lambda: state_of(session, "quarantined") == "OK")
    arn = role("embedding", {"Effect": "Allow", "Action": "logs:*", "Resource": "*"})
    functions.create_function(
        FunctionName="embedding", Runtime="python3.12", Role=arn, Handler="index.handler",
        Code={"ZipFile": zipped(EMBEDDING)},
    )  # fmt: skip
    functions.invoke(FunctionName="embedding", Payload=b"{}")
    functions.invoke(FunctionName="embedding", Payload=b'{"fail": true}')
    notices = eventually(read)
    assert notices[0]["AlarmName"] == "quarantined"
    assert notices[0]["NewStateValue"] == "ALARM"

    def total(namespace: str, name: str, dimension: tuple[str, str]) -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace, MetricName=name, Period=3600, Statistics=["Sum"],
            Dimensions=[{"Name": dimension[0], "Value": dimension[1]}],
            StartTime=time.time() - 600, EndTime=time.time() + 600,
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))

    function = ("FunctionName", "embedding")
    eventually(lambda: total("AWS/Lambda", "Invocations", function) == 2)
    eventually(lambda: total("AWS/Lambda", "Errors", function) == 1)
    local = ("environment", "local")
    eventually(lambda: total("ProvingGround", "RecordingsQuarantined", local) == 2)


def test_a_poison_message_reaches_the_dead_letters_and_their_alarm(
    session: LocalSession, zipped: Callable[[str], bytes], role: Callable[..., str]
) -> None:
    topic, read = topic_with_queue(session, "dead-letter-alarms")
    sqs, functions = session.client("sqs"), session.client("lambda")
    dead = sqs.create_queue(QueueName="work-dead-letters")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    work = sqs.create_queue(
        QueueName="work",
        Attributes={
            "VisibilityTimeout": "1",
            "RedrivePolicy": json.dumps(
                {
                    "deadLetterTargetArn": dead_arn["Attributes"]["QueueArn"],
                    "maxReceiveCount": 2,
                }
            ),
        },
    )["QueueUrl"]
    cloudwatch = session.client("cloudwatch")
    for queue in ("work", "work-dead-letters"):
        cloudwatch.put_metric_alarm(
            AlarmName=queue, Namespace="AWS/SQS", MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": queue}], Statistic="Maximum", Period=60,
            EvaluationPeriods=1, Threshold=5 if queue == "work" else 1,
            ComparisonOperator="GreaterThanOrEqualToThreshold", AlarmActions=[topic],
        )  # fmt: skip
    arn = role("failing", {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    functions.create_function(
        FunctionName="failing", Runtime="python3.12", Role=arn, Handler="index.handler",
        Timeout=1, Code={"ZipFile": zipped(FAILING)},
    )  # fmt: skip
    source = sqs.get_queue_attributes(QueueUrl=work, AttributeNames=["QueueArn"])
    functions.create_event_source_mapping(
        FunctionName="failing", EventSourceArn=source["Attributes"]["QueueArn"],
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    sqs.send_message(QueueUrl=work, MessageBody="poison")
    notices = eventually(read, 30)
    assert [notice["AlarmName"] for notice in notices] == ["work-dead-letters"]
    assert notices[0]["Trigger"]["Dimensions"][0] == {
        "Name": "QueueName",
        "Value": "work-dead-letters",
    }
    assert state_of(session, "work") != "ALARM"


def query(cloud: Cloud, parameters: dict[str, str]) -> ET.Element:
    """Call CloudWatch by the query protocol, the one Terraform's provider speaks."""
    request = AWSRequest(
        "POST",
        cloud.endpoint + "/",
        data=urlencode({**parameters, "Version": "2010-08-01"}),
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    SigV4Auth(Credentials("test", "test"), "monitoring", "eu-central-1").add_auth(request)
    answer = httpx.post(str(request.url), content=request.data, headers=dict(request.headers))
    assert answer.status_code == 200 or "Error" in answer.text, answer.text
    return ET.fromstring(answer.text)


def texts(element: ET.Element, name: str) -> list[str]:
    return [e.text or "" for e in element.iter() if e.tag.rpartition("}")[2] == name]


def test_an_alarm_is_described_as_it_was_made(cloud: Cloud, session: LocalSession) -> None:
    topic = session.client("sns").create_topic(Name="whole")["TopicArn"]
    query(
        cloud,
        {
            "Action": "PutMetricAlarm", "AlarmName": "whole", "AlarmDescription": "a < b & c",
            "ActionsEnabled": "false", "Namespace": "AWS/SQS", "MetricName": "Age",
            "Statistic": "Maximum", "Period": "300", "EvaluationPeriods": "3",
            "DatapointsToAlarm": "2", "Threshold": "900.5", "TreatMissingData": "notBreaching",
            "ComparisonOperator": "GreaterThanThreshold",
            "Dimensions.member.1.Name": "QueueName", "Dimensions.member.1.Value": "work",
            "AlarmActions.member.1": topic, "OKActions.member.1": topic,
            "InsufficientDataActions.member.1": topic, "Tags.member.1.Key": "owner",
            "Tags.member.1.Value": "infra",
        },
    )  # fmt: skip
    for action in (
        {"Action": "DescribeAlarms", "AlarmNames.member.1": "whole"},
        {"Action": "DescribeAlarmsForMetric", "Namespace": "AWS/SQS", "MetricName": "Age"},
    ):
        root = query(cloud, action)
        expected = {
            "AlarmName": ["whole"], "AlarmDescription": ["a < b & c"], "Statistic": ["Maximum"],
            "ActionsEnabled": ["false"], "Period": ["300"], "EvaluationPeriods": ["3"],
            "DatapointsToAlarm": ["2"], "Threshold": ["900.5"], "Value": ["work"],
            "TreatMissingData": ["notBreaching"], "MetricName": ["Age"],
        }  # fmt: skip
        assert {name: texts(root, name) for name in expected} == expected
        assert texts(root, "member").count(topic) == 3
    tags = query(
        cloud,
        {"Action": "ListTagsForResource", "ResourceARN": texts(root, "AlarmArn")[0]},
    )
    assert (texts(tags, "Key"), texts(tags, "Value")) == (["owner"], ["infra"])
    refused = query(cloud, {"Action": "DescribeAlarms", "MaxRecords": "500"})
    assert texts(refused, "Code") == ["ValidationError"]
    refused = query(
        cloud,
        {"Action": "PutMetricAlarm", "AlarmName": "refused", "Namespace": "N", "MetricName": "M",
         "Period": "60", "EvaluationPeriods": "1", "Threshold": "1", "Statistic": "Sum",
         "ComparisonOperator": "GreaterThanThreshold", "Tags.member.1.Key": "aws:reserved",
         "Tags.member.1.Value": "x"},
    )  # fmt: skip
    assert texts(refused, "Code")

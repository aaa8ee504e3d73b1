"""What a rehearsal needs of the local cloud: foreign packages, APIs of any account, machines."""

from __future__ import annotations

import importlib.machinery
import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from glue.local.mends.lambda_platform import Layers, foreign_file
from tests.unit.local.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.clients import LocalSession
    from glue.local.cloud import Cloud

OWN = f"python/own{importlib.machinery.EXTENSION_SUFFIXES[0]}"
FOREIGN = "python/theirs.cpython-39-s390x-linux-gnu.so"
ANSWERING = "def handler(event, context):\n    return 'ran'\n"


def layer(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((OWN, "python/any.abi3.so", "python/a.py"), None),
        ((OWN, FOREIGN), FOREIGN),
        (("python/x.cpython-39.pyc",), None),
        ((), None),
    ],
)
def test_a_layer_compiled_for_another_platform_is_known(
    names: tuple[str, ...], expected: str | None
) -> None:
    content = layer(*names)
    assert foreign_file(content) == expected
    layers = Layers()
    assert [layers.foreign(content), layers.foreign(content)] == [expected, expected]


@pytest.mark.local
def test_a_function_for_another_platform_leaves_its_queue_alone(
    session: LocalSession, zipped: Callable[[str], bytes], role: Callable[..., str]
) -> None:
    functions, queues = session.client("lambda"), session.client("sqs")
    arn = role("foreign", {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    urls = {}
    for name, file in (("runs", OWN), ("waits", FOREIGN)):
        made = functions.publish_layer_version(LayerName=name, Content={"ZipFile": layer(file)})
        functions.create_function(
            FunctionName=name, Runtime="python3.12", Handler="index.handler", Role=arn,
            Code={"ZipFile": zipped(ANSWERING)}, Layers=[made["LayerVersionArn"]],
        )  # fmt: skip
        urls[name] = queues.create_queue(QueueName=name)["QueueUrl"]
        queue = queues.get_queue_attributes(QueueUrl=urls[name], AttributeNames=["QueueArn"])
        functions.create_event_source_mapping(
            FunctionName=name, EventSourceArn=queue["Attributes"]["QueueArn"]
        )
    for url in reversed(urls.values()):
        queues.send_message(QueueUrl=url, MessageBody="{}")

    def waiting(name: str) -> int:
        answer = queues.get_queue_attributes(QueueUrl=urls[name], AttributeNames=["All"])
        attributes = answer["Attributes"]
        visible = int(attributes["ApproximateNumberOfMessages"])
        return visible + int(attributes["ApproximateNumberOfMessagesNotVisible"])

    # Sent later, and already gone: the other one was passed over, not merely slow.
    eventually(lambda: waiting("runs") == 0)
    assert waiting("waits") == 1
    refused = functions.invoke(FunctionName="waits")
    told: dict[str, Any] = json.loads(refused["Payload"].read())
    assert refused["FunctionError"]
    assert f"{FOREIGN} was compiled for another platform" in told["errorMessage"]


@pytest.mark.local
def test_an_api_of_any_account_is_found_without_credentials(cloud: Cloud) -> None:
    import boto3

    maker: Any = boto3.session.Session("123456789012", "test", region_name="eu-west-1")
    apis = maker.client("apigateway", endpoint_url=cloud.endpoint)
    api = apis.create_rest_api(name="found")["id"]
    (root,) = apis.get_resources(restApiId=api)["items"]
    where = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    apis.put_method(**where, authorizationType="NONE", apiKeyRequired=True)
    apis.put_integration(**where, type="MOCK")
    apis.create_deployment(restApiId=api, stageName="v1")

    def status(identifier: str) -> int:
        address = f"{cloud.endpoint}/_aws/execute-api/{identifier}/v1/"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, timeout=60)
        return refused.value.code

    assert status(api) == 403  # it wants a key: so it was found
    assert status("0123456789") == 404


@pytest.mark.local
def test_a_running_instance_reports_that_nothing_failed(session: LocalSession) -> None:
    machines, metrics = session.client("ec2"), session.client("cloudwatch")
    run = {"ImageId": "ami-0c55b159cbfafe1f0", "MinCount": 1, "MaxCount": 1}
    running, stopped = (
        machines.run_instances(**run)["Instances"][0]["InstanceId"] for _ in range(2)
    )
    machines.terminate_instances(InstanceIds=[stopped])

    def points(identifier: str) -> list[dict[str, Any]]:
        answer = metrics.get_metric_statistics(
            Namespace="AWS/EC2", MetricName="StatusCheckFailed_System", Period=60,
            Dimensions=[{"Name": "InstanceId", "Value": identifier}], Statistics=["Maximum"],
            StartTime=time.time() - 300, EndTime=time.time() + 60,
        )  # fmt: skip
        found: list[dict[str, Any]] = answer["Datapoints"]
        return found

    eventually(lambda: points(running))
    assert {point["Maximum"] for point in points(running)} == {0.0}
    assert points(stopped) == []

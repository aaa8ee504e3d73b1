"""State machines of the running local cloud: errors, repetitions, names, rights, limits."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import ClientError

from glue.local.clients import LocalSession
from tests.unit.local.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

NAME, SLOW_NAME = "failing-by-kind", "slow"
SOURCE = """
import os, time
CALLS = []
class EvalAIBusy(Exception): pass
def handler(event, context):
    CALLS.append(1)
    kind = event.get("kind")
    if kind == "busy": raise EvalAIBusy("come later")
    if kind == "slow": time.sleep(10)
    if kind == "end": os._exit(3)
    return {"calls": len(CALLS), "event": event}
"""


@pytest.fixture
def function(
    session: LocalSession, zipped: Callable[[str], bytes], role: Callable[..., str]
) -> str:
    """A function that fails on request, made once, and a sister that has hardly any time."""
    functions = session.client("lambda")
    try:
        found = functions.get_function(FunctionName=NAME)["Configuration"]
    except functions.exceptions.ResourceNotFoundException:
        arn = role(NAME, {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"})
        _, found = (
            functions.create_function(
                FunctionName=name, Runtime="python3.13", Role=arn, Handler="index.handler",
                Timeout=seconds, Code={"ZipFile": zipped(SOURCE)},
            )
            for name, seconds in ((SLOW_NAME, 1), (NAME, 60))
        )  # fmt: skip
    made: str = found["FunctionArn"]
    return made


@pytest.fixture
def machine(session: LocalSession, function: str, role: Callable[..., str]) -> Callable[..., str]:
    """Make a state machine, its role one that may call the function."""

    def make(name: str, definition: dict[str, Any], resource: str = function, **more: Any) -> str:
        statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": resource}
        made = session.client("stepfunctions").create_state_machine(
            name=name, roleArn=role(f"of-{name}", statement), definition=json.dumps(definition),
            **more,
        )  # fmt: skip
        arn: str = made["stateMachineArn"]
        return arn

    return make


def one_task(function: str, **more: Any) -> dict[str, Any]:
    payload = {"kind.$": "$.kind", "run.$": "$", "execution.$": "$$.Execution.Id"}
    task = {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload",
        "Parameters": {"FunctionName": function, "Payload": payload},
    }  # fmt: skip
    return {"StartAt": "A", "States": {"A": {**task, "End": True, **more}}}


def ended(session: LocalSession, machine: str, given: Any, **more: Any) -> dict[str, Any]:
    client = session.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine, input=json.dumps(given), **more)

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_execution(executionArn=arn["executionArn"])
        return found if found["status"] != "RUNNING" else None

    found: dict[str, Any] = eventually(look)
    return found


def history(session: LocalSession, arn: str) -> list[str]:
    client = session.client("stepfunctions")
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event["type"] for page in pages for event in page["events"]]


def test_an_error_is_called_by_its_class(session: LocalSession, function: str) -> None:
    functions = session.client("lambda")

    def call(kind: str, name: str = function) -> dict[str, Any]:
        reply = functions.invoke(FunctionName=name, Payload=json.dumps({"kind": kind}))
        told: dict[str, Any] = json.loads(reply["Payload"].read())
        assert ("FunctionError" in reply) == (kind != "fine")
        return told

    before = call("fine")["calls"]
    told = call("busy")
    assert (told["errorType"], told["errorMessage"]) == ("EvalAIBusy", "come later")
    assert 'raise EvalAIBusy("come later")' in told["stackTrace"][-1]
    assert told["requestId"]
    assert call("fine")["calls"] == before + 2, "an exception ends no worker"
    assert call("slow", SLOW_NAME)["errorType"] == "Sandbox.Timedout"
    told = call("end")
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].startswith("RequestId: ")
    assert call("fine")["calls"] == 1, "a worker that ended is replaced"


def test_code_that_cannot_begin_is_told_apart(
    session: LocalSession, zipped: Callable[[str], bytes], role: Callable[..., str]
) -> None:
    functions = session.client("lambda")
    arn = role("broken", {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"})
    for name, source, expected in (
        ("lacking", "import not_there", "Runtime.ImportModuleError"),
        ("garbled", "def handler(:", "Runtime.UserCodeSyntaxError"),
        ("empty", "", "Runtime.HandlerNotFound"),
        ("failing-at-once", "raise ValueError('no')", "ValueError"),
    ):
        functions.create_function(
            FunctionName=name, Runtime="python3.13", Role=arn, Handler="index.handler",
            Code={"ZipFile": zipped(source)},
        )  # fmt: skip
        told = json.loads(functions.invoke(FunctionName=name)["Payload"].read())
        assert told["errorType"] == expected


def test_errors_reach_the_state_machine(
    session: LocalSession, function: str, machine: Callable[..., str]
) -> None:
    plain = machine("plain", one_task(function))
    found = ended(session, plain, {"kind": "fine", "more": [1]})
    answer = json.loads(found["output"])["event"]
    assert answer["run"] == {"kind": "fine", "more": [1]}
    assert answer["execution"] == found["executionArn"]
    found = ended(session, plain, {"kind": "busy"})
    assert (found["status"], found["error"]) == ("FAILED", "EvalAIBusy")
    cause = json.loads(found["cause"])
    assert cause["errorType"] == "EvalAIBusy"
    assert cause["stackTrace"]
    slow = machine("too-slow", one_task(SLOW_NAME), function.replace(NAME, SLOW_NAME))
    assert ended(session, slow, {"kind": "slow"})["error"] == "Sandbox.Timedout"
    limited = machine("limited", one_task(function, TimeoutSeconds=1))
    assert ended(session, limited, {"kind": "slow"})["error"] == "States.Timeout"


def test_repetitions_by_name(
    session: LocalSession, function: str, machine: Callable[..., str]
) -> None:
    retry = [
        {"ErrorEquals": ["Other"], "MaxAttempts": 9},
        {"ErrorEquals": ["EvalAIBusy"], "IntervalSeconds": 60, "BackoffRate": 1, "MaxAttempts": 3},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 5},
    ]
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "B"}]
    definition = one_task(function, Retry=retry, Catch=catch)
    definition["States"]["B"] = {"Type": "Pass", "End": True}
    began = time.monotonic()
    found = ended(session, machine("repeated", definition), {"kind": "busy"})
    assert time.monotonic() - began > 3 * 0.6, "three times a minute, a hundred times as fast"
    output = json.loads(found["output"])
    assert output["kind"] == "busy"
    assert output["error"]["Error"] == "EvalAIBusy"
    assert history(session, found["executionArn"]).count("TaskScheduled") == 4


def test_the_same_start_is_one_execution(
    session: LocalSession, machine: Callable[..., str]
) -> None:
    wait = {"Type": "Wait", "SecondsPath": "$.s", "Next": "B"}
    arn = machine("waiting", {"StartAt": "A", "States": {"A": wait, "B": {"Type": "Succeed"}}})
    client = session.client("stepfunctions")

    def start(given: str, name: str = "one") -> dict[str, Any]:
        made: dict[str, Any] = client.start_execution(stateMachineArn=arn, name=name, input=given)
        return made

    first, second = start('{"s": 300}'), start('{"s": 300}')
    assert first["executionArn"] == second["executionArn"]
    assert first["startDate"] == second["startDate"]
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        start('{"s": 301}')
    eventually(
        lambda: (
            client.describe_execution(executionArn=first["executionArn"])["status"] == "SUCCEEDED"
        )
    )
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        start('{"s": 300}')
    for name in ("a b", "a/b", "a" * 81):
        with pytest.raises(client.exceptions.InvalidName):
            start("{}", name)
    with pytest.raises(client.exceptions.InvalidExecutionInput):
        start("{", "two")


def test_a_role_without_the_right_calls_nothing(
    session: LocalSession, function: str, machine: Callable[..., str]
) -> None:
    arn = machine("without", one_task(function), resource=f"{function}-other")
    found = ended(session, arn, {"kind": "fine"})
    assert found["error"] == "Lambda.AWSLambdaException"
    assert "is not authorized to perform: lambda:InvokeFunction on resource" in found["cause"]
    by_name = one_task(NAME)
    assert ended(session, machine("by-name", by_name), {"kind": "fine"})["status"] == "SUCCEEDED"


def test_what_was_stopped_stays_stopped(
    session: LocalSession, function: str, machine: Callable[..., str]
) -> None:
    retry = [{"ErrorEquals": ["EvalAIBusy"], "IntervalSeconds": 30, "MaxAttempts": 99,
              "MaxDelaySeconds": 31}]  # fmt: skip
    arn = machine("stopped", one_task(function, Retry=retry))
    client = session.client("stepfunctions")
    run = client.start_execution(stateMachineArn=arn, input='{"kind": "busy"}')["executionArn"]
    eventually(lambda: history(session, run).count("TaskFailed") >= 2)
    client.stop_execution(executionArn=run, error="Stopped", cause="by a test")
    calls = history(session, run).count("TaskScheduled")
    time.sleep(1)
    assert history(session, run).count("TaskScheduled") <= calls + 1
    assert client.describe_execution(executionArn=run)["status"] == "ABORTED"


def test_a_machine_that_takes_too_long_ends(
    session: LocalSession, machine: Callable[..., str]
) -> None:
    wait = {"Type": "Wait", "Seconds": 9000, "End": True}
    arn = machine("slow", {"StartAt": "A", "TimeoutSeconds": 1, "States": {"A": wait}})
    found = ended(session, arn, {})
    assert found["status"] == "TIMED_OUT"
    assert history(session, found["executionArn"])[-1] == "ExecutionTimedOut"


def test_definitions_are_checked_and_kept(
    session: LocalSession, machine: Callable[..., str]
) -> None:
    client = session.client("stepfunctions")
    good = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    arn = machine("described", good, tracingConfiguration={"enabled": True})
    assert client.describe_state_machine(stateMachineArn=arn)["tracingConfiguration"] == {
        "enabled": True
    }
    plain = machine("untraced", good)
    assert not client.describe_state_machine(stateMachineArn=plain)["tracingConfiguration"][
        "enabled"
    ]
    client.update_state_machine(stateMachineArn=arn, tracingConfiguration={"enabled": False})
    new = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1, "End": True}}}
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(new))
    assert ended(session, arn, {})["output"] == "1"
    lost = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "Next": "Z"}}}
    for call in (
        lambda: client.update_state_machine(stateMachineArn=arn, definition=json.dumps(lost)),
        lambda: machine("lost", lost),
    ):
        with pytest.raises(ClientError, match=r"MISSING_TRANSITION_TARGET.*Z at /States/A/Next"):
            call()
    told = client.validate_state_machine_definition(definition=json.dumps(lost))
    assert told["result"] == "FAIL"
    assert told["diagnostics"][0]["severity"] == "ERROR"
    assert client.validate_state_machine_definition(definition=json.dumps(good))["result"] == "OK"


def test_many_at_once_and_a_restart(
    cloud: Cloud, session: LocalSession, function: str, machine: Callable[..., str]
) -> None:
    definition = one_task(function, End=False, Next="B")
    del definition["States"]["A"]["End"]
    definition["States"]["B"] = {"Type": "Wait", "Seconds": 60, "Next": "C"}
    definition["States"]["C"] = {"Type": "Succeed"}
    arn = machine("many", definition)
    client = session.client("stepfunctions")
    for number in range(100):
        client.start_execution(stateMachineArn=arn, name=f"n-{number}", input='{"kind": "fine"}')
    waiting = machine(
        "long", {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 9000, "End": True}}}
    )
    run = client.start_execution(stateMachineArn=waiting, name="long")["executionArn"]

    def statuses() -> dict[str, int]:
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=arn)
        found = [entry["status"] for page in pages for entry in page["executions"]]
        return {status: found.count(status) for status in found}

    eventually(lambda: statuses() == {"SUCCEEDED": 100}, 60)
    workers = psutil.Process(cloud.facts()["pid"]).children()
    assert len(workers) < 50, "functions take turns"

    def counted() -> float:
        found = session.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/States", MetricName="ExecutionsSucceeded", Statistics=["Sum"],
            Dimensions=[{"Name": "StateMachineArn", "Value": arn}], Period=3600,
            StartTime=time.time() - 3600, EndTime=time.time() + 60,
        )  # fmt: skip
        return float(sum(point["Sum"] for point in found["Datapoints"]))

    eventually(lambda: counted() == 100)
    cloud.down()
    cloud.up()
    found = client.describe_execution(executionArn=run)
    assert (found["status"], found["error"]) == ("FAILED", "States.ServiceRestart")
    assert statuses() == {"SUCCEEDED": 100}
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=waiting, name="long")


def test_a_user_with_keys_can_be_emptied(session: LocalSession) -> None:
    iam = session.client("iam")
    iam.create_user(UserName="sends-for-somebody", Path="/evalai/")
    iam.create_access_key(UserName="sends-for-somebody")
    assert iam.list_ssh_public_keys(UserName="sends-for-somebody")["SSHPublicKeys"] == []
    assert iam.list_signing_certificates(UserName="sends-for-somebody")["Certificates"] == []
    asked = iam.list_service_specific_credentials
    assert asked(UserName="sends-for-somebody")["ServiceSpecificCredentials"] == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.list_ssh_public_keys(UserName="nobody")

"""What the mends of state machines decide, without a cloud."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from glue.errors import InputError
from glue.local import configuration, images, launcher
from glue.local.mends import (
    MendError,
    eks_endpoint,
    lambda_errors,
    states_executions,
    states_machines,
    states_tasks,
)


class Failed(Exception):  # noqa: N818 - stands for the emulator's own
    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error, self.cause = error, cause


@pytest.mark.parametrize(
    ("retrier", "waits"),
    [
        ({}, [1, 2, 4, 8]),
        ({"IntervalSeconds": 60, "BackoffRate": 1}, [60, 60, 60]),
        ({"IntervalSeconds": 30, "BackoffRate": 2, "MaxDelaySeconds": 100}, [30, 60, 100, 100]),
    ],
)
def test_delays(retrier: dict[str, Any], waits: list[float]) -> None:
    assert [states_tasks.delay(retrier, count) for count in range(len(waits))] == waits


def test_jitter_takes_any_part_of_a_delay() -> None:
    retrier = {"IntervalSeconds": 10, "BackoffRate": 1, "JitterStrategy": "FULL"}
    found = [states_tasks.delay(retrier, 5) for _ in range(200)]
    assert 0 <= min(found) < 3
    assert 7 < max(found) <= 10
    assert states_tasks.delay({"IntervalSeconds": 1}, 5000) > 0, "a large count is no overflow"


@pytest.mark.parametrize(
    ("seconds", "scale", "takes"),
    [(30, 0.01, 0.3), (1, 0.01, 0.2), (0, 0.01, 0), (0.1, 0.01, 0.1), (30, 1, 30), (900, 0.01, 9)],
)
def test_waits_are_shortened_but_not_to_nothing(seconds: float, scale: float, takes: float) -> None:
    assert states_tasks.scaled(seconds, scale) == pytest.approx(takes)


@pytest.mark.parametrize(
    ("names", "error", "expected"),
    [
        (["EvalAIBusy"], "EvalAIBusy", True),
        (["EvalAIBusy"], "EvalAIUnavailable", False),
        (["States.ALL"], "Anything", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.Runtime"], "States.Runtime", True),
        (["States.TaskFailed"], "EvalAIBusy", True),
        (["States.TaskFailed"], "States.Timeout", False),
    ],
)
def test_which_errors_a_name_means(names: list[str], error: str, expected: bool) -> None:
    assert states_tasks.matches(names, error) is expected


def test_a_throttled_function_has_its_own_error() -> None:
    def call(reference: str, event: Any) -> Any:
        raise Failed(*event)

    called = states_tasks._permitted(SimpleNamespace(_call_lambda=call, _ExecutionError=Failed))
    throttled = json.dumps({"__type": "TooManyRequestsException"})
    for told, expected in (
        (("Lambda.Unknown", throttled), "Lambda.TooManyRequestsException"),
        (("Lambda.Unknown", "worker"), "Lambda.Unknown"),
        (("EvalAIBusy", throttled), "EvalAIBusy"),
    ):
        with pytest.raises(Failed) as failed:
            called("f", told)
        assert failed.value.error == expected


def test_a_wait_of_an_execution_that_was_stopped_ends_it() -> None:
    current = states_tasks.Current()
    sleep = states_tasks._sleeping(
        SimpleNamespace(_SFN_WAIT_SCALE=0.0001, _ExecutionError=Failed), current
    )
    sleep(0)
    current.execution = {"status": "RUNNING"}
    current.retry = ({"IntervalSeconds": 0}, 0)
    sleep(9_000_000)
    assert current.__dict__["retry"] is None
    current.execution["status"] = "ABORTED"
    with pytest.raises(Failed, match=r"States\.Runtime"):
        sleep(0)


def test_a_machine_that_is_gone_asks_for_no_right() -> None:
    gone = SimpleNamespace(_state_machines={})
    states_tasks.require_right(gone, {"stateMachineArn": "a"}, "r", {})


def test_histories_are_limited() -> None:
    added: list[str] = []

    def add(execution: Any, kind: str, details: Any) -> None:
        added.append(kind)

    limited = states_executions._limited(SimpleNamespace(_ExecutionError=Failed), add)
    most = states_executions.MOST_EVENTS
    limited({"events": [None] * (most - 2), "status": "RUNNING"}, "PassStateEntered")
    with pytest.raises(Failed, match=r"States\.Runtime"):
        limited({"events": [None] * (most - 1), "status": "RUNNING"}, "PassStateExited")
    limited({"events": [None] * (most - 1), "status": "FAILED"}, "ExecutionFailed")
    assert added == ["PassStateEntered", "ExecutionFailed"]


@pytest.mark.parametrize(
    ("limit", "status", "age", "expected"),
    [
        (10, "RUNNING", 11, True),
        (10, "RUNNING", 9, False),
        (10, "SUCCEEDED", 11, False),
        (None, "RUNNING", 10**9, False),
    ],
)
def test_what_is_overdue(limit: int | None, status: str, age: float, expected: bool) -> None:
    definition = {} if limit is None else {"TimeoutSeconds": limit}
    machine = {"definition": json.dumps(definition)}
    execution = {"status": status, "startDate": "2026-11-20T00:00:00Z"}
    now = datetime(2026, 11, 20, tzinfo=UTC).timestamp() + age
    assert states_executions.overdue(machine, execution, now) is expected
    assert not states_executions.overdue(None, execution, now)


def test_what_has_ended_does_not_fail() -> None:
    failed: list[str] = []
    fail = states_executions._failing(lambda execution, error, cause: failed.append(error))
    fail({"status": "ABORTED"}, "late", "")
    fail({"status": "RUNNING"}, "error", "")
    assert failed == ["error"]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        (None, "{}", None),
        ("99-1", "{}", None),
        ("submission_99.attempt-1", "[]", None),
        ("", "{}", "InvalidName"),
        ("a" * 81, "{}", "InvalidName"),
        ("a:b", "{}", "InvalidName"),
        ("a\n", "{}", "InvalidName"),
        ("a", "", "InvalidExecutionInput"),
        ("a", f'"{"x" * 262_144}"', "InvalidExecutionInput"),
    ],
)
def test_names_and_inputs(name: str | None, given: str, expected: str | None) -> None:
    refused = states_executions.refusal(name, given)
    assert (refused and refused[0]) == expected


TASK = {"Type": "Task", "Resource": "arn", "End": True}


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("{", "INVALID_JSON_DESCRIPTION"),
        ("[]", "it is no object"),
        ({}, "'States' is required"),
        ({"StartAt": "B", "States": {"A": TASK}}, "target: B at /StartAt"),
        ({"StartAt": "A", "States": {"A": {"Type": "Loop"}}}, "'Type' should have"),
        ({"StartAt": "A", "States": {"A": {**TASK, "Next": "A"}}}, "Expected one of these fields"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass"}}}, "Expected one of these fields"),
        ({"StartAt": "A", "States": {"A": {"Type": "Task", "End": True}}}, "'Resource'"),
        (
            {"StartAt": "A", "States": {"A": {**TASK, "Catch": [{"Next": "Z"}]}}},
            "target: Z at /States/A/Catch[0]/Next",
        ),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [{"Next": "A"}],
                                              "Default": "Q"}}},
            "target: Q at /States/A/Default",
        ),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Map", "End": True,
                                              "ItemProcessor": {"StartAt": "I", "States": {}}}}},
            "'States' is required and not empty at /States/A/0/",
        ),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Parallel", "End": True, "Branches": [
                {"StartAt": "X", "States": {"B": {"Type": "Fail"}}}]}}},
            "target: X at /States/A/0/StartAt",
        ),
    ],
)  # fmt: skip
def test_broken_definitions(definition: Any, words: str) -> None:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    found = states_machines.problems(text)
    assert len(found) == 1
    assert words in found[0]


def test_a_good_definition_has_no_problem() -> None:
    states = {"A": {"Type": "Choice", "Choices": [{"Next": "B"}], "Default": "C"},
              "B": {**TASK, "Catch": [{"Next": "C"}]}, "C": {"Type": "Fail"}}  # fmt: skip
    assert states_machines.problems(json.dumps({"StartAt": "A", "States": states})) == []


def test_what_a_failed_call_says() -> None:
    body = {"errorMessage": "Task timed out", "errorType": "Sandbox.Timedout"}
    assert lambda_errors.completed(body, {}, "r") == body
    told = lambda_errors.completed(body, {"error": lambda_errors.DIED}, "r")
    assert told["errorType"] == "Runtime.ExitError"
    for kind, expected in (
        ("ModuleNotFoundError", "Runtime.ImportModuleError"),
        ("SyntaxError", "Runtime.UserCodeSyntaxError"),
        ("ValidationError", "ValidationError"),
    ):
        begun = {"errorMessage": f"Worker init failed: {kind}: a\nb", "errorType": "RuntimeError"}
        told = lambda_errors.completed(begun, {}, "r")
        assert (told["errorType"], told["errorMessage"]) == (expected, "a\nb")
    told = lambda_errors.completed(body, {"error": "no", "type": "KeyError", "stack": ["s"]}, "r")
    assert told == {
        "errorMessage": "no", "errorType": "KeyError", "requestId": "r", "stackTrace": ["s"],
    }  # fmt: skip


def test_a_worker_that_tells_otherwise_is_refused(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ministack.core import lambda_runtime

    monkeypatch.setattr(lambda_runtime, "_PYTHON_WORKER_SCRIPT", "def run(): ...")
    with pytest.raises(MendError, match="tells of errors otherwise"):
        lambda_errors.apply(home)


def test_the_address_of_clusters() -> None:
    try:
        eks_endpoint.serve_from(4511)
        assert eks_endpoint._serving.address == "http://127.0.0.1:4511"
    finally:
        eks_endpoint.serve_from(None)
    assert eks_endpoint._serving.address is None


def test_the_scale_of_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    read = configuration.wait_scale_from_environment
    monkeypatch.delenv("PROVING_GROUND_LOCAL_WAIT_SCALE", raising=False)
    assert read() == 0.01
    monkeypatch.setenv("PROVING_GROUND_LOCAL_WAIT_SCALE", " 1 ")
    assert read() == 1.0
    for wrong in ("0", "2", "fast", "nan", "-1"):
        monkeypatch.setenv("PROVING_GROUND_LOCAL_WAIT_SCALE", wrong)
        with pytest.raises(InputError, match="no share of the time") as error:
            read()
        assert error.value.field == "PROVING_GROUND_LOCAL_WAIT_SCALE"


def test_the_emulator_is_told_the_scale(home: Any) -> None:
    environment: dict[str, str] = {}
    launcher.prepare_environment(environment, home, 4566, 0.5)
    assert environment["SFN_WAIT_SCALE"] == "0.5"


@pytest.mark.parametrize(
    ("reference", "module", "more"),
    [
        ("000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-simulator:stable",
         "glue.local.carla.simulator", []),
        ("000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-leaderboard@sha256:0",
         "glue.local.carla.evaluator", []),
        ("logcopy", "glue.uploader", []),
        ("agent:1", "glue.local.carla.agent", []),
        ("local-agent-that-crashes:1", "glue.local.carla.agent", ["--crash", "3"]),
        ("local-agent-that-hangs:1", "glue.local.carla.agent", ["--hang", "3"]),
    ],
)  # fmt: skip
def test_the_programs_of_a_leaderboards_pod(reference: str, module: str, more: list[str]) -> None:
    import importlib.util
    import sys

    words = images.find(reference, images.IMAGES).words([])
    assert words == [sys.executable, "-m", module, *more]
    assert importlib.util.find_spec(module)

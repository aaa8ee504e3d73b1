"""The function that the state machine calls, and what it opens for its steps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from glue import aws
from glue.errors import InputError
from glue.leaderboard.evalai.client import EvalAI
from glue.leaderboard.kubernetes.client import Kubernetes
from glue.leaderboard.parameters import forget_parameters
from glue.leaderboard.run import Failure, Run
from glue.leaderboard.services import forget_connections, open_services
from glue.leaderboard.states import State
from glue.leaderboard.telemetry import count
from glue.settings import PREFIX, RunSubmissionSettings, forget_settings, load
from lambdas.run_submission import handler as module
from lambdas.run_submission.handler import handler
from tests.unit.leaderboard.steps.world import MACHINE, World
from tests.unit.leaderboard.store.ground import BUCKET, LEADERBOARD, PARAMETERS, REGION, Ground
from tests.unit.recordings.samples import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

EXECUTION = f"{MACHINE.replace('stateMachine', 'execution')}:submission-1-attempt-1"


@pytest.fixture
def settings(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunSubmissionSettings]:
    values: dict[str, Any] = {
        "environment": "test",
        "leaderboard": LEADERBOARD,
        "parameters_secret_arn": ground.parameters_arn,
        "evalai_secret_arn": ground.evalai_arn,
        "budget_table": "evalai-budget",
        "state_machine_arn": MACHINE,
        "evaluation": {"routes": 25, "version": "2.0"},
        "pod": {"watch_seconds": 7},
    }
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv(PREFIX + name.upper(), text)
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_DEFAULT_REGION", REGION),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    forget()
    yield load(RunSubmissionSettings)
    forget()


def forget() -> None:
    forget_settings()
    forget_parameters()
    forget_connections()
    aws.forget_clients()


def call(event: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = handler(json.loads(json.dumps(event)), Context())
    json.dumps(answer)
    return answer


def test_the_function_takes_a_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_services", lambda: world.services)
    run = world.submit()
    event = {"step": "prepare", "run": run.model_dump(mode="json"), "execution": EXECUTION}
    answer = call(event)
    assert answer["next"] == "launch"
    following = Run.model_validate(answer)
    assert following.execution == world.stored(run).execution == EXECUTION
    answer = call({"step": "launch", "run": answer, "execution": EXECUTION})
    assert (answer["next"], answer["wait_seconds"]) == ("watch", 30)


def test_the_function_takes_what_a_catch_has_added(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_services", lambda: world.services)
    run = world.step(world.submit())
    error = {"Error": "States.Timeout", "Cause": "", "More": "is left alone"}
    event = {"step": "fail", "run": run.model_dump(mode="json") | {"error": error}}
    answer = call(event | {"execution": EXECUTION})
    assert (answer["next"], answer["error"]) == ("end", None)
    assert world.stored(run).reason_code == "step_timeout"


def test_an_error_reaches_the_state_machine_by_its_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_services", lambda: world.services)
    run = world.submit()
    world.evalai.fault("status", status=503, times=None)
    with pytest.raises(Exception, match="EvalAI answers 503") as raised:
        call({"step": "prepare", "run": run.model_dump(mode="json"), "execution": EXECUTION})
    assert type(raised.value).__name__ == "EvalAIUnavailable"


def test_services_are_opened_by_the_settings(settings: RunSubmissionSettings) -> None:
    services = open_services(settings)
    assert (services.leaderboard, services.state_machine_arn) == (LEADERBOARD, MACHINE)
    assert (services.evaluation.records, services.pod.watch_seconds) == (25, 7)
    assert services.parameters.cloudwatch_log_group == LEADERBOARD
    assert services.storage.bucket == BUCKET
    assert services.table.find(1) is None
    assert services.states.meta.service_model.service_name == "stepfunctions"
    assert services.clock() > 0


def test_services_that_cannot_be_opened_do_not_keep_the_others(
    settings: RunSubmissionSettings,
) -> None:
    services = open_services(settings)
    with pytest.raises(InputError, match="glue leaderboard connect"):
        _ = services.evalai  # nobody has written the token yet
    with pytest.raises(InputError, match="certificate_authority"):
        _ = services.kubernetes
    assert services.table.find(1) is None


def test_connections_are_kept_for_as_long_as_the_secrets_say_the_same(
    settings: RunSubmissionSettings, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = PARAMETERS | {"endpoint": "http://127.0.0.1:1"}
    ground.secrets.put_secret_value(SecretId=ground.parameters_arn, SecretString=json.dumps(local))
    access = {"api_server": "https://eval.example", "auth_token": "t" * 20}
    ground.secrets.put_secret_value(SecretId=ground.evalai_arn, SecretString=json.dumps(access))
    first, second = open_services(settings), open_services(settings)
    assert isinstance(first.evalai, EvalAI)
    assert isinstance(first.kubernetes, Kubernetes)
    assert first.evalai is second.evalai
    assert first.kubernetes is second.kubernetes
    renewed = access | {"auth_token": "u" * 20}
    ground.secrets.put_secret_value(SecretId=ground.evalai_arn, SecretString=json.dumps(renewed))
    forget_parameters()
    assert open_services(settings).evalai is not first.evalai
    assert first.evalai is second.evalai


def test_the_function_opens_its_services(settings: RunSubmissionSettings) -> None:
    assert module._services().leaderboard == LEADERBOARD


def test_what_ends_is_counted_by_leaderboard(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVING_GROUND_ENVIRONMENT", "test")
    run = world.step(world.submit()).then("fail", failure=Failure(code="internal"))
    world.drive(run)
    world.drive(run)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    (line,) = lines
    assert line["SubmissionsFailed"] == [1.0]
    assert (line["environment"], line["leaderboard"]) == ("test", LEADERBOARD)
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["environment", "leaderboard"]]
    assert world.stored(run).state is State.FAILED


def test_counting_more_than_one(capsys: pytest.CaptureFixture[str]) -> None:
    count("SubmissionsStuck", LEADERBOARD, 3)
    assert json.loads(capsys.readouterr().out)["SubmissionsStuck"] == [3.0]

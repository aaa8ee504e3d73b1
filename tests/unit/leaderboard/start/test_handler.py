"""The function: messages in, executions out, failures named and put off."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue import aws
from glue.errors import InputError
from glue.leaderboard.evalai.errors import EvalAIBusy, EvalAIUnavailable
from glue.leaderboard.start import retry_seconds, start_messages
from glue.leaderboard.states import State
from glue.messages import LONGEST_RETRY_SECONDS
from glue.settings import StartSubmissionSettings, forget_settings
from lambdas.start_submission.handler import handler
from tests.unit.leaderboard.evalai.stage import CHALLENGE, HOST_TOKEN, IMAGE, PHASE, TEAM, Stage
from tests.unit.leaderboard.start.samples import EvalAI, body_of, executions, start_of
from tests.unit.leaderboard.store.ground import LEADERBOARD, OTHER, REGION, Ground, item_of
from tests.unit.recordings.samples import Context, sqs_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUDGET = "evalai-budget"


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the log lines about failed messages, as their fields."""
    return [vars(line) for line in caplog.records if line.getMessage() == "message failed"]


def test_each_message_stands_for_itself(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    start = start_of(ground, EvalAI())
    event = sqs_event(body_of(1), "poison", body_of(2, phase=77), body_of(3, phase=13), body_of(4))
    assert failed(start_messages(start, event, Context())) == ["message-1", "message-2"]
    assert [len(executions(ground, number)) for number in (1, 2, 3, 4)] == [1, 0, 0, 1]
    assert len(ground.messages(OTHER)) == 1
    failures = logged(caplog)
    assert [(line["levelname"], line["message_id"]) for line in failures] == [
        ("ERROR", "message-1"),
        ("ERROR", "message-2"),
    ]
    assert failures[0]["reason"].startswith("message: it is not JSON")
    assert failures[0]["body"] == "poison"
    assert "phase 77 belongs to no track" in failures[1]["reason"]
    assert not any(line["exc_info"] for line in failures)


def test_a_fault_is_logged_with_its_stack(
    ground: Ground, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise RuntimeError("the table is away")

    monkeypatch.setattr(ground.table, "find", broken)
    start = start_of(ground, EvalAI())
    answer = start_messages(start, sqs_event(body_of(), received=2), Context())
    assert failed(answer) == ["message-0"]
    (line,) = logged(caplog)
    assert (line["reason"], line["received"]) == ("the table is away", 2)
    assert isinstance(line["exc_info"][1], RuntimeError)


def test_a_failed_message_comes_back_and_ends_as_a_dead_letter(ground: Ground) -> None:
    """A queue with two receives: the first failure puts it off, the second is the last."""
    dead = ground.sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = ground.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": "2"}
    url = ground.queues[LEADERBOARD]
    ground.sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "900"}
    )
    ground.sqs.send_message(QueueUrl=url, MessageBody="poison")
    start = start_of(ground, EvalAI())
    put_off: list[int] = []

    class Queues:
        def change_message_visibility(self, **request: Any) -> None:
            put_off.append(request["VisibilityTimeout"])
            ground.sqs.change_message_visibility(**{**request, "VisibilityTimeout": 0})

    start = dataclasses.replace(start, queues=Queues())  # type: ignore[arg-type]
    for received in (1, 2):
        (message,) = ground.sqs.receive_message(QueueUrl=url)["Messages"]
        event = sqs_event(message["Body"], received=received)
        event["Records"][0]["receiptHandle"] = message["ReceiptHandle"]
        source = ":".join(["arn:aws:sqs", REGION, *url.split("/")[-2:]])
        event["Records"][0]["eventSourceARN"] = source
        assert failed(start_messages(start, event, Context())) == ["message-0"]
    assert put_off == [4, 16]
    assert "Messages" not in ground.sqs.receive_message(QueueUrl=url)
    assert ground.sqs.receive_message(QueueUrl=dead)["Messages"][0]["Body"] == "poison"


@given(st.integers(-1, 10**6))
def test_put_off_longer_each_time(received: int) -> None:
    for error in (InputError("a", "b", "c"), EvalAIUnavailable("away"), EvalAIBusy(70, "full")):
        now, then = retry_seconds(received, error), retry_seconds(received + 1, error)
        assert 4 <= now <= then <= LONGEST_RETRY_SECONDS
    assert retry_seconds(received, EvalAIBusy(9999, "full")) == LONGEST_RETRY_SECONDS


def test_evalai_is_given_time() -> None:
    assert [retry_seconds(n, EvalAIUnavailable("away")) for n in (1, 2, 3, 4)] == [
        60,
        240,
        900,
        900,
    ]
    assert retry_seconds(1, EvalAIBusy(75, "full")) == 75


# --- the handler, with EvalAI's stand-in over HTTP --------------------------------------------


@pytest.fixture
def stage(ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    settings = {
        "ENVIRONMENT": "test",
        "LEADERBOARD": LEADERBOARD,
        "PARAMETERS_SECRET_ARN": ground.parameters_arn,
        "EVALAI_SECRET_ARN": ground.evalai_arn,
        "TRACKS_SECRET_ARN": ground.tracks_arn,
        "BUDGET_TABLE": BUDGET,
        "STATE_MACHINE_ARN": ground.machine,
        "QUEUE_URLS": json.dumps(ground.queues),
    }
    assert {f"PROVING_GROUND_{name}" for name in settings} == StartSubmissionSettings.keys()
    for name, value in settings.items():
        monkeypatch.setenv(f"PROVING_GROUND_{name}", value)
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    ground.dynamodb.create_table(
        TableName=BUDGET,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
    )
    forget_settings()
    aws.forget_clients()
    with Stage(tmp_path / "evalai.sqlite") as stage:
        access = {"api_server": stage.url, "auth_token": HOST_TOKEN}
        ground.secrets.put_secret_value(SecretId=ground.evalai_arn, SecretString=json.dumps(access))
        yield stage
    forget_settings()
    aws.forget_clients()


def test_started_once_and_resumed_once(ground: Ground, stage: Stage) -> None:
    stage.put_challenge(remote_evaluation=True, allow_resuming_submissions=True)
    key = stage.submit()
    event = sqs_event(body_of(key.submission, PHASE, submitted_image_uri=IMAGE), "poison")
    for _ in range(5):
        assert failed(handler(event, Context())) == ["message-1"]
    assert list(executions(ground, key.submission)) == [f"submission-{key.submission}-attempt-1"]

    item = item_of(key.submission, team=TEAM, challenge=CHALLENGE, phase=PHASE, image=IMAGE)
    ground.table.move(ground.table.open(item), State.FAILED)
    assert stage.update(key, submission_status="FAILED", result="[]", stdout="", stderr="",
                        environment_log="", metadata="").status_code == 200  # fmt: skip
    assert failed(handler(event, Context())) == ["message-1"]
    assert len(executions(ground, key.submission)) == 1  # EvalAI says that it has failed

    path = f"/api/jobs/submissions/{key.submission}/resume/"
    answer = stage.call("POST", path)
    assert answer.status_code == 200, answer.text
    for _ in range(2):
        handler(event, Context())
    names = sorted(executions(ground, key.submission))
    assert names == [f"submission-{key.submission}-attempt-{number}" for number in (1, 2)]
    found = ground.table.find(key.submission)
    assert found is not None
    assert (found.attempt, found.state) == (2, State.SUBMITTED)


def test_not_connected_yet(ground: Ground, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    ground.secrets.put_secret_value(SecretId=ground.evalai_arn, SecretString="{}")
    ground.table.move(ground.table.open(item_of()), State.FAILED)
    assert failed(handler(sqs_event(body_of()), Context())) == ["message-0"]
    (line,) = logged(caplog)
    assert "api_server: it is missing; run `glue leaderboard connect`" in line["reason"]

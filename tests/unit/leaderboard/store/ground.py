"""AWS in process by moto: a leaderboard's table, bucket, queues, secrets and state machine."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

from glue.leaderboard.parameters import forget_parameters
from glue.leaderboard.storage import Storage
from glue.leaderboard.table import SubmissionItem, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-central-1"
LEADERBOARD, OTHER = "leaderboard-10", "leaderboard-20"
BUCKET = "test-leaderboard-10-123456789012"
TRACKS = {
    "12": f"{LEADERBOARD}-SENSORS",
    "13": f"{OTHER}-SENSORS",
    "14": "leaderboard-30-SENSORS",
    "15": "nonsense",
}
PARAMETERS = {
    "name": "cluster",
    "endpoint": "https://cluster.example",
    "certificate_authority": "Y2E=",
    "simulator_image": "registry/simulator:1",
    "leaderboard_image": "registry/leaderboard:1",
    "logcopy_image": "registry/logcopy:1",
    "s3_bucket": BUCKET,
    "dynamodb_submissions_table": LEADERBOARD,
    "cloudwatch_log_group": LEADERBOARD,
}
NOW = 1_795_000_000.0  # 2026-11-18T11:06:40Z


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def item_of(submission: int = 99, **fields: Any) -> SubmissionItem:
    content = {"team": 5, "submission": submission, "challenge": 7, "phase": 12} | fields
    return SubmissionItem.model_validate(content)


def create_table(client: Any, name: str) -> None:
    keys = [("team-id", "HASH"), ("submission-id", "RANGE")]
    indexes = {
        "by-submission": [("submission-id", "HASH")],
        "by-state": [("state", "HASH"), ("updated_at", "RANGE")],
    }
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"}
            for key in ("team-id", "submission-id", "state", "updated_at")
        ],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in schema],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, schema in indexes.items()
        ],
    )


@cache
def client(service: str) -> Any:
    """Return the one client of a service: five new ones for each test would take half its time."""
    return boto3.client(  # type: ignore[call-overload]
        service, aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION
    )


class Ground:
    """One leaderboard's resources, and clients for them."""

    def __init__(self) -> None:
        self.dynamodb = client("dynamodb")
        self.s3 = client("s3")
        self.secrets = client("secretsmanager")
        self.sqs = client("sqs")
        self.states = client("stepfunctions")
        self.clock = Clock()
        create_table(self.dynamodb, LEADERBOARD)
        self.table = Table(self.dynamodb, LEADERBOARD, self.clock)
        self.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self.storage = Storage(self.s3, BUCKET)
        self.queues = {
            name: self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in (LEADERBOARD, OTHER)
        }
        self.machine = self.states.create_state_machine(
            name=LEADERBOARD,
            definition=json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/states",
        )["stateMachineArn"]
        self.parameters_arn = self.secret(LEADERBOARD, PARAMETERS)
        self.tracks_arn = self.secret("evalai-tracks", TRACKS)
        self.evalai_arn = self.secret("evalai")

    def secret(self, name: str, value: Any = None) -> str:
        content = {} if value is None else {"SecretString": json.dumps(value)}
        arn: str = self.secrets.create_secret(Name=name, **content)["ARN"]
        return arn

    def messages(self, queue: str) -> list[str]:
        answer = self.sqs.receive_message(QueueUrl=self.queues[queue], MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]


def open_ground() -> Iterator[Ground]:
    """Give the body of a fixture."""
    with mock_aws():
        forget_parameters()
        yield Ground()
        forget_parameters()

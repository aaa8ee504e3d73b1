"""An environment with two leaderboards, as an apply leaves it, in moto."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from glue.deploy import environments
from tests.unit.leaderboard.store.ground import (
    BUCKET,
    LEADERBOARD,
    OTHER,
    Ground,
    create_table,
    open_ground,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "test-evalai"


class Deployed:
    """The environment, its outputs, and what lies behind them."""

    def __init__(self, ground: Ground) -> None:
        import boto3

        self.ground = ground
        session = boto3.session.Session(
            aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-central-1"
        )
        made: Any = session.client
        self.iam = made("iam")
        self.iam.create_user(UserName=USER)
        self.sts = made("sts")
        create_table(ground.dynamodb, OTHER)
        dead = ground.sqs.create_queue(QueueName="dead")["QueueUrl"]
        self.outputs: dict[str, Any] = {
            "leaderboards": {
                name: {
                    "queue_url": ground.queues[name],
                    "dead_letter_queue_url": dead,
                    "table": name,
                    "bucket": BUCKET,
                    "log_group": f"/test/{name}",
                    "state_machine_arn": ground.machine,
                    "parameters_secret_arn": ground.parameters_arn,
                    "functions": {},
                    "evalai_user": USER,
                }
                for name in (OTHER, LEADERBOARD)
            },
            "evalai": {
                "secret_arn": ground.evalai_arn,
                "tracks_secret_arn": ground.tracks_arn,
                "budget_table": "budget",
                "user_name": USER,
            },
        }
        clients = {
            "dynamodb": ground.dynamodb, "s3": ground.s3, "secretsmanager": ground.secrets,
            "sqs": ground.sqs, "stepfunctions": ground.states, "iam": self.iam, "sts": self.sts,
        }  # fmt: skip
        self.environment = SimpleNamespace(
            name="local",
            client=clients.__getitem__,
            require_credentials=lambda: None,
            facts=SimpleNamespace(account_id=self.sts.get_caller_identity()["Account"]),
        )


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for ground in open_ground():
        made = Deployed(ground)
        monkeypatch.setattr(environments.Environment, "load", lambda *_: made.environment)
        monkeypatch.setattr(environments, "read_outputs", lambda *_: made.outputs)
        yield made

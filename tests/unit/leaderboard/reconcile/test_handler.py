"""The function as the schedule starts it: its settings, its services, its answer."""

from __future__ import annotations

import json

import pytest

from glue import aws
from glue.leaderboard import services
from glue.settings import forget_settings
from lambdas.reconcile_submissions.handler import handler
from tests.unit.leaderboard.reconcile.stage import MACHINE, Scene
from tests.unit.leaderboard.store.ground import LEADERBOARD, OTHER
from tests.unit.recordings.samples import Context


def test_from_settings_to_counts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = scene.ground
    ground.sqs.send_message(QueueUrl=ground.queues[OTHER], MessageBody="no JSON")
    for name, value in {
        "ENVIRONMENT": "test",
        "LEADERBOARD": LEADERBOARD,
        "PARAMETERS_SECRET_ARN": ground.parameters_arn,
        "EVALAI_SECRET_ARN": ground.evalai_arn,
        "BUDGET_TABLE": "budget",
        "STATE_MACHINE_ARN": MACHINE,
        "QUEUE_URL": ground.queues[LEADERBOARD],
        "DEAD_LETTER_QUEUE_URL": ground.queues[OTHER],
        "EVALUATION": json.dumps({"version": "2.0", "routes": 25}),
        "POD": "{}",
    }.items():
        monkeypatch.setenv(f"PROVING_GROUND_{name}", value)
    forget_settings()
    for client in ("sqs", "dynamodb"):
        monkeypatch.setattr(aws, client, lambda client=client: getattr(ground, client))
    monkeypatch.setattr(aws, "secrets", lambda: ground.secrets)
    monkeypatch.setattr(aws, "state_machines", lambda: scene.states)
    monkeypatch.setattr(services, "_kubernetes", lambda _: scene.jobs)
    try:
        done = handler({}, Context())
    finally:
        forget_settings()
    assert done["dead_letters"] == 1
    assert done["messages_waiting"] == 0

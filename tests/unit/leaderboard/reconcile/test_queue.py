"""Dead letters: sent again a few times, and then left for a person to look at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from glue.leaderboard.reconcile_queue import MOST_REVIVALS, REVIVED, Letters, Queue
from tests.unit.leaderboard.store.ground import LEADERBOARD, OTHER, Ground

BODY = json.dumps({"challenge_pk": "7", "phase_pk": "12", "submission_pk": 99})


@pytest.fixture
def queue(ground: Ground) -> Queue:
    return Queue(ground.sqs, ground.queues[LEADERBOARD], ground.queues[OTHER])


def die(ground: Ground, body: str, revived: int = 0) -> None:
    attributes: dict[str, Any] = {}
    if revived:
        attributes[REVIVED] = {"DataType": "Number", "StringValue": str(revived)}
    ground.sqs.send_message(
        QueueUrl=ground.queues[OTHER], MessageBody=body, MessageAttributes=attributes
    )


def now() -> datetime:
    return datetime.now(UTC)


def test_nothing_there(queue: Queue) -> None:
    assert queue.reconcile(now()) == Letters()


def test_what_waits_is_counted(ground: Ground, queue: Queue) -> None:
    for _ in range(3):
        ground.sqs.send_message(QueueUrl=ground.queues[LEADERBOARD], MessageBody=BODY)
    ground.sqs.receive_message(QueueUrl=ground.queues[LEADERBOARD])
    assert queue.reconcile(now()) == Letters(waiting=2, in_flight=1)


def test_a_dead_letter_is_sent_again_and_is_dead_no_more(ground: Ground, queue: Queue) -> None:
    die(ground, BODY)
    assert queue.reconcile(now())[2:4] == (1, 0)
    assert ground.messages(LEADERBOARD) == [BODY]
    assert queue.reconcile(now())[2:4] == (0, 0)


def test_each_time_is_counted_in_the_message(ground: Ground, queue: Queue) -> None:
    die(ground, BODY, revived=MOST_REVIVALS - 1)
    queue.reconcile(now())
    (message,) = ground.sqs.receive_message(
        QueueUrl=ground.queues[LEADERBOARD], MessageAttributeNames=[REVIVED]
    )["Messages"]
    assert message["MessageAttributes"][REVIVED]["StringValue"] == str(MOST_REVIVALS)


@pytest.mark.parametrize(("body", "revived"), [(BODY, MOST_REVIVALS), ("no JSON", 0)])
def test_a_hopeless_one_stays_and_counts(
    ground: Ground, queue: Queue, body: str, revived: int
) -> None:
    die(ground, body, revived)
    assert queue.reconcile(now())[2:4] == (0, 1)
    assert ground.messages(LEADERBOARD) == []
    held = ground.sqs.get_queue_attributes(
        QueueUrl=ground.queues[OTHER], AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    assert held == {"ApproximateNumberOfMessagesNotVisible": "1"}


def test_its_age_is_told(ground: Ground, queue: Queue) -> None:
    die(ground, "no JSON")
    sent = now()
    assert queue.reconcile(sent.replace(year=sent.year + 1)).oldest_dead_seconds > 86_400 * 300


def test_many_at_once(ground: Ground, queue: Queue) -> None:
    for number in range(25):
        die(ground, BODY.replace("99", str(100 + number)))
    assert queue.reconcile(now()).revived == 25

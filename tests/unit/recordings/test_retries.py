"""What becomes of a message that failed: it comes back soon, and then less and less soon."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.messages import Failures, handle_messages, retry_seconds
from glue.recordings.telemetry import logger
from tests.unit.recordings.samples import Context, sqs_event


class Queues:
    """Notes what is postponed; refuses like SQS when told to."""

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.postponed: list[dict[str, Any]] = []

    def change_message_visibility(self, **arguments: Any) -> None:
        self.postponed.append(arguments)
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "ChangeMessageVisibility")


def test_the_wait_grows_up_to_a_limit() -> None:
    assert [retry_seconds(received) for received in (0, 1, 2, 3, 4)] == [4, 4, 16, 64, 256]
    assert retry_seconds(50) == 900


@pytest.mark.parametrize("refuses", [False, True])
def test_only_what_failed_is_postponed_and_reported(refuses: bool) -> None:
    queues = Queues(refuses)

    def work(record: Any) -> None:
        if json.loads(record.body)["bad"]:
            raise RuntimeError("the database restarts")

    event = sqs_event('{"bad": false}', '{"bad": true}', received=2)
    answer = handle_messages(event, Context(), work, Failures(lambda: queues, logger))  # type: ignore[arg-type,return-value]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert queues.postponed == [
        {
            "QueueUrl": "https://sqs.eu-central-1.amazonaws.com/000000000000/ingest",
            "ReceiptHandle": "handle",
            "VisibilityTimeout": 16,
        }
    ]

"""The leaderboard's queue and its dead letters: messages that start_submission gave up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from glue.errors import InputError
from glue.leaderboard.evalai.messages import SubmissionMessage
from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MOST_REVIVALS = 5  # a message that died six times over several hours is for a person
REVIVED = "revived"  # the message attribute that counts them
MOST_ROUNDS = 5
AT_ONCE = 10
HELD_SECONDS = 30


class Letters(NamedTuple):
    """What the queues hold. `given_up` are dead letters that only a person can do something about.

    `oldest_dead_seconds` is since that message was first sent.
    """

    waiting: int = 0
    in_flight: int = 0
    revived: int = 0
    given_up: int = 0
    oldest_dead_seconds: int = 0


class Queue:
    """A queue and its dead-letter queue."""

    def __init__(self, client: SQSClient, url: str, dead_letter_url: str) -> None:
        self._client = client
        self._url = url
        self._dead = dead_letter_url

    def reconcile(self, now: datetime) -> Letters:
        """Send dead letters that can be read to the queue again, a few times over; count all.

        A submission whose message died has no item, and EvalAI waits for it: nobody else would
        ever come back to it.
        """
        counted = self._client.get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]
        revived = given_up = oldest = 0
        seen: set[str] = set()
        for _ in range(MOST_ROUNDS):
            received = self._client.receive_message(
                QueueUrl=self._dead,
                MaxNumberOfMessages=AT_ONCE,
                VisibilityTimeout=HELD_SECONDS,
                MessageAttributeNames=[REVIVED],
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
            fresh = [message for message in received if message["MessageId"] not in seen]
            if not fresh:
                break
            for message in fresh:
                seen.add(message["MessageId"])
                oldest = max(oldest, _age(message, now))
                if self._revive(message):
                    revived += 1
                else:
                    given_up += 1
        return Letters(
            int(counted["ApproximateNumberOfMessages"]),
            int(counted["ApproximateNumberOfMessagesNotVisible"]),
            revived,
            given_up,
            oldest,
        )

    def _revive(self, message: MessageTypeDef) -> bool:
        attribute = message.get("MessageAttributes", {}).get(REVIVED)
        before = int(attribute.get("StringValue") or 0) if attribute else 0
        try:
            submission = SubmissionMessage.read(message["Body"]).key.submission
        except InputError as error:
            logger.error("a dead letter cannot be read", reason=str(error), remedy=error.remedy)
            return False
        if before >= MOST_REVIVALS:
            logger.error(
                "a dead letter was given up",
                submission=submission,
                remedy="look at start_submission's log; then send it again with `glue queues "
                "redrive`",
            )
            return False
        # First the copy, then the end of the dead one: what comes twice is done once.
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=message["Body"],
            MessageAttributes={REVIVED: {"DataType": "Number", "StringValue": str(before + 1)}},
        )
        self._client.delete_message(QueueUrl=self._dead, ReceiptHandle=message["ReceiptHandle"])
        logger.warning("a dead letter was sent again", submission=submission, times=before + 1)
        return True


def _age(message: MessageTypeDef, now: datetime) -> int:
    sent = int(message.get("Attributes", {}).get("SentTimestamp", "0")) / 1000
    return max(0, int((now - datetime.fromtimestamp(sent, UTC)).total_seconds())) if sent else 0

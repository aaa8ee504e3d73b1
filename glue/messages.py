"""A batch of messages from a queue: each stands for itself, and a failure says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

MOST_LOGGED = 1000  # characters of a message that failed: enough for the keys of S3's events
FIRST_RETRY_SECONDS = 4
LONGEST_RETRY_SECONDS = 900


def retry_seconds(received: int, _error: Exception | None = None) -> int:
    """Return after how long, in seconds, a message received so often is to be tried again."""
    return growing_seconds(received, FIRST_RETRY_SECONDS)


def growing_seconds(received: int, first: float, least: float = 0.0) -> int:
    """Return `first` seconds at the first failure, four times as many at each that follows."""
    wait = max(least, first * 4.0 ** min(max(received, 1) - 1, 10))
    return int(min(LONGEST_RETRY_SECONDS, wait))


@dataclass(frozen=True, slots=True)
class Failures:
    """What becomes of messages that fail.

    They come back after `retry(times received, error)` seconds. The reason is logged, with a
    stack unless the error is an `expected` one. `queues` gives the client.
    """

    queues: Callable[[], SQSClient]
    logger: Logger
    expected: tuple[type[Exception], ...] = (InputError,)
    retry: Callable[[int, Exception], int] = retry_seconds


def handle_messages(
    event: dict[str, Any],
    context: LambdaContext,
    work: Callable[[SQSRecord], object],
    failures: Failures,
) -> dict[str, Any]:
    """Give each message of an SQS event to `work`; answer which ones failed.

    Those come back, and go to the dead-letter queue when they fail too often; the others are
    done with.
    """
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )

    def record_handler(record: SQSRecord) -> None:
        try:
            work(record)
        except Exception as error:
            received = times_received(record)
            # What somebody has to mend is an answer, not a fault with a stack.
            logger = failures.logger
            (logger.error if isinstance(error, failures.expected) else logger.exception)(
                "message failed",
                message_id=record.message_id,
                body=record.body[:MOST_LOGGED],
                received=received,
                reason=str(error),
            )
            _postpone(failures, record, failures.retry(received, error))
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(process_partial_response(event, record_handler, processor, context))


def times_received(record: SQSRecord) -> int:
    """Return how often a message has been received, this time among them."""
    return int(record.attributes.approximate_receive_count or 1)


def _postpone(failures: Failures, record: SQSRecord, seconds: int) -> None:
    """Have a failed message come back then.

    Left alone it would come back when its visibility timeout ends, which is six times the
    function's own timeout: minutes, where a database that restarts needs seconds. If this fails,
    just that happens.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    _, _, _, region, account, name = record.event_source_arn.split(":")
    try:
        failures.queues().change_message_visibility(
            QueueUrl=f"https://sqs.{region}.amazonaws.com/{account}/{name}",
            ReceiptHandle=record.receipt_handle,
            VisibilityTimeout=seconds,
        )
    except (BotoCoreError, ClientError) as error:
        failures.logger.warning(
            "message not postponed", message_id=record.message_id, reason=str(error)
        )

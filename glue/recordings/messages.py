"""What the queues bring: S3's notifications, our own requests, and Batch's job events."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from glue.errors import InputError
from glue.recordings.names import check_recording_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

MOST_LOGGED = 1000  # characters of a message that failed: enough for the keys of S3's events
FIRST_RETRY_SECONDS = 4
LONGEST_RETRY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Request:
    """A recording to look at; `again` when somebody asks for it although events did already."""

    recording: str
    again: bool = False


def parse_body(body: str) -> dict[str, Any]:
    """Return a message's JSON object; raise `InputError` for anything else."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("message", f"it is not JSON ({error})", "send a JSON object") from error
    if not isinstance(content, dict):
        raise InputError("message", "it is not a JSON object", "send a JSON object")
    return content


def write_request(request: Request) -> str:
    """Return the message that asks for a recording."""
    return json.dumps({"recording": request.recording, "again": request.again})


def parse_request(content: Mapping[str, Any]) -> Request:
    """Return what one of our own messages asks for."""
    return Request(check_recording_name(content.get("recording")), bool(content.get("again")))


def parse_ingest(body: str, bucket: str) -> list[Request]:
    """Return the recordings that a message of the ingest queue is about.

    S3's test message, and events about removed objects, are about none. Raises `InputError` for
    messages that nobody should have sent.
    """
    content = parse_body(body)
    if content.get("Event") == "s3:TestEvent":
        return []
    if "Records" not in content:
        return [parse_request(content)]
    requests: dict[str, Request] = {}
    try:
        for record in content["Records"]:
            if not record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
                continue
            stored = record["s3"]
            if stored["bucket"]["name"] != bucket:
                name = stored["bucket"]["name"]
                raise InputError(
                    "bucket", f"{name!r} is not the raw bucket", f"send events of {bucket!r} only"
                )
            folder, slash, _ = unquote_plus(stored["object"]["key"]).partition("/")
            if not slash:
                raise InputError(
                    "key", f"{folder[:128]!a} lies in no folder", "store <recording>/<file>"
                )
            requests[folder] = Request(check_recording_name(folder, "key"))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "message", f"it is no S3 notification ({error!r})", "send S3's notifications unchanged"
        ) from error
    return list(requests.values())


def handle_messages(
    event: dict[str, Any],
    context: LambdaContext,
    work: Callable[[SQSRecord], object],
    queues: Callable[[], SQSClient],
) -> dict[str, Any]:
    """Give each message of an SQS event to `work`; answer which ones failed.

    Those come back, soon at first, and go to the dead-letter queue when they fail too often; the
    others are done with. The reason of each failure is logged. `queues` gives the client.
    """
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )

    from glue.recordings.telemetry import logger

    def record_handler(record: SQSRecord) -> None:
        try:
            work(record)
        except Exception as error:
            # A message that nobody can understand is an answer, not a fault with a stack.
            log = logger.error if isinstance(error, InputError) else logger.exception
            log(
                "message failed",
                message_id=record.message_id,
                body=record.body[:MOST_LOGGED],
                reason=str(error),
            )
            postpone(queues(), record)
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event, record_handler, processor, context)
    return dict(answer)


def retry_seconds(received: int) -> int:
    """Return after how long, in seconds, a message received so often is to be tried again."""
    return int(min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 4 ** (max(received, 1) - 1)))


def postpone(queues: SQSClient, record: SQSRecord) -> None:
    """Have a failed message come back after a short while that grows with each failure.

    Left alone it would come back when its visibility timeout ends, which is six times the
    function's own timeout: minutes, where a database that restarts needs seconds. If this fails,
    just that happens.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from glue.recordings.telemetry import logger

    _, _, _, region, account, name = record.event_source_arn.split(":")
    try:
        queues.change_message_visibility(
            QueueUrl=f"https://sqs.{region}.amazonaws.com/{account}/{name}",
            ReceiptHandle=record.receipt_handle,
            VisibilityTimeout=retry_seconds(int(record.attributes.approximate_receive_count or 1)),
        )
    except (BotoCoreError, ClientError) as error:
        logger.warning("message not postponed", message_id=record.message_id, reason=str(error))


def is_repeated(record: SQSRecord) -> bool:
    """Tell whether a message has been received before: the first attempt may have half done."""
    return int(record.attributes.approximate_receive_count or 1) > 1

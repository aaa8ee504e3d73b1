"""The watch over what events may have lost: compares the raw bucket with the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glue.errors import InputError
from glue.recordings.messages import Request, write_request
from glue.recordings.names import check_recording_name
from glue.recordings.telemetry import count, logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

    from glue.recordings.catalogue import Catalogue
    from glue.recordings.records import Recording

AT_ONCE = 10  # SQS takes so many messages in one request
COMPARED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Asks anew for every recording in the bucket that the catalogue has not settled."""

    client: S3Client
    bucket: str
    catalogue: Catalogue
    queue: SQSClient
    ingest_queue_url: str
    incomplete_after_hours: float

    def reconcile(self, now: datetime | None = None) -> dict[str, int]:
        """Return how many recordings were seen, asked for anew, and incomplete for too long."""
        seen = asked = 0
        for names in self._folders():
            known = self.catalogue.summaries(names)
            requests = [
                Request(name, again=known.get(name) is not None)
                for name in names
                if _is_unsettled(known.get(name))
            ]
            self._send(requests)
            seen += len(names)
            asked += len(requests)
        before = (now or datetime.now(UTC)) - timedelta(hours=self.incomplete_after_hours)
        waiting = self.catalogue.waiting_since(before)
        count("RecordingsIncomplete", waiting)
        result = {"seen": seen, "asked": asked, "incomplete": waiting}
        logger.info("reconciled", seen=seen, asked=asked, incomplete=waiting)
        return result

    def _folders(self) -> Iterator[list[str]]:
        """Return the names of the recordings in the bucket, some at a time."""
        names: list[str] = []
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Delimiter="/"
        )
        for page in pages:
            for prefix in page.get("CommonPrefixes", []):
                name = prefix["Prefix"].removesuffix("/")
                try:
                    names.append(check_recording_name(name))
                except InputError as error:
                    logger.error("a folder that is no recording", folder=name, reason=str(error))
                if len(names) == COMPARED_AT_ONCE:
                    yield names
                    names = []
        if names:
            yield names

    def _send(self, requests: list[Request]) -> None:
        for start in range(0, len(requests), AT_ONCE):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(i), "MessageBody": write_request(request)}
                for i, request in enumerate(requests[start : start + AT_ONCE])
            ]
            answer = self.queue.send_message_batch(QueueUrl=self.ingest_queue_url, Entries=entries)
            for failed in answer.get("Failed", []):
                # The next run asks again: the recording is still unsettled then.
                logger.error("request not sent", code=failed["Code"], id=failed["Id"])


def _is_unsettled(known: Recording | None) -> bool:
    """Tell what to ask for: new, incomplete, or complete and waiting without a known reason."""
    if known is None or known.state == "incomplete":
        return True
    return known.state == "complete" and known.reason is None

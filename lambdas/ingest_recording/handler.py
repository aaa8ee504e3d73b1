"""From the raw bucket's events to the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.recordings.ingest import Ingest, ingest_messages
from glue.recordings.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take in the recordings that a batch of messages is about; answer which messages failed."""
    return ingest_messages(_ingest(), event, context)


def _ingest() -> Ingest:
    from glue import aws
    from glue.recordings.catalogue import open_catalogue
    from glue.settings import IngestRecordingSettings, load

    settings = load(IngestRecordingSettings)
    return Ingest(
        aws.s3(),
        settings.raw_bucket,
        open_catalogue(settings.catalogue),
        aws.sqs(),
        settings.preprocess_queue_url,
    )

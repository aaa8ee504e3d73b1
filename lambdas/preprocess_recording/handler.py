"""From raw to processed files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.recordings.preprocess import Preprocess, preprocess_messages
from glue.recordings.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run the step that a batch of messages asks for; answer which messages failed."""
    return preprocess_messages(_preprocess(), event, context)


def _preprocess() -> Preprocess:
    from glue import aws
    from glue.recordings.catalogue import open_catalogue
    from glue.settings import PreprocessRecordingSettings, load

    settings = load(PreprocessRecordingSettings)
    return Preprocess(
        aws.s3(),
        settings.raw_bucket,
        settings.processed_bucket,
        open_catalogue(settings.catalogue),
        settings.processing_step,
        aws.functions,
        aws.batch,
    )

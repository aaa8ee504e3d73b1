"""The watch over what events may have lost; a schedule starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.recordings.reconcile import Reconcile
from glue.recordings.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context(clear_state=True)
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001
    """Compare the raw bucket with the catalogue; answer how many were seen and asked for."""
    return _reconcile().reconcile()


def _reconcile() -> Reconcile:
    from glue import aws
    from glue.recordings.catalogue import open_catalogue
    from glue.settings import ReconcileRecordingsSettings, load

    settings = load(ReconcileRecordingsSettings)
    return Reconcile(
        aws.s3(),
        settings.raw_bucket,
        open_catalogue(settings.catalogue),
        aws.sqs(),
        settings.ingest_queue_url,
        settings.incomplete_after_hours,
    )

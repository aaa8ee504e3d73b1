"""The watch over submissions that got stuck; a schedule starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from glue.leaderboard.reconcile import Reconcile


@logger.inject_lambda_context(clear_state=True)
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001
    """Compare all that knows of the submissions; answer what was found and done, as counts."""
    return _reconcile().reconcile()


def _reconcile() -> Reconcile:
    from glue import aws
    from glue.leaderboard.reconcile import Reconcile
    from glue.leaderboard.services import open_services
    from glue.settings import ReconcileSubmissionsSettings, load

    settings = load(ReconcileSubmissionsSettings)
    return Reconcile(
        open_services(settings), aws.sqs(), settings.queue_url, settings.dead_letter_queue_url
    )

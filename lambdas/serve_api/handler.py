"""Every route of the API but the one for tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.api import document, finding, shipping
from glue.api.app import answer, make_app
from glue.recordings.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

app = make_app(shipping.router, finding.router, document.router)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request from the gateway."""
    logger.set_correlation_id((event.get("requestContext") or {}).get("requestId"))
    return answer(app, event, context)

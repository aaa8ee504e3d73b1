"""The Redshift Data API, which is not emulated: there is no database that understands it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.redshift.service import refuse
from glue.local.redshift.stores import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue.local.redshift.service import Answer

REASON = (
    "The local cloud has no Redshift: its control plane is simulated, and no SQL is run. "
    "Use the catalogue on PostgreSQL here, and Redshift on AWS."
)


async def handle_request(
    method: str,  # noqa: ARG001 - every service is called alike
    path: str,  # noqa: ARG001
    headers: Mapping[str, str],
    body: bytes,  # noqa: ARG001
    query_params: Mapping[str, Any],  # noqa: ARG001
) -> Answer:
    """Say that this is not emulated, whatever was asked. SDKs do not try such an error again."""
    action = headers.get("x-amz-target", "").rpartition(".")[2] or "This"
    return refuse(ServiceError("ValidationException", f"{action} is not emulated. {REASON}"))

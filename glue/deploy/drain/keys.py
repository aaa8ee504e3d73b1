"""API keys, which devices got after the apply and no state knows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glue.deploy.drain.context import Drain
    from glue.deploy.environments import Environment


def drain(context: Drain) -> None:
    """Delete the keys of every usage plan."""
    for values in context.of("aws_api_gateway_usage_plan"):
        context.count("revoked_keys", revoke_keys(context.environment, values["id"]))


def revoke_keys(environment: Environment, usage_plan: str) -> int:
    """Delete the API keys of a usage plan, which devices got after apply; return how many."""
    gateway = environment.client("apigateway")
    try:
        pages = list(gateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=usage_plan))
    except gateway.exceptions.NotFoundException:
        return 0
    keys = [key["id"] for page in pages for key in page.get("items", [])]
    for key in keys:
        # An earlier attempt that was stopped later may have deleted it already.
        with suppress(gateway.exceptions.NotFoundException):
            gateway.delete_api_key(apiKey=key)
    return len(keys)

"""Puts the routes together, and gives every error one form: code, field, message, remedy."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from glue.errors import InputError, NotFound
from glue.recordings.catalogue.engine import CatalogueError
from glue.recordings.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.event_handler.api_gateway import Router
    from aws_lambda_powertools.utilities.typing import LambdaContext

LARGEST_BODY = 6 * 1024 * 1024  # bytes; what a function is handed at most
SEE_DOCUMENT = "compare the request with GET /openapi.json"


def make_app(*routers: Router) -> APIGatewayRestResolver:
    """Return a resolver for the routes of these routers."""
    app = APIGatewayRestResolver(enable_validation=True)
    for router in routers:
        app.include_router(router)

    app.exception_handler(InputError)(_refuse)
    app.exception_handler(RequestValidationError)(_refuse_shape)
    app.exception_handler(NotFoundError)(_refuse_path)
    app.exception_handler(CatalogueError)(_fail_for_now)
    app.exception_handler(Exception)(_fail)
    return app


def _refuse(error: InputError) -> Response[Any]:
    return _response(error.status, error.to_dict())


def _refuse_shape(error: RequestValidationError) -> Response[Any]:
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"][1:]) or str(first["loc"][0])
    return _refuse(InputError(place, str(first["msg"]), SEE_DOCUMENT))


def _refuse_path(_error: NotFoundError) -> Response[Any]:
    return _refuse(NotFound("path", "there is no such route", SEE_DOCUMENT))


def _fail_for_now(error: CatalogueError) -> Response[Any]:
    logger.exception("the catalogue failed", reason=str(error))
    return _failure(503, "unavailable", "the catalogue gives no answer")


def _fail(error: Exception) -> Response[Any]:
    logger.exception("request failed", reason=str(error))
    return _failure(500, "internal", "something is wrong on our side")


def _failure(status: int, code: str, message: str) -> Response[Any]:
    remedy = "try again; if it persists, give an operator the x-amzn-requestid header"
    body = {"code": code, "field": "server", "message": message, "remedy": remedy}
    return _response(status, body)


def _response(status: int, body: Mapping[str, str]) -> Response[Any]:
    return Response(status_code=status, content_type="application/json", body=json.dumps(body))


def answer(
    app: APIGatewayRestResolver, event: dict[str, Any], context: LambdaContext
) -> dict[str, Any]:
    """Return the answer to a request that the gateway hands over."""
    try:
        event = _readable(event)
    except InputError as error:
        return {
            "statusCode": error.status,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps(error.to_dict()),
            "isBase64Encoded": False,
        }
    return app.resolve(event, context)


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with a plain JSON body, whatever came; raise `InputError` otherwise.

    The resolver would take forms too, and stumbles over some bodies that are no JSON.
    """
    body = event.get("body")
    if event.get("httpMethod") in ("GET", "HEAD") or not body:
        return {**event, "body": None if event.get("httpMethod") == "GET" else "null"}
    if len(body) > LARGEST_BODY:
        raise InputError("body", f"it has {len(body)} characters", "send less at once")
    try:
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body, validate=True).decode()
        json.loads(body)
        body.encode()
    except (ValueError, RecursionError) as error:
        raise InputError("body", "it is not JSON in UTF-8", "send a JSON object") from error
    headers = {"content-type": "application/json"}
    return {
        **event,
        "body": body,
        "isBase64Encoded": False,
        "headers": {**_without_type(event.get("headers")), **headers},
        "multiValueHeaders": None,
    }


def _without_type(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {k: v for k, v in (headers or {}).items() if k.lower() != "content-type"}

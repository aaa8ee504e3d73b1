"""Requests as the gateway hands them to the functions, and their answers."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.unit.recordings.samples import Context

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def gateway_event(
    method: str,
    path: str,
    *,
    query: dict[str, Sequence[str]] | None = None,
    body: object = None,
    raw_body: str | None = None,
    user: str | None = "ada",
    groups: object = "researchers",
) -> dict[str, Any]:
    claims = {"cognito:username": user, "cognito:groups": groups} if user else None
    held = {name: list(values) for name, values in (query or {}).items()}
    text = raw_body if raw_body is not None else None if body is None else json.dumps(body)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": {k: v[-1] for k, v in held.items() if v} or None,
        "multiValueQueryStringParameters": held or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "requestId": "request",
            "stage": "v1",
            "path": f"/v1{path}",
            "httpMethod": method,
            "authorizer": {"claims": claims} if claims else None,
        },
        "body": text,
        "isBase64Encoded": False,
    }


def call(handler: Handler, event: dict[str, Any]) -> tuple[int, Any]:
    """Return status and decoded body; every error must have its one form."""
    answer = handler(event, Context())
    status, body = answer["statusCode"], json.loads(answer["body"])
    if status >= 400:
        assert set(body) == {"code", "field", "message", "remedy"}, body
        assert all(isinstance(value, str) and value for value in body.values()), body
    return status, body

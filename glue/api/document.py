"""The OpenAPI document of the whole API; `python -m glue.api.document` prints it."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from glue.api import finding, shipping, tokens
from glue.api.app import make_app

TITLE = "Proving Ground"
VERSION = "1.0.0"
DESCRIPTION = """Recordings: shipped from rigs, kept unchanged, catalogued and found again.

Every request needs an API key; all but POST /token and GET /openapi.json need a token, too.
Every error has one form: `code`, `field`, `message` and `remedy`."""
ERRORS = {
    "400": "The input is wrong.",
    "401": "There is no valid token.",
    "403": "The key is wrong, or the caller is in another group.",
    "404": "There is no such thing, or not for this caller.",
    "409": "The input contradicts what is stored.",
}

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/openapi.json", summary="Get this document", tags=["document"], security=[{"api_key": []}]
)
def read_document() -> Response[Any]:
    """Return the OpenAPI document of the API."""
    return Response(
        status_code=200, content_type="application/json", body=json.dumps(make_document())
    )


@cache
def make_document() -> dict[str, Any]:
    """Return the OpenAPI document as plain values."""
    app = make_app(tokens.router, shipping.router, finding.router, router)
    from aws_lambda_powertools.event_handler.openapi.models import APIKey, APIKeyIn

    schemes: dict[str, Any] = {
        "api_key": APIKey(name="x-api-key", in_=APIKeyIn.header),
        "token": APIKey(
            name="Authorization",
            in_=APIKeyIn.header,
            description="The token of POST /token, raw or behind `Bearer `.",
        ),
    }
    document: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title=TITLE,
            version=VERSION,
            description=DESCRIPTION,
            security_schemes=schemes,
            security=[{"api_key": [], "token": []}],
        )
    )
    _describe_errors(document)
    return document


def _describe_errors(document: dict[str, Any]) -> None:
    """Replace what the resolver says of errors by the form that they really have."""
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(name, None)
    text = {"type": "string"}
    keys = ("code", "field", "message", "remedy")
    schemas["Error"] = {
        "type": "object",
        "title": "Error",
        "required": list(keys),
        "properties": dict.fromkeys(keys, text),
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            for status, description in ERRORS.items():
                operation["responses"][status] = {"description": description, "content": content}


if __name__ == "__main__":
    json.dump(make_document(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")

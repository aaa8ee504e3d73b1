import json
import runpy
from typing import Any

import pytest

from glue.api.document import make_document
from lambdas.serve_api.handler import handler
from tests.unit.api.requests import call, gateway_event

ROUTES = {
    "/token": {"post"},
    "/recordings": {"get", "post"},
    "/recordings/{recording}": {"get"},
    "/recordings/{recording}/files": {"post"},
    "/recordings/{recording}/files/complete": {"post"},
    "/recordings/{recording}/replay": {"post"},
    "/failures": {"post"},
    "/objects": {"get"},
    "/objects/presign": {"post"},
    "/openapi.json": {"get"},
}


def test_it_describes_every_route() -> None:
    document = make_document()
    assert {path: set(held) for path, held in document["paths"].items()} == ROUTES
    assert document["info"]["title"] == "Proving Ground"
    assert set(document["components"]["securitySchemes"]) == {"api_key", "token"}
    for held in document["paths"].values():
        for operation in held.values():
            assert {"400", "401", "403", "404", "409"} <= set(operation["responses"])
            assert "422" not in operation["responses"]
            assert operation["summary"]
    assert document["paths"]["/token"]["post"]["security"] == [{"api_key": []}]
    assert "202" in document["paths"]["/failures"]["post"]["responses"]


def test_references_lead_somewhere() -> None:
    document = make_document()

    def references(held: Any) -> list[str]:
        if isinstance(held, dict):
            own = [held["$ref"]] if isinstance(held.get("$ref"), str) else []
            return own + [found for value in held.values() for found in references(value)]
        if isinstance(held, list):
            return [found for value in held for found in references(value)]
        return []

    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_api_serves_it(capsys: pytest.CaptureFixture[str]) -> None:
    event = gateway_event("GET", "/openapi.json", user=None)
    assert call(handler, event) == (200, make_document())
    with pytest.warns(RuntimeWarning, match="found in sys.modules"):
        runpy.run_module("glue.api.document", run_name="__main__")
    assert json.loads(capsys.readouterr().out) == make_document()

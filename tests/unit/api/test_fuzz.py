"""No input whatever makes the API answer with a 5xx."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glue.api.document import make_document
from glue.recordings.catalogue import Catalogue
from glue.recordings.records import Attribute
from lambdas.serve_api.handler import handler
from tests.unit.api.requests import call, gateway_event

ODD = st.sampled_from(
    ["", "\x00", "\ud800", "..", "%00", "' or 1=1 --", "1e999", "-1", "9" * 400, "NaN", "💥", "r"]
)
TEXT = st.one_of(ODD, st.text(max_size=20), st.just("n >= 1"), st.just("t = 'x'"))
KEYS = st.sampled_from(
    ["recording", "name", "size", "sha256", "part_size", "parts", "upload_id", "objects", "key"]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(KEYS, st.text(max_size=5)), inner, max_size=5),
    ),
    max_leaves=8,
)
PATHS = [path for path in make_document()["paths"] if path != "/token"]
NAMES = ["where", "since", "until", "state", "limit", "cursor", "kind", "presign", "recording"]


@pytest.fixture
def filled(cloud: object, catalogue: Catalogue) -> None:
    catalogue.claim("r", "rig-1")
    catalogue.settle("r", None, [Attribute("n", 1.0), Attribute("t", text="x")], [])


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    method=st.sampled_from(["GET", "POST"]),
    path=st.sampled_from(PATHS),
    name=TEXT,
    query=st.dictionaries(st.one_of(st.sampled_from(NAMES), TEXT), st.lists(TEXT, max_size=3)),
    body=st.one_of(JSON.map(json.dumps), st.text(max_size=30), st.none()),
    groups=st.sampled_from([["shippers"], ["operators", "researchers"], None, 3, {}]),
)
def test_no_input_is_our_fault(
    filled: None,
    method: str,
    path: str,
    name: str,
    query: dict[str, Sequence[str]],
    body: str | None,
    groups: Any,
) -> None:
    event = gateway_event(
        method,
        path.replace("{recording}", name),
        query=query,
        raw_body=body,
        user="rig-1",
        groups=groups,
    )
    assert call(handler, event)[0] < 500

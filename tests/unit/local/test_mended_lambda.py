"""Functions of the running local cloud: layers, what they can import, what they are told."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.clients import LocalSession
    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

IMPORTING = """
import os
def handler(event, context):
    found = {}
    for name in ("in_the_layer", "boto3", "glue", "ministack"):
        try:
            found[name] = getattr(__import__(name), "WORD", "there")
        except ImportError:
            found[name] = None
    found["environment"] = sorted(n for n in os.environ if n.startswith("PROVING_GROUND"))
    found["endpoint"] = os.environ["AWS_ENDPOINT_URL"]
    return found
"""


def layer_zip(word: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("python/in_the_layer.py", f"WORD = {word!r}")
    return buffer.getvalue()


def answer(session: LocalSession, name: str) -> dict[str, Any]:
    reply = session.client("lambda").invoke(FunctionName=name)
    assert "FunctionError" not in reply, reply["Payload"].read()
    told: dict[str, Any] = json.loads(reply["Payload"].read())
    return told


def test_a_function_sees_its_layers_only_also_after_a_restart(
    cloud: Cloud,
    session: LocalSession,
    zipped: Callable[[str], bytes],
    role: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    functions = session.client("lambda")
    arn = role("importing", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    first = functions.publish_layer_version(LayerName="words", Content={"ZipFile": layer_zip("a")})
    second = functions.publish_layer_version(LayerName="words", Content={"ZipFile": layer_zip("b")})
    for name, layers in (
        ("with-layer", [second["LayerVersionArn"]]),
        ("with-old-layer", [first["LayerVersionArn"]]),
        ("without", []),
    ):
        functions.create_function(
            FunctionName=name, Runtime="python3.12", Role=arn, Handler="index.handler",
            Code={"ZipFile": zipped(IMPORTING)}, Layers=layers, Timeout=30,
            Environment={"Variables": {"PROVING_GROUND_ENVIRONMENT": "local"}},
        )  # fmt: skip
    monkeypatch.setenv("PROVING_GROUND_SOMETHING", "of the shell")
    for restart in (False, True):
        if restart:
            cloud.down()
            cloud.up()
        told = answer(session, "with-layer")
        assert told == {
            "in_the_layer": "b", "boto3": None, "glue": None, "ministack": None,
            "environment": ["PROVING_GROUND_ENVIRONMENT"], "endpoint": cloud.endpoint,
        }  # fmt: skip
        assert answer(session, "with-old-layer")["in_the_layer"] == "a"
        assert answer(session, "without")["boto3"] == "there"
    kept = list((cloud.home / "state" / "lambda-layers").glob("*.zip"))
    assert len(kept) == 2
    functions.delete_function(FunctionName="with-layer")
    functions.delete_layer_version(LayerName="words", VersionNumber=2)
    cloud.down()
    assert not (cloud.home / "tmp").exists()

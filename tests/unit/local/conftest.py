"""A real local cloud on free ports, one for all the tests that need it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from glue.local.clients import LocalSession
from glue.local.cloud import Cloud
from glue.local.configuration import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Seconds. So long nothing here takes on the busiest machine: beyond it something hangs.
PATIENCE = 60.0


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("cloud") / "home"
    running = Cloud(home, free_port(), free_port())
    running.up()
    yield running
    running.down()


@pytest.fixture
def session(cloud: Cloud) -> LocalSession:
    cloud.up()  # a test before this one may have stopped it
    return LocalSession(cloud.endpoint)


@pytest.fixture(scope="session")
def zipped() -> Callable[[str], bytes]:
    """Make the zip file of a function from its source text (handler `index.handler`)."""

    def make(source: str) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("index.py", source)
        return buffer.getvalue()

    return make


def eventually(probe: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return the first true answer of a probe; fail when none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = probe()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def role(session: LocalSession) -> Callable[[str, dict[str, Any]], str]:
    """Make a role with one inline policy statement and return its ARN."""

    def make(name: str, statement: dict[str, Any]) -> str:
        iam = session.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com", "AWS": "*"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=json.dumps(policy))
        arn: str = made["Role"]["Arn"]
        return arn

    return make


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"

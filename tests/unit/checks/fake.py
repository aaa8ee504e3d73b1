"""AWS as a check sees it: real boto3 clients whose answers a test has written.

Parameters are checked by boto3 itself, and every answer against the service's own description, so
that no check is tested against a field that AWS does not have.
"""

from __future__ import annotations

import atexit
import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.validate import ParamValidator

from glue.checks.context import Context

REGION, ACCOUNT = "eu-central-1", "123456789012"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Key = tuple[str, str]
Answer = Any
_making = threading.Lock()


@dataclass(frozen=True)
class Refusal:
    """An error that AWS answers with."""

    code: str


def arn(service: str, resource: str, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def tagged(*arns: str) -> dict[str, Any]:
    """Return the tagging API's answer with these ARNs."""
    return {"ResourceTagMappingList": [{"ResourceARN": one} for one in arns]}


@dataclass
class Cloud:
    """The answers of a test, by service and operation; a function gets the parameters."""

    answers: dict[Key, Answer] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def client(self, service: str, region: str = REGION) -> Any:
        made, current = _client(service, region)
        current.cloud = self
        return made

    def answer(self, service: str, region: str, model: Any, params: dict[str, Any]) -> Any:
        self.asked.append((service, region, model.name))
        try:
            said = self.answers[service, model.name]
        except KeyError:
            self.unknown.append(f"{service} {model.name}")
            said = Refusal("NobodyWroteThisAnswer")
        if callable(said):
            said = said(params)
        if isinstance(said, Refusal):
            return SimpleNamespace(status_code=400), {"Error": {"Code": said.code, "Message": "no"}}
        if model.output_shape is not None:
            report = ParamValidator().validate(said, model.output_shape)
            if report.has_errors():
                self.unknown.append(f"{service} {model.name}: {report.generate_report()}")
        return SimpleNamespace(status_code=200), copy.deepcopy(said) | {"ResponseMetadata": {}}


@cache
def _client(service: str, region: str) -> tuple[Any, SimpleNamespace]:
    """Make a client once for all tests, answered by whichever cloud is the current one."""
    current, given = SimpleNamespace(cloud=None), threading.local()
    session: Any = boto3.session.Session("test", "test", region_name=region)
    with _making:
        client = session.client(service)

    def keep(params: dict[str, Any], **_: Any) -> None:
        given.params = dict(params)

    def answer(model: Any, **_: Any) -> Any:
        return current.cloud.answer(service, region, model, given.params)

    client.meta.events.register("provide-client-params", keep)
    client.meta.events.register("before-call", answer)
    return client, current


def context(cloud: Cloud, outputs: Mapping[str, Any] | None = None, **changes: Any) -> Context:
    """Return staging on AWS, with these outputs beside those that every environment has."""
    every = {"account_id": ACCOUNT, "environment": "staging", "region": REGION}
    given: dict[str, Any] = {
        "environment": "staging",
        "region": REGION,
        "account_id": ACCOUNT,
        "is_emulated": False,
        "client": cloud.client,
        "outputs": every | dict(outputs or {}),
        "now": lambda: NOW,
    }
    return Context(**(given | changes))


@dataclass(frozen=True)
class Fault:
    """What is changed in a world to make one check fail."""

    answers: Mapping[Key, Answer] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """An environment in which every check of a subject passes, and what can be wrong with it.

    `faults` holds for each check, by its name, ways in which it must fail.
    """

    subject: Any
    outputs: Mapping[str, Any]
    answers: Mapping[Key, Answer]
    faults: Mapping[str, Mapping[str, Fault]]
    changes: Mapping[str, Any] = field(default_factory=dict)

    def context(self, fault: Fault | None = None) -> tuple[Cloud, Context]:
        fault = fault or Fault()
        cloud = Cloud({**self.answers, **fault.answers})
        given = {**self.outputs, **fault.outputs}
        outputs = {key: value() if callable(value) else value for key, value in given.items()}
        return cloud, context(cloud, outputs, **{**self.changes, **fault.changes})


def of(key: str, answers: Mapping[str, Answer], otherwise: Answer = None) -> Callable[..., Answer]:
    """Return a function that answers by the value of one parameter."""

    def answer(params: dict[str, Any]) -> Answer:
        value = params[key]
        return answers.get(value[0] if isinstance(value, list) else value, otherwise)

    return answer


class _Echo(BaseHTTPRequestHandler):
    """Answers with the status that the first part of the path names."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(int(self.path.split("/")[1]))
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@cache
def _server() -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    atexit.register(server.server_close)
    atexit.register(server.shutdown)
    return server


def answering(status: int) -> str:
    """Return the address of an API that answers every request with a status."""
    return f"http://127.0.0.1:{_server().server_port}/{status}"

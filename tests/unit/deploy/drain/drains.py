"""What the tests of drains share: an environment without AWS, and services that answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from glue.deploy.drain.context import Drain


def error(code: str, operation: str = "Call") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


def failing(code: str) -> Callable[..., Any]:
    def call(**_: Any) -> None:
        raise error(code)

    return call


def made(kind: str, **values: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": kind, "values": values}


class Facts:
    region = "eu-central-1"


class FakeEnvironment:
    """Gives the service it was told to for every name."""

    facts = Facts()

    def __init__(self, services: Any) -> None:
        self.services = services

    def client(self, name: str) -> Any:
        return self.services[name]


class Service:
    """A client that notes its calls; answers are given by name, lists of pages too."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**given: Any) -> Any:
            self.calls.append((name, given))
            answer = self.answers.get(name, {})
            return answer(**given) if callable(answer) else answer

        return call

    def get_paginator(self, name: str) -> Any:
        service = self

        class Pages:
            @staticmethod
            def paginate(**given: Any) -> Any:
                answer = getattr(service, name)(**given)
                return answer if isinstance(answer, list) else [answer]

        return Pages

    def called(self, name: str) -> list[dict[str, Any]]:
        return [given for one, given in self.calls if one == name]


def draining(services: dict[str, Any], *state: dict[str, Any]) -> tuple[Drain, list[str]]:
    """Return a drain that never waits, and the lines it tells."""
    lines: list[str] = []
    environment: Any = FakeEnvironment(services)
    return Drain(environment, state, lines.append, 0), lines

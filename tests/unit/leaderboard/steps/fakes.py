"""What the steps reach, in this process: a cluster that a test moves on, and death at any call."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from glue.leaderboard.kubernetes.errors import Conflict, Gone
from glue.leaderboard.times import utc_text
from tests.unit.leaderboard.kubernetes import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

Manifest = dict[str, Any]


class Killed(BaseException):
    """The function's process is gone; no handler of an error gets to see it."""


@dataclass
class Life:
    """Counts what is done outside of the process, and ends it at the call numbered `at`.

    It dies after the call was carried out and before the answer is seen; to die before a call is
    to die after the one before it. One that `creeps` counts each step's calls: every step dies at
    its first call, then, repeated, at its second, and so on until it comes to its end.
    """

    at: int = 0
    creeps: bool = False
    calls: int = 0
    seen: list[str] = field(default_factory=list)
    deaths: int = 0

    def begin_step(self) -> None:
        """A step is taken, for the first time or again."""
        if self.creeps:
            self.calls = 0

    def end_step(self) -> None:
        """A step has come to its end."""
        if self.creeps:
            self.at = 1

    def call(self, name: str, function: Callable[[], Any]) -> Any:
        self.calls += 1
        self.seen.append(name)
        answer = function()
        if self.calls == self.at:
            self.deaths += 1
            if self.creeps:
                self.at += 1
            raise Killed(name)
        return answer


class Mortal:
    """A client whose every call a life counts; what is no method is handed out as it is."""

    _LOCAL = ("exceptions", "meta", "get_paginator", "generate_presigned_post")

    def __init__(self, target: Any, life: Life, name: str) -> None:
        self._target, self._life, self._name = target, life, name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name in self._LOCAL or not callable(found):
            return found

        def call(*words: Any, **options: Any) -> Any:
            return self._life.call(f"{self._name}.{name}", lambda: found(*words, **options))

        return call


class MortalTransport(httpx.BaseTransport):
    """Calls over HTTP whose every one a life counts; `trouble` is raised instead of an answer."""

    def __init__(self, inner: httpx.BaseTransport, life: Life) -> None:
        self._inner, self._life = inner, life
        self.trouble: Callable[[httpx.Request], Exception | None] = lambda _: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        def send() -> httpx.Response:
            trouble = self.trouble(request)
            if trouble is not None:
                raise trouble
            return self._inner.handle_request(request)

        answer: httpx.Response = self._life.call(f"evalai.{request.method}", send)
        return answer


@dataclass
class Cluster:
    """A cluster as its client shows it. A test says what becomes of the Jobs in it."""

    clock: Callable[[], float]
    held: dict[str, Manifest] = field(default_factory=dict)
    secrets: dict[str, Manifest] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    pods_of: dict[str, list[Manifest]] = field(default_factory=dict)
    noted: list[Manifest] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)
    problem: Exception | None = None
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def create_job(self, manifest: Manifest) -> Manifest:
        self._meet()
        name = manifest["metadata"]["name"]
        if name in self.held:
            raise Conflict(f'jobs.batch "{name}" already exists', "AlreadyExists", 409)
        metadata = manifest["metadata"] | {
            "uid": f"uid-{next(self._numbers)}",
            "creationTimestamp": utc_text(self.clock()),
        }
        self.held[name] = manifest | {"metadata": metadata, "status": {}}
        self.pods_of[name] = []
        self.made.append(name)
        return self.held[name]

    def job(self, name: str) -> Manifest:
        self._meet()
        if name not in self.held:
            raise Gone(f'jobs.batch "{name}" not found', "NotFound", 404)
        return self.held[name]

    def delete_job(self, name: str, uid: str | None = None) -> bool:
        self._meet()
        self.pods_of.pop(name, None)
        return self.held.pop(name, None) is not None

    def put_secret(
        self,
        name: str,
        content: Mapping[str, SecretStr],
        labels: Mapping[str, str],
        owner: Manifest | None = None,
    ) -> Manifest:
        self._meet()
        self.secrets[name] = {
            "content": {key: value.get_secret_value() for key, value in content.items()},
            "labels": dict(labels),
            "owner": owner and owner["metadata"]["uid"],
            "version": next(self._numbers),
        }
        return {"metadata": {"name": name}}

    def delete_secret(self, name: str) -> bool:
        self._meet()
        return self.secrets.pop(name, None) is not None

    def pods(self, job: str) -> list[Manifest]:
        self._meet()
        return self.pods_of.get(job, [])

    def events(self, name: str) -> list[Manifest]:
        self._meet()
        return self.noted

    def log(self, pod: str, container: str) -> str:
        self._meet()
        if not any(pod == known["metadata"]["name"] for known in self._all_pods()):
            raise Gone(f'pods "{pod}" not found', "NotFound", 404)
        return self.logs.get(container, f"the words of {container}\n")

    # What a test does to it.

    def pod(self, *containers: Manifest, **status: Any) -> None:
        """Give the only Job a pod, a new one if the last one failed, with these containers."""
        job, pods = self._only()
        if not pods or pods[-1]["status"]["phase"] == "Failed":
            pods.append({})
        pods[-1] = samples.pod(
            *containers,
            name=f"{job['metadata']['name']}-{len(pods)}",
            uid=job["metadata"]["uid"],
            created=pods[-1].get("metadata", {}).get("creationTimestamp", utc_text(self.clock())),
            **status,
        )

    def run(self) -> None:
        self.pod(samples.running("evaluator-1"), phase="Running")

    def end(self, kind: str = "Complete", reason: str = "", message: str = "") -> None:
        """End the only Job: `Complete` or `Failed`."""
        job, _ = self._only()
        job["status"]["conditions"] = [samples.condition(kind, reason, message)]

    def note(self, reason: str, message: str) -> None:
        """Note something about the only Job and its pod."""
        job, pods = self._only()
        for about in (job, *pods):
            self.noted.append(samples.event(about["metadata"]["uid"], reason, message))

    def _only(self) -> tuple[Manifest, list[Manifest]]:
        ((name, job),) = self.held.items()
        return job, self.pods_of[name]

    def _all_pods(self) -> list[Manifest]:
        return [pod for pods in self.pods_of.values() for pod in pods]

    def _meet(self) -> None:
        if self.problem is not None:
            raise self.problem


class ExecutionAlreadyExists(Exception):  # noqa: N818 - as boto3 names it
    pass


@dataclass
class States:
    """Step Functions, as far as executions are started."""

    started: list[dict[str, Any]] = field(default_factory=list)
    exceptions: ClassVar[Any] = SimpleNamespace(ExecutionAlreadyExists=ExecutionAlreadyExists)

    def start_execution(self, **content: Any) -> dict[str, Any]:
        for known in self.started:
            if known["name"] == content["name"] and known != content:
                raise ExecutionAlreadyExists
        if content not in self.started:
            self.started.append(content)
        return {}

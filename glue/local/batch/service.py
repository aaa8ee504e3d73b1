"""The API of Batch: from a request to an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from glue.local.batch import (
    compute_environments,
    definitions,
    jobs,
    policies,
    queues,
    submission,
    tags,
    validation,
)
from glue.local.batch.errors import ClientError
from glue.local.batch.outside import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from glue.local.batch.engine import Engine
    from glue.local.batch.names import Scope
    from glue.local.batch.store import Job, Region

    Payload = dict[str, Any]

TAGS_PATH = "/v1/tags/"


class Service:
    """Answers requests out of an engine's state."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        outside = engine.outside
        self._operations: dict[str, Callable[[Region, Payload], dict[str, Any]]] = {
            "createcomputeenvironment": lambda r, p: compute_environments.create(r, p, outside),
            "updatecomputeenvironment": lambda r, p: compute_environments.update(r, p, outside),
            "describecomputeenvironments": compute_environments.describe,
            "deletecomputeenvironment": compute_environments.delete,
            "createjobqueue": queues.create,
            "updatejobqueue": queues.update,
            "describejobqueues": queues.describe,
            "deletejobqueue": queues.delete,
            "registerjobdefinition": lambda r, p: definitions.register(r, p, outside),
            "describejobdefinitions": definitions.describe,
            "deregisterjobdefinition": definitions.deregister,
            "createschedulingpolicy": policies.create,
            "updateschedulingpolicy": policies.update,
            "describeschedulingpolicies": policies.describe,
            "listschedulingpolicies": policies.listed,
            "deleteschedulingpolicy": policies.delete,
            "submitjob": self._submit,
            "describejobs": jobs.describe,
            "listjobs": jobs.listed,
            "canceljob": self._cancel,
            "terminatejob": self._terminate,
        }

    def answer(
        self, scope: Scope, method: str, path: str, query: Mapping[str, Any], body: bytes | str
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of the answer to a request."""
        region = self.engine.store.region(scope)
        try:
            payload = _payload(body)
            if path.startswith(TAGS_PATH):
                arn = unquote(path[len(TAGS_PATH) :])
                return 200, self._tags(region, method, arn, query, payload)
            answer = self._operation(method, path)(region, payload)
        except (ClientError, Refused) as error:
            return ClientError.status, problem(str(error))
        self.engine.wake()
        return 200, answer

    def _operation(self, method: str, path: str) -> Callable[[Region, Payload], dict[str, Any]]:
        found = self._operations.get(path.rstrip("/").rsplit("/", 1)[-1].lower())
        if found is None or method != "POST":
            raise ClientError(f"the local cloud does not know {method} {path}")
        return found

    def _submit(self, region: Region, payload: Payload) -> dict[str, Any]:
        job = submission.submit(region, payload, self.engine.life.clock())
        return submission.answer(region, job)

    def _cancel(self, region: Region, payload: Payload) -> dict[str, Any]:
        validation.check("CancelJob", payload)
        job = _job(region, payload)
        self.engine.life.cancel(region, job, payload["reason"])
        return {}

    def _terminate(self, region: Region, payload: Payload) -> dict[str, Any]:
        validation.check("TerminateJob", payload)
        self.engine.terminate(region, _job(region, payload), payload["reason"])
        return {}

    def _tags(
        self, region: Region, method: str, arn: str, query: Mapping[str, Any], payload: Payload
    ) -> dict[str, Any]:
        match method:
            case "GET":
                return {"tags": dict(tags.of(region, arn))}
            case "POST":
                validation.check("TagResource", {**payload, "resourceArn": arn})
                tags.add(region, arn, payload["tags"])
            case "DELETE":
                keys = query.get("tagKeys") or []
                tags.remove(region, arn, [keys] if isinstance(keys, str) else list(keys))
            case _:
                raise ClientError(f"the local cloud does not know {method} of tags")
        return {}


def problem(message: str) -> dict[str, Any]:
    """Return the body of an answer that refuses a request."""
    return {"__type": ClientError.code, "message": message}


def _payload(body: bytes | str) -> Payload:
    try:
        payload = json.loads(body) if body else {}
    except ValueError as error:
        raise ClientError(f"the request is no JSON: {error}") from error
    if not isinstance(payload, dict):
        raise ClientError("the request is no JSON object")
    return payload


def _job(region: Region, payload: Payload) -> Job:
    identity = jobs.id_of(region.scope, payload["jobId"])
    if identity not in region.jobs:
        raise ClientError(f"Job {payload['jobId']} does not exist")
    return region.jobs[identity]

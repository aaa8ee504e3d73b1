"""The API of the stand-in: Jobs, pods, logs and events, as a cluster of version 1.36 has them.

Below `/stand-in` are the ways to make things go wrong, for this machine only:
`GET|PUT /stand-in/faults` (see faults.py), `GET /stand-in/nodes`, `DELETE /stand-in/nodes/NAME`,
`POST /stand-in/evictions/NAMESPACE/POD`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from glue.local.kubernetes import admission, http, selectors
from glue.local.kubernetes.faults import Faults
from glue.local.kubernetes.http import Answer, Request, answer
from glue.local.kubernetes.problems import (
    Problem,
    bad_request,
    forbidden,
    not_found,
    unsupported,
)
from glue.local.kubernetes.store import key

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.kubernetes.access import Access
    from glue.local.kubernetes.cluster import Cluster
    from glue.local.kubernetes.identity import Identities

    Object = dict[str, Any]

logger = logging.getLogger("glue.local.kubernetes")

PATH = re.compile(
    r"/(?:apis/batch/v1|api/v1)/namespaces/(?P<namespace>[^/]+)/(?P<kind>[^/]+)"
    r"(?:/(?P<name>[^/]+)(?P<log>/log)?)?"
)
GROUPS = {"jobs": "/apis/batch/v1/", "pods": "/api/v1/", "events": "/api/v1/"}
KINDS = {"jobs": ("batch/v1", "Job"), "pods": ("v1", "Pod"), "events": ("v1", "Event")}
PROPAGATION = ("Foreground", "Background", "Orphan")
STAND_IN = "/stand-in"
VERSION = {
    "major": "1", "minor": admission.VERSION.partition(".")[2], "platform": "stand-in",
    "gitVersion": f"v{admission.VERSION}.0-stand-in",
}  # fmt: skip


class Api:
    """An ASGI application over one cluster."""

    def __init__(self, cluster: Cluster, identities: Identities, access: Access) -> None:
        self.cluster, self.identities, self.access = cluster, identities, access

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            request = await http.read(scope, receive)
            found = await self._answer(request)
        except Problem as problem:
            found = http.of_problem(problem)
        except Exception:
            logger.exception("%s %s", scope["method"], scope["path"])
            found = http.of_problem(Problem(500, "InternalError", "the stand-in has a fault"))
        await http.write(send, found)

    async def _answer(self, request: Request) -> Answer:
        if request.path in ("/readyz", "/livez"):
            return Answer(b"ok", kind="text/plain")
        if request.path == "/version":
            return answer(VERSION)
        if request.path.startswith(f"{STAND_IN}/"):
            return self._stand_in(request)
        place = PATH.fullmatch(request.path)
        if place is None or not request.path.startswith(GROUPS.get(place["kind"], "\0")):
            raise Problem(404, "NotFound", "the server could not find the requested resource")
        verb = _verb(request.method, place["name"])
        fault = self.cluster.faults.take_api(verb)
        if fault is not None:
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind != "lost":
                return _broken(fault.kind)
        arn = await self.identities.of(request.headers.get("authorization", ""))
        resource = "pods/log" if place["log"] else place["kind"]
        require = self.access.require
        await asyncio.to_thread(require, arn, verb, resource, place["namespace"])
        found = self._act(verb, place["kind"], place["namespace"], place["name"], request)
        if fault is not None and fault.kind == "lost":
            return Answer(found.body, found.status, found.kind, is_cut=True)
        return found

    def _act(
        self, verb: str, kind: str, namespace: str, name: str | None, request: Request
    ) -> Answer:
        if verb == "list":
            return self._list(kind, namespace, request.query)
        if verb == "create" and kind == "jobs":
            return self._create(namespace, request.json())
        if name is None or verb not in ("get", "delete") or kind == "events":
            raise Problem(405, "MethodNotAllowed", "the server does not allow this method here")
        held = self._held(kind)
        found = held.get((namespace, name))
        if found is None:
            raise not_found("jobs.batch" if kind == "jobs" else kind, name)
        if verb == "get" and request.path.endswith("/log"):
            return self._log(found, request.query)
        if verb == "get":
            return answer(found)
        if kind != "jobs":
            raise unsupported("delete the Job, not its pod")
        return self._delete(found, request)

    def _held(self, kind: str) -> dict[tuple[str, str], Object]:
        store = self.cluster.store
        if kind == "events":
            return {key(event): event for event in store.events}
        return store.jobs if kind == "jobs" else store.pods

    def _create(self, namespace: str, job: Object) -> Answer:
        rules, store = self.cluster.rules, self.cluster.store
        metadata = job.setdefault("metadata", {})
        if metadata.setdefault("namespace", namespace) != namespace:
            raise bad_request("the namespace of the object does not match that of the request")
        admission.check_job(job, rules)
        if namespace not in rules.namespaces:
            raise not_found("namespaces", namespace)
        if (namespace, metadata["name"]) in store.jobs:
            said = f'jobs.batch "{metadata["name"]}" already exists'
            raise Problem(409, "AlreadyExists", said)
        store.add(store.jobs, {**job, "status": {}})
        self.cluster.wake()
        return answer(store.jobs[namespace, metadata["name"]], 201)

    def _list(self, kind: str, namespace: str, query: dict[str, str]) -> Answer:
        if query.get("watch") in ("1", "true"):
            raise unsupported("nothing can be watched here; list it again")
        fits = selectors.chooser(query)
        fitting = [
            found
            for (space, _), found in sorted(self._held(kind).items())
            if space == namespace and fits(found)
        ]
        page, following = selectors.page(fitting, query)
        version, name = KINDS[kind]
        metadata = {"resourceVersion": str(self.cluster.store.version)}
        if following:
            metadata["continue"] = following
        return answer(
            {"apiVersion": version, "kind": f"{name}List", "metadata": metadata, "items": page}
        )

    def _delete(self, job: Object, request: Request) -> Answer:
        options = request.json()
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted is not None and wanted != job["metadata"]["uid"]:
            raise Problem(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on jobs.batch "{job["metadata"]["name"]}": '
                f"Precondition failed: UID in precondition: {wanted}",
            )
        policy = options.get("propagationPolicy") or request.query.get("propagationPolicy")
        if policy is not None and policy not in PROPAGATION:
            raise bad_request(f"propagationPolicy: {policy!r} is unknown")
        self.cluster.controller.delete(job, policy or "Background")
        self.cluster.wake()
        return answer(job)

    def _log(self, pod: Object, query: dict[str, str]) -> Answer:
        names = [container["name"] for container in pod["spec"]["containers"]]
        names += [container["name"] for container in pod["spec"].get("initContainers") or ()]
        container = query.get("container") or names[0]
        if container not in names:
            raise bad_request(
                f"container {container} is not valid for pod {pod['metadata']['name']}"
            )
        if query.get("follow") == "true" or query.get("previous") == "true":
            raise unsupported("logs cannot be followed, nor those of an earlier start be read")
        path = self.cluster.log(pod, container)
        if not path.exists():
            raise bad_request(
                f'container "{container}" in pod "{pod["metadata"]["name"]}" '
                "is waiting to start: ContainerCreating"
            )
        text = path.read_bytes()
        if (lines := query.get("tailLines")) is not None:
            text = b"".join(text.splitlines(keepends=True)[-_number(lines, "tailLines") :])
        if (most := query.get("limitBytes")) is not None:
            text = text[: _number(most, "limitBytes")]
        return Answer(text, kind="text/plain")

    def _stand_in(self, request: Request) -> Answer:
        words = request.path.removeprefix(f"{STAND_IN}/").split("/")
        cluster = self.cluster
        match request.method, words:
            case "GET", ["faults"]:
                return answer(cluster.faults.model_dump())
            case "PUT", ["faults"]:
                try:
                    cluster.faults = Faults.model_validate(request.json())
                except ValidationError as error:
                    raise bad_request(str(error)) from error
                cluster.wake()
                return answer(cluster.faults.model_dump())
            case "GET", ["nodes"]:
                now = cluster.nodes.clock()
                every = cluster.nodes.nodes.values()
                return answer({node.name: {"is_ready": node.ready_at <= now} for node in every})
            case "DELETE", ["nodes", name] if cluster.lose_node(name):
                return answer({"lost": name})
            case "POST", ["evictions", namespace, name] if pod := cluster.store.pods.get(
                (namespace, name)
            ):
                cluster.evict(pod)
                return answer({"evicted": name})
        raise Problem(404, "NotFound", f"{request.method} {request.path}: there is no such thing")


def _verb(method: str, name: str | None) -> str:
    if method == "GET":
        return "get" if name else "list"
    return {"POST": "create", "DELETE": "delete", "PUT": "update", "PATCH": "patch"}.get(
        method, method.lower()
    )


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise bad_request(f"{name}: {text!r} is no number above 0")
    return int(text)


def _broken(kind: str) -> Answer:
    """Return the answer of an API that does not work."""
    answers: dict[str, Callable[[], Answer]] = {
        "down": lambda: http.of_problem(
            Problem(503, "ServiceUnavailable", "the server is currently unable to handle it")
        ),
        "busy": lambda: http.of_problem(
            Problem(429, "TooManyRequests", "too many requests, please try again later", 1)
        ),
        "refused": lambda: http.of_problem(forbidden("made to refuse")),
        "unauthorised": lambda: http.of_problem(Problem(401, "Unauthorized", "Unauthorized")),
        "broken": lambda: Answer(b'{"kind": "Jo'),
        "stranger": lambda: Answer(b"<html>not here</html>", 404, "text/html"),
    }
    return answers[kind]()

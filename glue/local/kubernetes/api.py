"""The API of the stand-in: Jobs, pods, logs, events and Secrets, as a cluster of 1.36 has them.

Whatever was changed is written down before the answer says so. Below `/stand-in` are the ways
to make things go wrong (see trouble.py).
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

from glue.local.kubernetes import admission, http, secret_objects, selectors, trouble
from glue.local.kubernetes.http import Answer, Request, answer
from glue.local.kubernetes.problems import Problem, bad_request, not_found, unsupported

if TYPE_CHECKING:
    from glue.local.kubernetes.access import Access
    from glue.local.kubernetes.cluster import Cluster
    from glue.local.kubernetes.identity import Identities

    Object = dict[str, Any]

logger = logging.getLogger("glue.local.kubernetes")

PATH = re.compile(
    r"/(?:apis/batch/v1|api/v1)/namespaces/(?P<namespace>[^/]+)/(?P<kind>[^/]+)"
    r"(?:/(?P<name>[^/]+)(?P<log>/log)?)?"
)
KINDS = {
    "jobs": ("batch/v1", "Job"),
    "pods": ("v1", "Pod"),
    "events": ("v1", "Event"),
    "secrets": ("v1", "Secret"),
}
GROUPS = {
    kind: "/api/v1/" if version == "v1" else f"/apis/{version}/"
    for kind, (version, _) in KINDS.items()
}
JOB_QUOTAS = ("count/jobs.batch",)
CHANGING = ("create", "update", "delete")
PROPAGATION = ("Foreground", "Background", "Orphan")
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
        if request.path.startswith(f"{trouble.PLACE}/"):
            return trouble.answer_to(request, self.cluster)
        place = PATH.fullmatch(request.path)
        if place is None or not request.path.startswith(GROUPS.get(place["kind"], "\0")):
            raise Problem(404, "NotFound", "the server could not find the requested resource")
        verb = _verb(request.method, place["name"])
        fault = self.cluster.faults.take_api(verb)
        if fault is not None:
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind != "lost":
                return trouble.broken(fault.kind)
        arn = await self.identities.of(request.headers.get("authorization", ""))
        resource = "pods/log" if place["log"] else place["kind"]
        require = self.access.require
        await asyncio.to_thread(require, arn, verb, resource, place["namespace"])
        found = self._act(verb, place["kind"], place["namespace"], place["name"], request)
        if verb in CHANGING:
            self.cluster.save()
        if fault is not None and fault.kind == "lost":
            return Answer(found.body, found.status, found.kind, is_cut=True)
        return found

    def _act(
        self, verb: str, kind: str, namespace: str, name: str | None, request: Request
    ) -> Answer:
        if verb == "list":
            return self._list(kind, namespace, request.query)
        if verb == "create" and kind in ("jobs", "secrets"):
            return self._create(kind, namespace, request.json())
        is_known = kind != "events" and (verb != "update" or kind == "secrets")
        if name is None or verb not in ("get", "update", "delete") or not is_known:
            raise Problem(405, "MethodNotAllowed", "the server does not allow this method here")
        found = self._held(kind).get((namespace, name))
        if found is None:
            raise not_found("jobs.batch" if kind == "jobs" else kind, name)
        if verb == "get" and request.path.endswith("/log"):
            return self._log(found, request.query)
        if verb == "get":
            return answer(found)
        if verb == "update":
            secret = self._placed(kind, request.json(), namespace)
            return answer(secret_objects.replace(found, secret, self.cluster.store))
        if kind == "pods":
            raise unsupported("delete the Job, not its pod")
        return self._delete(kind, found, request)

    def _held(self, kind: str) -> dict[tuple[str, str], Object]:
        held: dict[tuple[str, str], Object] = getattr(self.cluster.store, kind)
        return held

    @staticmethod
    def _placed(kind: str, found: Object, namespace: str) -> Object:
        """Return an object with its namespace. Raises Problem when it is of another or kind."""
        version, name = KINDS[kind]
        if (found.get("apiVersion"), found.get("kind")) != (version, name):
            raise bad_request(f"the object is no {name} of {version}")
        metadata = found.setdefault("metadata", {})
        if metadata.setdefault("namespace", namespace) != namespace:
            raise bad_request("the namespace of the object does not match that of the request")
        return found

    def _create(self, kind: str, namespace: str, made: Object) -> Answer:
        rules, store = self.cluster.rules, self.cluster.store
        self._placed(kind, made, namespace)
        if kind == "secrets":
            found = secret_objects.create(made, store, rules)
            self.cluster.wake()
            return answer(found, 201)
        admission.check_job(made, rules)
        if namespace not in rules.namespaces:
            raise not_found("namespaces", namespace)
        name = made["metadata"]["name"]
        if (namespace, name) in store.jobs:
            raise Problem(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
        admission.check_count("jobs.batch", JOB_QUOTAS, made, rules, store.jobs)
        store.add(store.jobs, {**made, "status": {}})
        self.cluster.wake()
        return answer(store.jobs[namespace, name], 201)

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

    def _delete(self, kind: str, found: Object, request: Request) -> Answer:
        options, metadata = request.json(), found["metadata"]
        resource = "jobs.batch" if kind == "jobs" else kind
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted is not None and wanted != metadata["uid"]:
            raise Problem(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {resource} "{metadata["name"]}": '
                f"Precondition failed: UID in precondition: {wanted}",
            )
        policy = options.get("propagationPolicy") or request.query.get("propagationPolicy")
        if policy is not None and policy not in PROPAGATION:
            raise bad_request(f"propagationPolicy: {policy!r} is unknown")
        if kind == "secrets":
            self.cluster.store.remove(self.cluster.store.secrets, found)
            return answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})
        self.cluster.controller.delete(found, policy or "Background")
        self.cluster.wake()
        return answer(found)

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

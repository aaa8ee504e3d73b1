"""The ways to make things go wrong, for this machine only, below `/stand-in`.

`GET|PUT /stand-in/faults` (see faults.py), `GET /stand-in/nodes`, `DELETE /stand-in/nodes/NAME`,
`POST /stand-in/evictions/NAMESPACE/POD`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from glue.local.kubernetes import http
from glue.local.kubernetes.faults import Faults
from glue.local.kubernetes.http import Answer, Request, answer
from glue.local.kubernetes.problems import Problem, bad_request, forbidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.kubernetes.cluster import Cluster

PLACE = "/stand-in"


def answer_to(request: Request, cluster: Cluster) -> Answer:
    """Do what is asked. Raises Problem."""
    words = request.path.removeprefix(f"{PLACE}/").split("/")
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


def broken(kind: str) -> Answer:
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

"""EvalAI's routes, as far as a challenge's backend and its participants use them.

Slashes at the end matter: one that is missing is a redirection, one too many is not found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from werkzeug.routing import Map, Rule

from glue.local.evalai import rules, submissions
from glue.local.evalai.callers import require_host, require_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.evalai.store import Store

ROUTES = Map(
    [
        Rule("/api/jobs/submission/<int:pk>", endpoint="submission", methods=["GET"]),
        Rule(
            "/api/jobs/challenge/<int:challenge>/update_submission/",
            endpoint="result",
            methods=["PUT"],
        ),
        Rule(
            "/api/jobs/challenge/<int:challenge>/update_submission/",
            endpoint="under_way",
            methods=["PATCH"],
        ),
        Rule(
            "/api/jobs/challenges/<int:challenge>/update_partially_evaluated_submission/",
            endpoint="interim",
            methods=["PUT"],
        ),
        Rule(
            "/api/jobs/challenges/<int:challenge>/submissions/<int:pk>/update_submission_meta/",
            endpoint="cancel",
            methods=["PATCH"],
        ),
        Rule("/api/jobs/submissions/<int:pk>/re-run/", endpoint="run_again", methods=["POST"]),
        Rule("/api/jobs/submissions/<int:pk>/resume/", endpoint="resume", methods=["POST"]),
        Rule(
            "/media/submission_files/submission_<int:pk>/<name>.txt",
            endpoint="log",
            methods=["GET"],
        ),
    ],
    merge_slashes=False,
)


class Call(NamedTuple):
    """A call by somebody known; `now` is the time in ISO 8601."""

    person: dict[str, Any]
    body: dict[str, Any]
    now: str


class Answer(NamedTuple):
    """The body of a success; `message` is about `submission` and has to be sent."""

    body: Any
    submission: dict[str, Any] | None = None
    message: dict[str, Any] | None = None


def _submission(store: Store, call: Call, pk: int) -> Answer:
    return Answer(rules.public(require_reader(store, call.person, pk)))


def _result(store: Store, call: Call, challenge: int) -> Answer:
    require_host(store, call.person, challenge)
    return Answer(rules.tell_result(store, call.body, call.now, interim=False))


def _interim(store: Store, call: Call, challenge: int) -> Answer:
    require_host(store, call.person, challenge)
    return Answer(rules.tell_result(store, call.body, call.now, interim=True))


def _under_way(store: Store, call: Call, challenge: int) -> Answer:
    require_host(store, call.person, challenge)
    return Answer(rules.tell_under_way(store, call.body, call.now))


def _cancel(store: Store, call: Call, challenge: int, pk: int) -> Answer:
    return Answer(rules.public(submissions.cancel(store, call.person, challenge, pk, call.body)))


def _run_again(store: Store, call: Call, pk: int) -> Answer:
    old = rules.find(store, "Submission", pk)
    require_host(store, call.person, old["challenge"])
    new = submissions.run_again(store, pk, call.now)
    return Answer(rules.public(new), new, submissions.message(store, new, as_text=False))


def _resume(store: Store, call: Call, pk: int) -> Answer:
    found = rules.find(store, "Submission", pk)
    require_host(store, call.person, found["challenge"])
    resumed = submissions.resume(store, pk, call.now)
    message = submissions.message(store, resumed, as_text=False)
    return Answer(rules.public(resumed), resumed, message)


def _log(store: Store, call: Call, pk: int, name: str) -> Answer:
    submission = require_reader(store, call.person, pk)
    if name not in rules.TEXTS or name not in submission:
        raise rules.Refusal(404, {"detail": "Not found."})
    return Answer(submission[name])


VIEWS: dict[str, Callable[..., Answer]] = {
    "submission": _submission,
    "result": _result,
    "under_way": _under_way,
    "interim": _interim,
    "cancel": _cancel,
    "run_again": _run_again,
    "resume": _resume,
    "log": _log,
}

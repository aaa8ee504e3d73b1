"""The stand-in's own routes, under `/stand-in/`: set it up, play the participants, look inside.

They ask for no token: the stand-in listens on this machine only.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from werkzeug.routing import Map, Rule

from glue.local.evalai import submissions
from glue.local.evalai.documents import Challenge, Fault, Limit, NewSubmission, Person, Queue
from glue.local.evalai.rules import Refusal, find

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.evalai.store import Store

PREFIX = "/stand-in/"
ROUTES = Map(
    [
        Rule("/stand-in/", endpoint="about", methods=["GET"]),
        Rule("/stand-in/challenges/<int:pk>", endpoint="put_challenge", methods=["PUT"]),
        Rule("/stand-in/challenges/<int:pk>/queue", endpoint="put_queue", methods=["PUT"]),
        Rule("/stand-in/people", endpoint="put_person", methods=["PUT"]),
        Rule("/stand-in/submissions", endpoint="submit", methods=["POST"]),
        Rule("/stand-in/submissions", endpoint="submissions", methods=["GET"]),
        Rule("/stand-in/submissions/<int:pk>", endpoint="submission", methods=["GET"]),
        Rule("/stand-in/told", endpoint="told", methods=["GET"]),
        Rule("/stand-in/board/<int:phase>", endpoint="board", methods=["GET"]),
        Rule("/stand-in/limit", endpoint="put_limit", methods=["PUT"]),
        Rule("/stand-in/faults", endpoint="faults", methods=["GET"]),
        Rule("/stand-in/faults", endpoint="add_fault", methods=["POST"]),
        Rule("/stand-in/faults", endpoint="forget_faults", methods=["DELETE"]),
    ]
)


def _read(model: type[BaseModel], body: Any) -> dict[str, Any]:
    try:
        return model.model_validate(body).model_dump(mode="json")
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, found['loc'])) or 'body'}: {found['msg']}"
            for found in error.errors(include_url=False)
        ]
        raise Refusal(HTTPStatus.BAD_REQUEST, {"error": "; ".join(problems)}) from None


def _about(store: Store, body: Any, now: str) -> Any:  # noqa: ARG001 - all are called alike
    return {
        "name": "EvalAI stand-in",
        "note": "It is not EvalAI; it keeps the rules that a challenge's backend meets.",
        "submissions": len(store.all("submission")),
    }


def _put_challenge(store: Store, body: Any, now: str, pk: int) -> Any:  # noqa: ARG001
    store.put("challenge", pk, _read(Challenge, body))
    return {"challenge": pk}


def _put_queue(store: Store, body: Any, now: str, pk: int) -> Any:  # noqa: ARG001
    store.put("challenge", pk, find(store, "Challenge", pk) | {"queue": _read(Queue, body)})
    return {"challenge": pk}


def _put_limit(store: Store, body: Any, now: str) -> Any:  # noqa: ARG001
    """Take another number of calls a minute than EvalAI's, for measuring; None takes that back.

    The calls of the last minute are forgotten: they were counted against another number.
    """
    limit = _read(Limit, body)
    store.forget_calls()
    if limit["calls_a_minute"] is None:
        store.forget("limit")
    else:
        store.put("limit", 1, limit)
    return limit


def _put_person(store: Store, body: Any, now: str) -> Any:  # noqa: ARG001
    person = _read(Person, body)
    for key, known in store.all("person").items():
        if known["name"] == person["name"]:
            store.put("person", key, person)
            break
    else:
        store.add("person", person)
    return {"name": person["name"]}


def _submit(store: Store, body: Any, now: str) -> Any:
    submission = submissions.create(store, _read(NewSubmission, body), now)
    return submission, submissions.message(store, submission, as_text=True)


def _submissions(store: Store, body: Any, now: str) -> Any:  # noqa: ARG001
    return list(store.all("submission").values())


def _submission(store: Store, body: Any, now: str, pk: int) -> Any:  # noqa: ARG001
    return find(store, "Submission", pk)


def _told(store: Store, body: Any, now: str) -> Any:  # noqa: ARG001
    return list(store.all("told").values())


def _board(store: Store, body: Any, now: str, phase: int) -> Any:  # noqa: ARG001
    """Return the best finished submission of each team by split, by the split's first label."""
    rows = []
    for submission in store.all("submission").values():
        for where, score in submission.get("scores", {}).items():
            found, _, split = where.partition("/")
            if int(found) == phase and submission["status"] == "finished":
                rows.append(
                    {
                        "split": split,
                        "team": submission["participant_team"],
                        "team_name": submission["participant_team_name"],
                        "submission": submission["id"],
                        "accuracies": score["accuracies"],
                    }
                )
    rows.sort(key=lambda row: -next(iter(row["accuracies"].values()), 0.0))
    best: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        best.setdefault((row["split"], row["team"]), row)
    return list(best.values())


def _faults(store: Store, body: Any, now: str) -> Any:  # noqa: ARG001
    return list(store.all("fault").values())


def _add_fault(store: Store, body: Any, now: str) -> Any:  # noqa: ARG001
    return {"fault": store.add("fault", _read(Fault, body))}


def _forget_faults(store: Store, body: Any, now: str) -> Any:  # noqa: ARG001
    store.forget("fault")
    return {}


VIEWS: dict[str, Callable[..., Any]] = {
    "about": _about,
    "put_challenge": _put_challenge,
    "put_queue": _put_queue,
    "put_limit": _put_limit,
    "put_person": _put_person,
    "submit": _submit,
    "submissions": _submissions,
    "submission": _submission,
    "told": _told,
    "board": _board,
    "faults": _faults,
    "add_fault": _add_fault,
    "forget_faults": _forget_faults,
}

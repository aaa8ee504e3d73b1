"""Who calls the stand-in, and whether they have called too often."""

from __future__ import annotations

import hmac
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from glue.local.evalai.rules import Refusal, find

if TYPE_CHECKING:
    from glue.local.evalai.store import Store

CALLS_A_MINUTE = 60
MINUTE = 60.0  # seconds
SCHEMES = ("bearer", "token")


class Throttled(Refusal):
    """The answer to a call too many, with the seconds after which the next is taken."""

    def __init__(self, seconds: float) -> None:
        self.retry_after = math.ceil(seconds)
        words = f"Request was throttled. Expected available in {self.retry_after} seconds."
        super().__init__(HTTPStatus.TOO_MANY_REQUESTS, {"detail": words})


def authenticate(store: Store, header: str | None) -> dict[str, Any]:
    """Return the person whom an Authorization header names. Raises Refusal (401)."""
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() not in SCHEMES or not token:
        words = "Authentication credentials were not provided."
        raise Refusal(HTTPStatus.UNAUTHORIZED, {"detail": words})
    for person in store.all("person").values():
        if hmac.compare_digest(person["token"].encode(), token.strip().encode()):
            return person
    raise Refusal(HTTPStatus.UNAUTHORIZED, {"detail": "Token is invalid or expired"})


def throttle(store: Store, person: dict[str, Any], now: float, most: int) -> None:
    """Write a call down, or raise Throttled: there were as many in the last 60 seconds.

    Calls that are turned away do not count.
    """
    with store.change():
        calls = store.calls_since(person["name"], now - MINUTE)
        if len(calls) >= most:
            raise Throttled(calls[len(calls) - most] + MINUTE - now)
        store.add_call(person["name"], now)


def is_host(store: Store, person: dict[str, Any], challenge: int) -> bool:
    """Tell whether somebody hosts a challenge; nobody hosts one that there is not."""
    return person["name"] in (store.get("challenge", challenge) or {"hosts": ()})["hosts"]


def require_host(store: Store, person: dict[str, Any], challenge: int) -> None:
    """Raise the Refusal by which EvalAI turns a stranger's update away: 400, not 403."""
    if not is_host(store, person, challenge):
        words = "Sorry, you are not authorized to make this request!"
        raise Refusal(HTTPStatus.BAD_REQUEST, {"error": words})


def require_reader(store: Store, person: dict[str, Any], pk: int) -> dict[str, Any]:
    """Return a submission that somebody may see: a host, or the team whose it is."""
    submission = find(store, "Submission", pk)
    is_own = person["team"] is not None and person["team"] == submission["participant_team"]
    if not is_own and not is_host(store, person, submission["challenge"]):
        words = "Sorry, you are not authorized to make this request!"
        raise Refusal(HTTPStatus.FORBIDDEN, {"error": words})
    return submission

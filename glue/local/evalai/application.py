"""The stand-in as a WSGI application: faults, routes, callers, rules, and a journal of it all."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Request, Response

from glue.local.evalai import administration, faults, submissions, views
from glue.local.evalai.callers import CALLS_A_MINUTE, Throttled, authenticate, throttle
from glue.local.evalai.rules import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse

    from glue.local.evalai.store import Store

NAME = "EvalAI stand-in (not EvalAI)"


class Application:
    """Answers calls from a store; `clock` gives seconds since 1970."""

    def __init__(
        self,
        store: Store,
        calls_a_minute: int = CALLS_A_MINUTE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._most = calls_a_minute
        self._clock = clock

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """Answer one call, as WSGI has it."""
        request = Request(environ)
        if request.path.startswith(administration.PREFIX):
            response = self._administer(request)
        else:
            response = self._meet_faults(request)
        return response(environ, start)

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat().replace("+00:00", "Z")

    def _limit(self) -> int:
        kept = self._store.get("limit", 1)
        return self._most if kept is None else int(kept["calls_a_minute"])

    def _administer(self, request: Request) -> Response:
        try:
            name, values = administration.ROUTES.bind_to_environ(request.environ).match()
            body = json.loads(request.get_data() or b"null")
            with self._store.change():
                answer = administration.VIEWS[name](self._store, body, self._now(), **values)
            if name == "submit":
                submission, message = answer
                problem = submissions.send(self._store, submission, message)
                answer = {"submission": submission["id"], "message": message, "problem": problem}
        except Refusal as refusal:
            return _respond(refusal.status, refusal.body)
        except HTTPException as error:
            return _respond(error.code or HTTPStatus.NOT_FOUND, {"error": str(error)})
        except ValueError as error:
            return _respond(HTTPStatus.BAD_REQUEST, {"error": f"body: {error}"})
        return _respond(HTTPStatus.OK, answer)

    def _meet_faults(self, request: Request) -> Response:
        fault = faults.meet(self._store, request.method, request.path)
        if fault is None:
            return self._answer(request)
        if fault["kind"] == "slow":
            time.sleep(fault["seconds"])
            return self._answer(request)
        if fault["kind"] == "status":
            body = {"error": fault["words"]}
            self._write_down(request, "", fault["status"], body, fault["kind"])
            return _respond(fault["status"], body)
        if fault["kind"] == "lost":
            self._answer(request, fault="lost")
        else:
            self._write_down(request, "", 0, None, "down")
        faults.drop(request.environ)
        raise AssertionError("drop raises")

    def _answer(self, request: Request, fault: str | None = None) -> Response:
        caller, reason = "", ""
        headers: dict[str, str] = {}
        try:
            name, values = views.ROUTES.bind_to_environ(request.environ).match()
            person = authenticate(self._store, request.headers.get("Authorization"))
            caller = person["name"]
            throttle(self._store, person, self._clock(), self._limit())
            call = views.Call(person, _body(request), self._now())
            with self._store.change():
                answer = views.VIEWS[name](self._store, call, **values)
            if answer.submission is not None and answer.message is not None:
                reason = submissions.send(self._store, answer.submission, answer.message) or ""
            status, body = int(HTTPStatus.OK), answer.body
        except Refusal as refusal:
            status, body, reason = refusal.status, refusal.body, str(refusal)
            if isinstance(refusal, Throttled):
                headers["Retry-After"] = str(refusal.retry_after)
        except RequestRedirect as redirect:
            # Django adds the slash that is missing, and loses the method on the way.
            status, body = int(HTTPStatus.MOVED_PERMANENTLY), ""
            headers["Location"] = redirect.new_url
        except MethodNotAllowed:
            status = int(HTTPStatus.METHOD_NOT_ALLOWED)
            body = {"detail": f'Method "{request.method}" not allowed.'}
        except HTTPException:
            status, body = int(HTTPStatus.NOT_FOUND), "<h1>Not Found</h1>"
        self._write_down(request, caller, status, body, fault, reason)
        return _respond(status, body, headers)

    def _write_down(  # noqa: PLR0913, PLR0917 - the columns of the journal
        self,
        request: Request,
        caller: str,
        status: int,
        answer: Any,
        fault: str | None,
        reason: str = "",
    ) -> None:
        text = request.get_data(as_text=True)
        try:
            body = json.loads(text) if text else None
        except ValueError:
            body = text
        with self._store.change():
            self._store.add(
                "told",
                {
                    "at": self._now(),
                    "caller": caller,
                    "method": request.method,
                    "path": request.path,
                    "body": body,
                    "status": status,
                    "answer": answer,
                    "fault": fault,
                    "reason": reason,
                },
            )


def _body(request: Request) -> dict[str, Any]:
    """Return the JSON object, or the fields of the form, that a call brings. Raises Refusal."""
    if not request.get_data():
        return {}
    if request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return request.form.to_dict()
    if request.mimetype != "application/json":
        words = f'Unsupported media type "{request.mimetype}" in request.'
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, {"detail": words})
    try:
        body = json.loads(request.get_data())
    except ValueError as error:
        words = f"JSON parse error - {error}"
        raise Refusal(HTTPStatus.BAD_REQUEST, {"detail": words}) from None
    if not isinstance(body, dict):
        raise Refusal(
            HTTPStatus.INTERNAL_SERVER_ERROR, "<h1>Server Error (500)</h1>", "no JSON object"
        )
    return body


def _respond(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    if isinstance(body, str):
        return Response(body, status, headers, mimetype="text/html")
    return Response(json.dumps(body), status, headers, mimetype="application/json")

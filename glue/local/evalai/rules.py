"""EvalAI's rules for telling it about a submission: what it checks, in which order and words.

Some of them surprise, and are kept: no change of status is refused, the submission need not
belong to the challenge or phase that is named, `true` is a number, labels may be missing, and
text that is not text is a server error.
"""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glue.local.evalai.store import Store

FINAL = ("failed", "cancelled", "finished")
INTERIM = (*FINAL, "partially_evaluated")
WITH_RESULT = ("finished", "partially_evaluated")
UNDER_WAY = ("queued", "running")
SUCCESS = {"success": "Submission result has been successfully updated"}
TEXTS = ("stdout", "stderr", "environment_log")


class Refusal(Exception):  # noqa: N818 - reads as a finding
    """An answer other than a success."""

    def __init__(self, status: int, body: dict[str, Any] | str, reason: str = "") -> None:
        super().__init__(reason or str(body))
        self.status = status
        self.body = body


def bad_request(words: str) -> Refusal:
    """Return the answer to content that EvalAI does not accept."""
    return Refusal(HTTPStatus.BAD_REQUEST, {"error": words})


def crash(reason: str) -> Refusal:
    """Return the answer that EvalAI gives when its own code stumbles over the content."""
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "<h1>Server Error (500)</h1>", reason)


def find(store: Store, model: str, pk: Any) -> dict[str, Any]:
    """Return a document. Raises Refusal when there is none."""
    if isinstance(pk, str) and pk.isascii() and pk.isdigit():
        pk = int(pk)
    if isinstance(pk, bool) or not isinstance(pk, int):
        raise crash(f"{pk!r} is no primary key")
    document = store.get(model.lower(), pk)
    if document is None:
        raise Refusal(HTTPStatus.NOT_FOUND, {"detail": f"{model} {pk} does not exist"})
    return document


def text_of(body: dict[str, Any], field: str) -> str:
    """Return a text of the body, '' if it is missing. Raises Refusal for anything but text."""
    value = body.get(field, "")
    if not isinstance(value, str):
        raise crash(f"{field} is {type(value).__name__}, and is used as text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise crash(f"{field} has no UTF-8 form") from None
    return value


def tell_result(store: Store, body: dict[str, Any], now: str, *, interim: bool) -> dict[str, Any]:
    """Carry out the PUT of a final or an interim result; return the answer."""
    status = text_of(body, "submission_status").lower()
    texts = {name: text_of(body, name) for name in TEXTS if not (interim and name == TEXTS[2])}
    submission = find(store, "Submission", body.get("submission"))
    if status not in (INTERIM if interim else FINAL):
        raise bad_request("Sorry, submission status is invalid")
    if status in (WITH_RESULT if interim else ("finished",)):
        scores = read_result(store, body, interim=interim)
        submission["scores"] = submission.get("scores", {}) | scores
    submission |= texts
    submission["metadata"] = str(body.get("metadata", ""))
    submission["status"] = status
    submission["completed_at"] = now
    store.put("submission", submission["id"], submission)
    return SUCCESS


def read_result(store: Store, body: dict[str, Any], *, interim: bool) -> dict[str, Any]:
    """Return the accuracies by split that a `result` holds. Raises Refusal."""
    try:
        result = json.loads(body.get("result", ""))
    except (ValueError, TypeError) as error:
        raise bad_request(
            f"`result` key contains invalid data with error {error}."
            "Please try again with correct format."
        ) from None
    if not isinstance(result, list) or not all(isinstance(item, dict) for item in result):
        raise crash("result is not a list of objects")
    phase = body.get("challenge_phase")
    scores: dict[str, Any] = {}
    for item in result:
        found = find_split(store, phase, item.get("split"))
        accuracies = item.get("accuracies")
        if not isinstance(accuracies, dict):
            raise crash("accuracies is not an object")
        check_accuracies(accuracies, phase, found, interim=interim)
        scores[f"{phase}/{item['split']}"] = {
            "accuracies": accuracies,
            "show_to_participant": bool(item.get("show_to_participant", False)),
        }
    return scores


def find_split(store: Store, phase: Any, codename: Any) -> dict[str, Any]:
    """Return the labels of a split and whether its phase is evaluated in parts."""
    for challenge in store.all("challenge").values():
        for candidate in challenge["phases"]:
            for split in candidate["splits"]:
                if str(candidate["pk"]) == str(phase) and split["codename"] == codename:
                    partial = candidate["is_partial_submission_evaluation_enabled"]
                    return {"labels": split["labels"], "is_partial": partial}
    # EvalAI's sentences lack these spaces.
    raise bad_request(
        f"Challenge Phase Split does not exist with phase_id: {phase} andsplit codename: {codename}"
    )


def check_accuracies(
    accuracies: dict[str, Any], phase: Any, split: dict[str, Any], *, interim: bool
) -> None:
    """Raise Refusal for labels that the leaderboard lacks and values that are no numbers."""
    unknown = [label for label in accuracies if label not in split["labels"]]
    malformed = [(k, type(v)) for k, v in accuracies.items() if not isinstance(v, int | float)]
    if unknown and not (interim and split["is_partial"]):
        where = f" of challenge phase: {phase}" if interim else ""
        raise bad_request(f"Following metrics are missing in theleaderboard data: {unknown}{where}")
    if malformed:
        raise bad_request(f"Values for following metrics are not offloat/int: {malformed}")
    if not all(math.isfinite(value) for value in accuracies.values()):
        # json.loads lets NaN pass, and PostgreSQL's JSON column does not.
        raise crash("invalid input syntax for type json")


def tell_under_way(store: Store, body: dict[str, Any], now: str) -> dict[str, Any]:
    """Carry out the PATCH that tells that a submission is queued or runs; return the answer."""
    submission = find(store, "Submission", body.get("submission"))
    status = text_of(body, "submission_status").lower()
    job_name = text_of(body, "job_name").lower()
    if status not in UNDER_WAY:
        raise bad_request("Sorry, submission status is invalid")
    if job_name:
        submission["job_name"].append(job_name)
    submission["status"] = status
    submission["started_at"] = now
    store.put("submission", submission["id"], submission)
    return public(submission)


def public(submission: dict[str, Any]) -> dict[str, Any]:
    """Return a submission as EvalAI answers it."""
    inner = {"scores", "metadata", "image", "challenge", *TEXTS}
    answer = {name: value for name, value in submission.items() if name not in inner}
    for name in TEXTS:
        file = f"/media/submission_files/submission_{submission['id']}/{name}.txt"
        answer[f"{name}_file"] = file if name in submission else None
    return answer

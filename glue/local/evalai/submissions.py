"""What participants and hosts do with submissions: make, cancel, run again, resume.

Each makes the message that EvalAI makes, in its own form: a participant's brings the numbers of
challenge and phase as text, a host's as numbers.
"""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from glue.local.evalai.rules import Refusal, bad_request, find

if TYPE_CHECKING:
    from glue.local.evalai.store import Store

OPEN = ("submitted", "queued", "submitting", "resuming", "running", "partially_evaluated")


def create(store: Store, content: dict[str, Any], now: str) -> dict[str, Any]:
    """Store a new submission; return its document. Raises Refusal for an unknown challenge."""
    challenge = find(store, "Challenge", content["challenge"])
    if content["phase"] not in {phase["pk"] for phase in challenge["phases"]}:
        raise bad_request("Challenge Phase does not exist")
    team = next(
        (p["team_name"] for p in store.all("person").values() if p["team"] == content["team"]), ""
    )
    document: dict[str, Any] = {
        "participant_team": content["team"],
        "participant_team_name": team,
        "challenge": content["challenge"],
        "challenge_phase": content["phase"],
        "image": content["image"],
        "status": "submitted",
        "submitted_at": now,
        "started_at": None,
        "completed_at": None,
        "rerun_resumed_at": None,
        "input_file": None,
        "job_name": [],
        "is_public": False,
        "is_flagged": False,
        "ignore_submission": False,
    }
    document["id"] = store.add("submission", document)
    store.put("submission", document["id"], document)
    return document


def cancel(
    store: Store, person: dict[str, Any], challenge: int, pk: int, body: dict[str, Any]
) -> dict[str, Any]:
    """Carry out a participant's cancel; return the submission.

    EvalAI's own pages offer it only for a submission that is not closed, and so does this.
    """
    find(store, "Challenge", challenge)
    submission = find(store, "Submission", pk)
    if person["team"] is None or person["team"] != submission["participant_team"]:
        raise Refusal(HTTPStatus.FORBIDDEN, {"error": "Submission does not exist"})
    if body.get("status") != "cancelled":
        raise bad_request("Sorry, submission status is invalid")
    if submission["status"] not in OPEN:
        raise bad_request(f"Submission is {submission['status']} already")
    submission["status"] = "cancelled"
    store.put("submission", pk, submission)
    return submission


def run_again(store: Store, pk: int, now: str) -> dict[str, Any]:
    """Cancel a submission and make a new one of the same content, with a number of its own."""
    old = find(store, "Submission", pk)
    old["status"] = "cancelled"
    store.put("submission", pk, old)
    wanted = {
        "challenge": old["challenge"],
        "phase": old["challenge_phase"],
        "team": old["participant_team"],
        "image": old["image"],
    }
    new = create(store, wanted, now)
    new["rerun_resumed_at"] = now
    store.put("submission", new["id"], new)
    return new


def resume(store: Store, pk: int, now: str) -> dict[str, Any]:
    """Have a failed submission go on under its own number."""
    submission = find(store, "Submission", pk)
    challenge = find(store, "Challenge", submission["challenge"])
    if not (challenge["remote_evaluation"] and challenge["allow_resuming_submissions"]):
        raise bad_request("Challenge does not allow resuming submissions")
    if submission["status"] != "failed":
        raise bad_request("Only failed submissions can be resumed")
    submission |= {"status": "resuming", "rerun_resumed_at": now}
    store.put("submission", pk, submission)
    return submission


def message(store: Store, submission: dict[str, Any], *, as_text: bool) -> dict[str, Any]:
    """Return the message about a submission; `as_text` as for a participant's own."""
    challenge = find(store, "Challenge", submission["challenge"])
    numbers: dict[str, Any] = {
        "challenge_pk": submission["challenge"],
        "phase_pk": submission["challenge_phase"],
    }
    content = {name: str(pk) if as_text else pk for name, pk in numbers.items()}
    content["is_static_dataset_code_upload_submission"] = False
    if challenge["is_docker_based"] and submission["image"]:
        content["submitted_image_uri"] = submission["image"]
    return content | {"submission_pk": submission["id"]}


def send(store: Store, submission: dict[str, Any], content: dict[str, Any]) -> str | None:
    """Send a message to the challenge's queue with the host's key; return what went wrong.

    Like EvalAI it looks the queue up by its name first, and goes on without the message when
    that or the sending fails. A challenge without a queue is sent nothing.
    """
    queue = find(store, "Challenge", submission["challenge"])["queue"]
    if queue is None:
        return None
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "sqs",
        region_name=queue["region"],
        aws_access_key_id=queue["access_key_id"],
        aws_secret_access_key=queue["secret_access_key"],
        endpoint_url=queue["endpoint"],
    )
    fifo: dict[str, Any] = {}
    if queue["name"].endswith(".fifo"):
        team = submission["participant_team"]
        fifo = {
            "MessageGroupId": f"{submission['challenge_phase']}-{team}",
            "MessageDeduplicationId": f"{submission['id']}-{uuid.uuid4()}",
        }
    try:
        url = client.get_queue_url(QueueName=queue["name"])["QueueUrl"]
        client.send_message(QueueUrl=url, MessageBody=json.dumps(content), **fifo)
    except (BotoCoreError, ClientError) as error:
        return str(error)
    return None

"""What the queues bring: S3's notifications and our own requests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from glue.errors import InputError
from glue.recordings.names import check_recording_name

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """A recording to look at; `again` when somebody asks for it although events did already."""

    recording: str
    again: bool = False


def parse_body(body: str) -> dict[str, Any]:
    """Return a message's JSON object; raise `InputError` for anything else."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("message", f"it is not JSON ({error})", "send a JSON object") from error
    if not isinstance(content, dict):
        raise InputError("message", "it is not a JSON object", "send a JSON object")
    return content


def write_request(request: Request) -> str:
    """Return the message that asks for a recording."""
    return json.dumps({"recording": request.recording, "again": request.again})


def parse_request(content: Mapping[str, Any]) -> Request:
    """Return what one of our own messages asks for."""
    return Request(check_recording_name(content.get("recording")), bool(content.get("again")))


def parse_ingest(body: str, bucket: str) -> list[Request]:
    """Return the recordings that a message of the ingest queue is about.

    S3's test message, and events about removed objects, are about none. Raises `InputError` for
    messages that nobody should have sent.
    """
    content = parse_body(body)
    if content.get("Event") == "s3:TestEvent":
        return []
    if "Records" not in content:
        return [parse_request(content)]
    requests: dict[str, Request] = {}
    try:
        for record in content["Records"]:
            if not record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
                continue
            stored = record["s3"]
            if stored["bucket"]["name"] != bucket:
                name = stored["bucket"]["name"]
                raise InputError(
                    "bucket", f"{name!r} is not the raw bucket", f"send events of {bucket!r} only"
                )
            folder, slash, _ = unquote_plus(stored["object"]["key"]).partition("/")
            if not slash:
                raise InputError(
                    "key", f"{folder[:128]!a} lies in no folder", "store <recording>/<file>"
                )
            requests[folder] = Request(check_recording_name(folder, "key"))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "message", f"it is no S3 notification ({error!r})", "send S3's notifications unchanged"
        ) from error
    return list(requests.values())

"""Routes of researchers: ask for recordings and their objects, get URLs, replay."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query as QueryParameter

from glue import aws
from glue.api.caller import caller_of
from glue.api.services import catalogue, settings
from glue.errors import NotFound
from glue.recordings import query as asking
from glue.recordings import raw
from glue.recordings.messages import Request, write_request
from glue.recordings.models import (
    AcceptedAnswer,
    FoundObject,
    ObjectAnswer,
    ObjectsAnswer,
    PresignAnswer,
    PresignRequest,
    RecordingAnswer,
    RecordingsAnswer,
)
from glue.recordings.names import check_recording_name, show
from glue.recordings.records import Kind, Recording, StoredObject

router = Router()  # type: ignore[no-untyped-call]

Texts = list[str] | None
Where = Annotated[Texts, QueryParameter(description="name operator value; repeat to combine")]
Since = Annotated[str | None, QueryParameter(description="recorded at or after, ISO 8601")]
Until = Annotated[str | None, QueryParameter(description="recorded before, ISO 8601")]
States = Annotated[Texts, QueryParameter(description="states; complete and processed if none")]
Names = Annotated[Texts, QueryParameter(description="only these recordings")]
Limit = Annotated[int, QueryParameter(ge=1, le=asking.LARGEST_LIMIT, description="page size")]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before")]


@router.get("/recordings", summary="Find recordings", tags=["finding"])
def find(  # noqa: PLR0913, PLR0917 - each is a query parameter
    where: Where = None,
    since: Since = None,
    until: Until = None,
    state: States = None,
    limit: Limit = asking.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> RecordingsAnswer:
    """Return a page of the recordings that fulfil all conditions, by name."""
    device = caller_of(router.current_event.raw_event).seen_device()
    query = asking.Query(
        conditions=asking.parse_conditions(where or []),
        since=asking.parse_bound(since, "since"),
        until=asking.parse_bound(until, "until"),
        states=asking.parse_states(state or []),
        device=device,
        limit=limit,
    )
    digest = asking.query_digest(query, "recordings")
    (after,) = asking.read_cursor(cursor, digest)
    page, behind = catalogue().find(asking.behind(query, after))
    return RecordingsAnswer(
        recordings=[_recording_answer(recording) for recording in page],
        next=asking.write_cursor([behind], digest) if behind else None,
    )


@router.get("/recordings/<recording>", summary="Show a recording", tags=["finding"])
def show_recording(recording: str) -> RecordingAnswer:
    """Return a recording with its attributes and objects, whatever its state."""
    device = caller_of(router.current_event.raw_event).seen_device()
    name = check_recording_name(recording)
    found = catalogue().get(name)
    if found is None or device not in (None, found.device):
        raise _unknown(name)
    return _recording_answer(found)


@router.post(
    "/recordings/<recording>/replay",
    status_code=202,
    summary="Look at a recording anew",
    tags=["operating"],
)
def replay(recording: str) -> AcceptedAnswer:
    """Check a quarantined or incomplete recording again, and process what is not processed."""
    caller_of(router.current_event.raw_event).require("operators")
    name, held = check_recording_name(recording), settings()
    if not catalogue().summaries([name]) and not raw.list_files(aws.s3(), held.raw_bucket, name):
        raise _unknown(name)
    message = write_request(Request(name, again=True))
    aws.sqs().send_message(QueueUrl=held.ingest_queue_url, MessageBody=message)
    return AcceptedAnswer(recording=name)


@router.get("/objects", summary="Find objects", tags=["finding"])
def find_objects(  # noqa: PLR0913, PLR0917 - each is a query parameter
    where: Where = None,
    recording: Names = None,
    kind: Annotated[Kind, QueryParameter()] = "processed",
    presign: Annotated[bool, QueryParameter(description="with URLs")] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = asking.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> ObjectsAnswer:
    """Return a page of the objects of the recordings that fulfil all conditions."""
    caller_of(router.current_event.raw_event).require("researchers", "operators")
    query = asking.Query(
        conditions=asking.parse_conditions(where or []),
        since=asking.parse_bound(since, "since"),
        until=asking.parse_bound(until, "until"),
        recordings=asking.check_recordings(recording or []),
        limit=limit,
    )
    digest = asking.query_digest(query, f"objects {kind}")
    after, after_key = asking.read_cursor(cursor, digest, 2)
    page, behind = catalogue().find_objects(asking.behind(query, after), kind, after_key)
    return ObjectsAnswer(
        objects=[_found(name, stored, presign=presign) for name, stored in page],
        next=asking.write_cursor(behind, digest) if behind else None,
    )


@router.post("/objects/presign", summary="Get URLs of object versions", tags=["finding"])
def presign_objects(request: PresignRequest) -> PresignAnswer:
    """Return URLs of objects that the catalogue knows, such as those a dataset file lists."""
    caller_of(router.current_event.raw_event).require("researchers", "operators")
    names = sorted({check_recording_name(wanted.recording) for wanted in request.objects})
    known = {
        (name, stored.key, stored.kind, stored.version_id): stored
        for name, objects in catalogue().objects_of(names).items()
        for stored in objects
    }
    answers = []
    for wanted in request.objects:
        stored = known.get((wanted.recording, wanted.key, wanted.kind, wanted.version_id))
        if stored is None:
            raise NotFound(
                "objects",
                f"no version {show(str(wanted.version_id))} of {show(wanted.key)} is known",
                "take recording, key, kind and version_id from GET /objects, unchanged",
            )
        answers.append(_found(wanted.recording, stored, presign=True))
    return PresignAnswer(objects=answers)


def _unknown(name: str) -> NotFound:
    return NotFound("recording", f"{name!r} is not known", "look names up with GET /recordings")


def _recording_answer(recording: Recording) -> RecordingAnswer:
    time = recording.recorded_at
    return RecordingAnswer(
        recording=recording.recording,
        state=recording.state,
        reason=recording.reason,
        device=recording.device,
        recorded_at=time.isoformat().replace("+00:00", "Z") if time else None,
        attributes={a.name: a.value for a in recording.attributes},
        units={a.name: a.unit for a in recording.attributes if a.unit},
        objects=[_object_answer(stored) for stored in recording.objects],
    )


def _object_answer(stored: StoredObject) -> ObjectAnswer:
    return ObjectAnswer(
        key=stored.key,
        kind=stored.kind,
        size=stored.size,
        sha256=stored.sha256,
        version_id=stored.version_id,
        step=stored.step,
    )


def _found(recording: str, stored: StoredObject, *, presign: bool) -> FoundObject:
    held = settings()
    bucket = held.raw_bucket if stored.kind == "raw" else held.processed_bucket
    url = None
    if presign:
        place = {"Bucket": bucket, "Key": stored.key}
        if stored.version_id:
            place["VersionId"] = stored.version_id
        url = aws.s3().generate_presigned_url(
            "get_object", Params=place, ExpiresIn=held.url_lifetime_seconds
        )
    return FoundObject(
        **_object_answer(stored).model_dump(),
        recording=recording,
        bucket=bucket,
        s3_url=f"s3://{bucket}/{stored.key}",
        url=url,
    )

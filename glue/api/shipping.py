"""Routes of rigs: claim a recording, upload its files, report what failed."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from glue.api.caller import Caller, caller_of
from glue.api.services import uploads
from glue.recordings.manifest import FileEntry
from glue.recordings.models import (
    AcceptedAnswer,
    ClaimAnswer,
    ClaimRequest,
    CompleteAnswer,
    CompleteRequest,
    FailureRequest,
    FileAnswer,
    FileRequest,
)
from glue.recordings.names import check_file_name
from glue.recordings.telemetry import count, logger

router = Router()  # type: ignore[no-untyped-call]


def _shipper() -> Caller:
    caller = caller_of(router.current_event.raw_event)
    caller.require("shippers")
    return caller


@router.post("/recordings", summary="Claim a recording's name", tags=["shipping"])
def claim(request: ClaimRequest) -> ClaimAnswer:
    """Claim the name for the calling device. Asking again for one's own is fine; 409 otherwise."""
    caller = _shipper()
    recording = uploads().claim(request.recording, caller.name)
    return ClaimAnswer(recording=recording.recording, state=recording.state, device=caller.name)


@router.post(
    "/recordings/<recording>/files", summary="Get URLs for what is missing", tags=["shipping"]
)
def prepare(recording: str, request: FileRequest) -> FileAnswer:
    """Say what of a file is stored, and where to PUT what is not. Also gives fresh URLs."""
    caller = _shipper()
    file = FileEntry(
        name=check_file_name(request.name),
        size=request.size,
        sha256=request.sha256,
        part_size=request.part_size,
        parts=tuple(request.parts),
    )
    return uploads().prepare(recording, caller.name, file)


@router.post(
    "/recordings/<recording>/files/complete", summary="Complete an upload", tags=["shipping"]
)
def complete(recording: str, request: CompleteRequest) -> CompleteAnswer:
    """Make one object of the uploaded parts. Asking again for a completed one is fine."""
    caller = _shipper()
    return uploads().complete(recording, caller.name, request)


@router.post("/failures", status_code=202, summary="Report a failure", tags=["shipping"])
def report_failure(request: FailureRequest) -> AcceptedAnswer:
    """Note that a rig gave up shipping a recording, so that operators hear of it."""
    caller = _shipper()
    logger.error(
        "shipping failed",
        recording=request.recording,
        device=caller.name,
        reason=request.reason,
    )
    count("ShipFailures")
    return AcceptedAnswer(recording=request.recording)

"""What goes over HTTP: the bodies of requests and answers, for the API and for its clients.

Sizes are in bytes, digests lower-case hex, times ISO 8601 in UTC. Requests refuse keys they do
not know; answers may grow keys, so that an older client goes on working.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from glue.recordings.manifest import LARGEST_FILE, MOST_PARTS, Digest
from glue.recordings.records import Kind, State

MOST_PRESIGNED = 200
LONGEST_TEXT = 300
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
# Names are checked by `names`, whose errors say more than a pattern's; this bounds their length.
Name = Annotated[str, Field(max_length=1024)]


class Request(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ErrorAnswer(Answer):
    """Why a request was refused, and what to write instead."""

    code: str
    field: str
    message: str
    remedy: str


class TokenRequest(Request):
    """A device's credentials."""

    device: Annotated[str, Field(min_length=1, max_length=128)]
    secret: Annotated[str, Field(min_length=1, max_length=256)]


class TokenAnswer(Answer):
    """A token for the Authorization header; `expires_in` is in seconds."""

    token: str
    expires_in: int
    groups: list[str]


class ClaimRequest(Request):
    """The name under which a device is going to ship a recording."""

    recording: Name


class ClaimAnswer(Answer):
    """A recording whose name belongs to the device."""

    recording: str
    state: State
    device: str


class FileRequest(Request):
    """A file to upload: the digest of the whole and of each part."""

    name: Name
    size: Annotated[int, Field(ge=0, le=LARGEST_FILE)]
    sha256: Digest
    part_size: Annotated[int, Field(ge=1, le=LARGEST_FILE)]
    parts: Annotated[list[Digest], Field(min_length=1, max_length=MOST_PARTS)]


class CompleteRequest(Request):
    """A multipart upload whose parts are all there."""

    name: Name
    upload_id: Annotated[str, Field(min_length=1, max_length=1024)]
    sha256: Digest
    part_size: Annotated[int, Field(ge=1, le=LARGEST_FILE)]
    parts: Annotated[list[Digest], Field(min_length=1, max_length=MOST_PARTS)]


class CompleteAnswer(Answer):
    """The version under which S3 keeps the file."""

    version_id: str | None


class PartUrl(Answer):
    """Where to PUT one part, and the headers that must go with it."""

    number: int
    url: str
    headers: dict[str, str]


class FileAnswer(Answer):
    """What is left to upload of a file.

    `stored`: nothing, the file is there. `upload`: PUT the parts of `urls`; without an
    `upload_id` the one PUT is all there is to do. `stored` lists the parts already there.
    """

    state: Literal["stored", "upload"]
    version_id: str | None = None
    upload_id: str | None = None
    stored: list[int] = []
    urls: list[PartUrl] = []


class FailureRequest(Request):
    """A recording that a rig gave up shipping, and why."""

    recording: Text
    reason: Annotated[str, Field(max_length=4000)]


class AcceptedAnswer(Answer):
    """What was accepted, to be worked on later."""

    recording: str


class ObjectAnswer(Answer):
    """An object of a recording; `step` is null for raw objects."""

    key: str
    kind: Kind
    size: int
    sha256: str | None
    version_id: str | None
    step: str | None = None


class RecordingAnswer(Answer):
    """A recording as the catalogue knows it."""

    recording: str
    state: State
    reason: str | None = None
    device: str | None = None
    recorded_at: str | None = None
    attributes: dict[str, float | int | str] = {}
    units: dict[str, str] = {}
    objects: list[ObjectAnswer] = []


class RecordingsAnswer(Answer):
    """One page of recordings; `next` is the cursor of the following page, or null."""

    recordings: list[RecordingAnswer]
    next: str | None = None


class FoundObject(ObjectAnswer):
    """An object with where to get it; `url` is presigned, and null unless asked for."""

    recording: str
    bucket: str
    s3_url: str
    url: str | None = None


class ObjectsAnswer(Answer):
    """One page of objects; `next` is the cursor of the following page, or null."""

    objects: list[FoundObject]
    next: str | None = None


class ObjectReference(BaseModel):
    """One version of an object; keys beyond these four are allowed and not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    recording: Name
    key: Name
    kind: Kind
    version_id: Annotated[str, Field(max_length=1024)] | None = None


class PresignRequest(Request):
    """The object versions to get URLs for."""

    objects: Annotated[list[ObjectReference], Field(min_length=1, max_length=MOST_PRESIGNED)]


class PresignAnswer(Answer):
    """The same objects with their URLs."""

    objects: list[FoundObject]

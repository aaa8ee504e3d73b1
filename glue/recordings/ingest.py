"""From the raw bucket to the catalogue.

A recording is looked at as a whole whenever anything of it arrives: S3 shows every object as
soon as it is written, so whichever event comes last sees everything, in whatever order and
however often events are delivered.
"""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from glue.errors import InputError
from glue.recordings import raw
from glue.recordings.manifest import Manifest, parse_manifest
from glue.recordings.metadata import LARGEST_METADATA, parse_metadata, recorded_at
from glue.recordings.names import MANIFEST_NAME, may_be_metadata, object_key
from glue.recordings.records import FINDABLE, StoredObject
from glue.recordings.telemetry import count, logger

if TYPE_CHECKING:
    from datetime import datetime

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from glue.recordings.catalogue import Catalogue
    from glue.recordings.manifest import FileEntry
    from glue.recordings.records import Attribute, Recording

MOST_NAMED = 3
WORKERS = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at a recording's folder showed; `unborn` means there is nothing to tell yet."""

    state: Literal["unborn", "incomplete", "quarantined", "complete"]
    reason: str = ""
    recorded_at: datetime | None = None
    attributes: tuple[Attribute, ...] = ()
    objects: tuple[StoredObject, ...] = field(default=())


def _name_some(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def examine(client: S3Client, bucket: str, recording: str) -> Verdict:
    """Compare a recording's folder with its manifest and read its metadata."""
    listed = raw.list_files(client, bucket, recording)
    if MANIFEST_NAME not in listed:
        begun = any(may_be_metadata(name) for name in listed)
        return Verdict("incomplete" if begun else "unborn", f"waiting for {MANIFEST_NAME}")
    try:
        return _examine_listed(client, bucket, recording, listed)
    except InputError as error:
        return Verdict("quarantined", str(error))


def _examine_listed(
    client: S3Client, bucket: str, recording: str, listed: dict[str, int]
) -> Verdict:
    found = raw.read(client, bucket, object_key(recording, MANIFEST_NAME))
    if found is None:
        return Verdict("incomplete", f"waiting for {MANIFEST_NAME}")
    content, version_id = found
    manifest = parse_manifest(content, recording)
    missing = [file.name for file in manifest.files if file.name not in listed]
    if missing:
        return Verdict("incomplete", f"waiting for {_name_some(missing)}")
    _check_listing(manifest, listed)
    objects = _check_content(client, bucket, manifest)
    attributes = _read_metadata(client, bucket, manifest)
    objects.append(
        StoredObject(
            key=object_key(recording, MANIFEST_NAME),
            kind="raw",
            size=len(content),
            sha256=raw.digest_of(content),
            version_id=version_id,
        )
    )
    return Verdict("complete", "", recorded_at(recording, attributes), attributes, tuple(objects))


def _check_listing(manifest: Manifest, listed: dict[str, int]) -> None:
    expected = {file.name for file in manifest.files} | {MANIFEST_NAME}
    extra = sorted(name for name in listed if name not in expected and not name.startswith("."))
    if extra:
        raise InputError(
            MANIFEST_NAME,
            f"{_name_some(extra)} arrived and is not listed",
            "ship the folder, with a manifest of all its files, under another name",
        )
    for file in manifest.files:
        if listed[file.name] != file.size:
            raise InputError(
                file.name,
                f"it has {listed[file.name]} bytes, and the manifest says {file.size}",
                "ship the folder again under another name",
            )


def _check_content(client: S3Client, bucket: str, manifest: Manifest) -> list[StoredObject]:
    def check(file: FileEntry) -> StoredObject:
        key = object_key(manifest.recording, file.name)
        found = raw.head(client, bucket, key)
        if found is None or not raw.same_content(client, bucket, key, found, file):
            raise InputError(
                file.name,
                "its content has another SHA-256 than the manifest says",
                "ship the folder again under another name",
            )
        return StoredObject(key, "raw", file.size, file.sha256, found.version_id)

    if len(manifest.files) == 1:
        return [check(manifest.files[0])]
    with ThreadPoolExecutor(max_workers=min(WORKERS, len(manifest.files))) as pool:
        return list(pool.map(check, manifest.files))


def _read_metadata(client: S3Client, bucket: str, manifest: Manifest) -> tuple[Attribute, ...]:
    (file,) = (file for file in manifest.files if file.name == manifest.metadata)
    if file.size > LARGEST_METADATA:
        raise InputError(
            file.name,
            f"the metadata has {file.size} bytes",
            f"keep it within {LARGEST_METADATA} bytes; ship data as a data file",
        )
    found = raw.read(client, bucket, object_key(manifest.recording, file.name))
    if found is None:
        raise RuntimeError(f"{manifest.recording}/{file.name} is listed and cannot be read")
    try:
        return parse_metadata(found[0])
    except InputError as error:
        raise InputError(f"{file.name}: {error.field}", error.message, error.remedy) from error


@dataclass(frozen=True, slots=True)
class Ingest:
    """Keeps the catalogue in step with the raw bucket."""

    client: S3Client
    bucket: str
    catalogue: Catalogue
    queue: SQSClient
    preprocess_queue_url: str

    def settled(self, recordings: list[str]) -> dict[str, Recording]:
        """Return what the catalogue knows of recordings, in one question."""
        return self.catalogue.summaries(recordings)

    def ingest(self, recording: str, known: Recording | None, *, again: bool = False) -> str:
        """Look at a recording, note what was found, and return the state.

        `again` is set when somebody asked for it or an earlier attempt failed: then a
        quarantined recording may become any other state, and a complete one is handed to
        preprocessing once more, since the earlier attempt may have ended just before that.
        """
        if known is not None and known.state in FINDABLE:
            if again:
                self._preprocess(recording)
            return known.state
        verdict = examine(self.client, self.bucket, recording)
        if verdict.state == "unborn":
            return verdict.state
        if verdict.state == "complete":
            new = self.catalogue.settle(
                recording, verdict.recorded_at, verdict.attributes, verdict.objects
            )
            if new or again:
                self._preprocess(recording)
            logger.info("recording complete", recording=recording, new=new)
            return verdict.state
        after = self.catalogue.hold(recording, verdict.state, verdict.reason, again=again)
        logger.info("recording waits", recording=recording, state=after.state, reason=after.reason)
        fresh = known is None or known.state != "quarantined" or again
        if after.state == "quarantined" and verdict.state == "quarantined" and fresh:
            logger.error("recording quarantined", recording=recording, reason=after.reason)
            count("RecordingsQuarantined")
        return after.state

    def _preprocess(self, recording: str) -> None:
        body = json.dumps({"recording": recording})
        self.queue.send_message(QueueUrl=self.preprocess_queue_url, MessageBody=body)


def ingest_messages(
    ingest: Ingest, event: dict[str, Any], context: LambdaContext
) -> dict[str, Any]:
    """Take in what the messages of an SQS event are about; answer which messages failed.

    A recording named by several messages is looked at once: all of them were sent before, so
    S3 shows what each of them is about.
    """
    from glue import aws
    from glue.messages import Failures, handle_messages, times_received
    from glue.recordings.messages import parse_ingest

    names: set[str] = set()
    for message in event.get("Records", []):
        # What cannot be read is left out here, and refused with its reason below.
        with contextlib.suppress(InputError):
            names |= {request.recording for request in parse_ingest(message["body"], ingest.bucket)}
    known = ingest.settled(sorted(names))
    done: set[tuple[str, bool]] = set()

    def work(record: SQSRecord) -> None:
        for request in parse_ingest(record.body, ingest.bucket):
            # The first of several attempts may have half done.
            again = request.again or times_received(record) > 1
            if (request.recording, again) in done:
                continue
            ingest.ingest(request.recording, known.get(request.recording), again=again)
            done.add((request.recording, again))

    return handle_messages(event, context, work, Failures(aws.sqs, logger))

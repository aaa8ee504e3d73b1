"""Recordings to ship in tests."""

import base64
import hashlib
import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from glue.recordings.manifest import DEFAULT_PART_SIZE, FileEntry, Manifest

METADATA = b"subject_fatigue: 3\nhardware: Neuropixels 2.0\ntemperature: 36.6 C\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry(name: str, content: bytes, part_size: int = DEFAULT_PART_SIZE) -> FileEntry:
    parts = [content[i : i + part_size] for i in range(0, len(content), part_size)] or [b""]
    return FileEntry(
        name=name,
        size=len(content),
        sha256=sha256(content),
        part_size=part_size,
        parts=tuple(sha256(part) for part in parts),
    )


def files_of(number: int = 0, metadata: bytes = METADATA) -> dict[str, bytes]:
    return {
        "a.bin": b"a%d" % number * 10,
        "b.bin": b"b%d" % number * 20,
        "session.txt": metadata,
    }


def manifest_of(recording: str, files: dict[str, bytes], metadata: str = "session.txt") -> bytes:
    entries = tuple(entry(name, content) for name, content in files.items())
    return Manifest(recording=recording, metadata=metadata, files=entries).to_bytes()


def put(s3: Any, bucket: str, key: str, content: bytes, *, checksum: bool = True) -> str:
    more = {}
    if checksum:
        digest = hashlib.sha256(content).digest()
        more["ChecksumAlgorithm"] = "SHA256"
        more["ChecksumSHA256"] = base64.b64encode(digest).decode()
    version: str = s3.put_object(Bucket=bucket, Key=key, Body=content, **more)["VersionId"]
    return version


def put_recording(
    s3: Any, bucket: str, recording: str, files: dict[str, bytes] | None = None
) -> dict[str, bytes]:
    """Put a whole recording: data, then manifest, last the metadata."""
    held = files_of() if files is None else files
    for name, content in held.items():
        put(s3, bucket, f"{recording}/{name}", content)
    put(s3, bucket, f"{recording}/manifest.json", manifest_of(recording, held))
    return held


def s3_event(bucket: str, *keys: str, name: str = "ObjectCreated:Put") -> str:
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "eventName": name,
                    "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}},
                }
                for key in keys
            ]
        }
    )


def sqs_event(*bodies: str, received: int = 1) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"message-{i}",
                "receiptHandle": "handle",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(received)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:ingest",
                "awsRegion": "eu-central-1",
            }
            for i, body in enumerate(bodies)
        ]
    }


class Context(LambdaContext):
    """What Lambda hands to a handler beside the event."""

    def __init__(self) -> None:
        self._function_name = "function"
        self._function_version = "$LATEST"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:000000000000:function:function"
        self._aws_request_id = "request"

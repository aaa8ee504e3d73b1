"""Making recordings for tests: as a folder for the shipper, or straight into S3."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.platform import Platform

PART_SIZE = 8 * 1024 * 1024


def new_name(subject: str) -> str:
    """Return a recording's name that no other test uses."""
    return f"{subject}_{uuid.uuid4().hex[:10]}"


def write_folder(parent: Path, name: str, files: dict[str, bytes]) -> Path:
    """Write a recording's folder, and return it."""
    folder = parent / name
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


def objects(name: str, files: dict[str, bytes], metadata: str = "session.txt") -> dict[str, bytes]:
    """Return what the raw bucket holds of a recording: its files and their manifest, by key."""
    listed = []
    for file, content in sorted(files.items()):
        blocks = [content[at : at + PART_SIZE] for at in range(0, len(content), PART_SIZE)] or [b""]
        listed.append(
            {
                "name": file,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "part_size": PART_SIZE,
                "parts": [hashlib.sha256(block).hexdigest() for block in blocks],
            }
        )
    manifest = {"schema": 1, "recording": name, "metadata": metadata, "files": listed}
    return {f"{name}/{file}": content for file, content in files.items()} | {
        f"{name}/manifest.json": json.dumps(manifest).encode()
    }


def put(platform: Platform, key: str, content: bytes) -> str:
    """Write one raw object as a presigned URL would, and return its version."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    answer = platform.client("s3").put_object(
        Bucket=platform.outputs["recordings"]["raw_bucket"],
        Key=key,
        Body=content,
        IfNoneMatch="*",
        ChecksumSHA256=digest,
    )
    return str(answer["VersionId"])


def event(platform: Platform, key: str, version: str) -> str:
    """Return the message that S3 sends when an object was created."""
    bucket = platform.outputs["recordings"]["raw_bucket"]
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": key, "size": 1, "versionId": version, "sequencer": "0055"},
        },
    }
    return json.dumps({"Records": [record]})

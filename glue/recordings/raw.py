"""Raw objects in S3: what is there, and whether it is what a manifest or a rig says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from glue import aws
from glue.recordings.manifest import stored_checksum
from glue.recordings.names import object_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_s3 import S3Client

CHUNK = 1024 * 1024
GONE = ("404", "NoSuchKey", "NotFound")


class Digests(Protocol):
    """The SHA-256 (hex) of a file and of its parts."""

    @property
    def sha256(self) -> str:
        """The digest of the whole."""
        ...

    @property
    def parts(self) -> Sequence[str]:
        """The digests of the parts, in order."""
        ...


@dataclass(frozen=True, slots=True)
class RawObject:
    """One raw object: `size` in bytes, `checksum` as S3 keeps it (base64) or None."""

    size: int
    checksum: str | None
    version_id: str | None


def head(
    client: S3Client, bucket: str, key: str, version_id: str | None = None
) -> RawObject | None:
    """Return the facts of an object, or None when there is none."""
    from botocore.exceptions import ClientError

    version = {"VersionId": version_id} if version_id else {}
    try:
        found = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED", **version)  # type: ignore[arg-type]
    except ClientError as error:
        if aws.error_code(error) in GONE:
            return None
        raise
    return RawObject(found["ContentLength"], found.get("ChecksumSHA256"), found.get("VersionId"))


def read(client: S3Client, bucket: str, key: str) -> tuple[bytes, str | None] | None:
    """Return the content and version of a small object, or None when there is none."""
    from botocore.exceptions import ClientError

    try:
        found = client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.error_code(error) in GONE:
            return None
        raise
    with found["Body"] as body:
        return body.read(), found.get("VersionId")


def digest(client: S3Client, bucket: str, key: str, version_id: str | None) -> str:
    """Return the SHA-256 (hex) of an object, read through in pieces."""
    version = {"VersionId": version_id} if version_id else {}
    hashing = hashlib.sha256()
    with client.get_object(Bucket=bucket, Key=key, **version)["Body"] as body:  # type: ignore[arg-type]
        for chunk in iter(lambda: body.read(CHUNK), b""):
            hashing.update(chunk)
    return hashing.hexdigest()


def same_content(
    client: S3Client, bucket: str, key: str, found: RawObject, content: Digests
) -> bool:
    """Tell whether a stored object has the content that the digests are of.

    The stored checksum decides when it was made from as many parts; an object without one, or
    with parts of another size, is read through.
    """
    checksum = stored_checksum(content.sha256, content.parts)
    if found.checksum is not None and _parts(found.checksum) == _parts(checksum):
        return found.checksum == checksum
    return digest(client, bucket, key, found.version_id) == content.sha256


def _parts(checksum: str) -> int:
    """Return of how many parts a checksum was made; 0 stands for the whole file's own."""
    return int(checksum.rpartition("-")[2]) if "-" in checksum else 0


def list_files(client: S3Client, bucket: str, recording: str) -> dict[str, int]:
    """Return size by name of everything in a recording's folder; folder markers are left out."""
    prefix = object_key(recording, "")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {
        item["Key"].removeprefix(prefix): item["Size"]
        for page in pages
        for item in page.get("Contents", [])
        if not item["Key"].endswith("/")
    }


def digest_of(content: bytes) -> str:
    """Return the SHA-256 (hex) of a content."""
    return hashlib.sha256(content).hexdigest()

"""Processed objects in S3: copying raw files there, and finding what a step has written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glue import aws
from glue.recordings import raw
from glue.recordings.records import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

LARGEST_COPY = 5 * 1024**3  # bytes; S3's limit for one CopyObject
COPY_PART = 1024**3
WORKERS = 8
SOURCE_VERSION = "source-version-id"  # S3 metadata that tells a finished copy from an older one


@dataclass(frozen=True, slots=True)
class Copier:
    """Copies raw object versions on the server side, as the output of a step."""

    client: S3Client
    source_bucket: str
    bucket: str
    step: str

    def copy(self, source: StoredObject, key: str) -> StoredObject:
        """Return the processed object at `key`, copied unless that was done already."""
        version_id = self._copied(source, key)
        if version_id is None:
            origin: CopySourceTypeDef = {"Bucket": self.source_bucket, "Key": source.key}
            if source.version_id:
                origin["VersionId"] = source.version_id
            if source.size > LARGEST_COPY:
                version_id = self._copy_in_parts(source, origin, key)
            else:
                version_id = self.client.copy_object(
                    Bucket=self.bucket,
                    Key=key,
                    CopySource=origin,
                    MetadataDirective="REPLACE",
                    Metadata={SOURCE_VERSION: source.version_id or ""},
                ).get("VersionId")
        return StoredObject(
            key, "processed", source.size, source.sha256, version_id, self.step, source.version_id
        )

    def _copied(self, source: StoredObject, key: str) -> str | None:
        """Return the version of a finished copy of this very raw version, or None."""
        from botocore.exceptions import ClientError

        try:
            found = self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if aws.error_code(error) in raw.GONE:
                return None
            raise
        same_version = found["Metadata"].get(SOURCE_VERSION) == (source.version_id or "")
        same = same_version and found["ContentLength"] == source.size
        return found.get("VersionId") if same else None

    def _copy_in_parts(
        self, source: StoredObject, origin: CopySourceTypeDef, key: str
    ) -> str | None:
        upload_id = self.client.create_multipart_upload(
            Bucket=self.bucket, Key=key, Metadata={SOURCE_VERSION: source.version_id or ""}
        )["UploadId"]

        def copy(number: int) -> str:
            start = (number - 1) * COPY_PART
            end = min(source.size, start + COPY_PART) - 1
            return self.client.upload_part_copy(
                Bucket=self.bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                CopySource=origin,
                CopySourceRange=f"bytes={start}-{end}",
            )["CopyPartResult"]["ETag"]

        numbers = range(1, -(-source.size // COPY_PART) + 1)
        try:
            with ThreadPoolExecutor(max_workers=WORKERS) as pool:
                tags = list(pool.map(copy, numbers))
            answer = self.client.complete_multipart_upload(
                Bucket=self.bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={
                    "Parts": [
                        {"PartNumber": number, "ETag": tag}
                        for number, tag in zip(numbers, tags, strict=True)
                    ]
                },
            )
        except BaseException:
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)
            raise
        return answer.get("VersionId")


def list_output(
    client: S3Client, bucket: str, prefix: str, step: str, source_version_id: str | None
) -> list[StoredObject]:
    """Return what a step wrote under a prefix, each object read through for its SHA-256."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [
        item["Key"]
        for page in pages
        for item in page.get("Contents", [])
        if not item["Key"].endswith("/")
    ]

    def describe(key: str) -> StoredObject | None:
        found = raw.head(client, bucket, key)
        if found is None:
            return None
        digest = raw.digest(client, bucket, key, found.version_id)
        return StoredObject(
            key, "processed", found.size, digest, found.version_id, step, source_version_id
        )

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return [stored for stored in pool.map(describe, keys) if stored is not None]

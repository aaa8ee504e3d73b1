"""Shipping over presigned URLs: claim a name, get URLs for what is missing, complete.

S3 is the truth about what has arrived: a shipper that forgot everything asks again and is told
which parts are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glue import aws
from glue.errors import Conflict, NotFound
from glue.recordings import raw
from glue.recordings.manifest import MEBIBYTE, FileEntry, stored_checksum, to_base64
from glue.recordings.models import CompleteAnswer, CompleteRequest, FileAnswer, PartUrl
from glue.recordings.names import check_file_name, check_recording_name, object_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_s3 import S3Client

    from glue.recordings.catalogue import Catalogue
    from glue.recordings.records import Recording

MOST_URLS = 100
LARGEST_READ = 64 * MEBIBYTE
_PRECONDITION = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
_NO_UPLOAD = ("NoSuchUpload", "404")


@dataclass(frozen=True, slots=True)
class Uploads:
    """Uploads to the raw bucket; URLs live `url_lifetime` seconds."""

    client: S3Client
    bucket: str
    catalogue: Catalogue
    url_lifetime: int

    def claim(self, recording: str, device: str) -> Recording:
        """Give a recording's name to a device; raise `Conflict` when another one has it."""
        return self.catalogue.claim(check_recording_name(recording), device)

    def prepare(self, recording: str, device: str, file: FileEntry) -> FileAnswer:
        """Return what is left to upload of a file, with URLs for up to `MOST_URLS` parts.

        Raises `NotFound` unless the device has claimed the recording, and `Conflict` when other
        content is stored under the name or the recording takes no more files.
        """
        known = self._owned(recording, device)
        file.check()
        stored = self._stored(recording, file)
        if stored is not None:
            return FileAnswer(state="stored", version_id=stored.version_id)
        if known.state != "incomplete":
            raise Conflict(
                "recording",
                f"{recording!r} is {known.state} and takes no further file",
                "ship the folder under another name",
            )
        if len(file.parts) == 1:
            return FileAnswer(state="upload", urls=[self._whole_url(recording, file)])
        return self._parts(recording, file)

    def complete(self, recording: str, device: str, request: CompleteRequest) -> CompleteAnswer:
        """Turn the uploaded parts into the object; asking again for a finished one is fine.

        Raises `Conflict` when parts are missing or other content is stored under the name.
        """
        from botocore.exceptions import ClientError

        self._owned(recording, device)
        name = check_file_name(request.name)
        stored = self._stored(recording, request)
        if stored is not None:
            return CompleteAnswer(version_id=stored.version_id)
        try:
            return self._complete(object_key(recording, name), request)
        except ClientError as error:
            if aws.error_code(error) not in (*_PRECONDITION, *_NO_UPLOAD):
                raise
            # Somebody completed it a moment ago: fine if it is the same content.
            stored = self._stored(recording, request)
            if stored is None:
                raise Conflict(
                    "upload_id",
                    "there is no such upload",
                    "ask for URLs again and go on with the upload named there",
                    code="no_upload",
                ) from error
            return CompleteAnswer(version_id=stored.version_id)

    def _complete(self, key: str, request: CompleteRequest) -> CompleteAnswer:
        arrived = self._arrived(key, request.upload_id, request.parts)
        missing = [n for n in range(1, len(request.parts) + 1) if n not in arrived]
        if missing:
            raise Conflict(
                "parts",
                f"{len(missing)} parts are missing, the first is {missing[0]}",
                "ask for URLs again and upload what is missing",
                code="parts_missing",
            )
        answer = self.client.complete_multipart_upload(
            Bucket=self.bucket,
            Key=key,
            UploadId=request.upload_id,
            IfNoneMatch="*",
            MultipartUpload={
                "Parts": [
                    {
                        "PartNumber": number,
                        "ETag": arrived[number],
                        "ChecksumSHA256": to_base64(part),
                    }
                    for number, part in enumerate(request.parts, start=1)
                ]
            },
        )
        return CompleteAnswer(version_id=answer.get("VersionId"))

    def _owned(self, recording: str, device: str) -> Recording:
        check_recording_name(recording)
        known = self.catalogue.summaries([recording]).get(recording)
        if known is None or known.device != device:
            raise NotFound(
                "recording",
                f"{recording!r} is not a recording of this device",
                "claim the name first with POST /recordings",
            )
        return known

    def _stored(self, recording: str, file: FileEntry | CompleteRequest) -> raw.RawObject | None:
        """Return the stored object when it is this file; raise `Conflict` when it is another."""
        key = object_key(recording, file.name)
        found = raw.head(self.client, self.bucket, key)
        if found is None:
            return None
        size = file.size if isinstance(file, FileEntry) else found.size
        checksum = stored_checksum(file.sha256, file.parts)
        # What S3 keeps no comparable checksum of is read through while somebody waits.
        if (
            size != found.size
            or (found.checksum != checksum and size > LARGEST_READ)
            or not raw.same_content(self.client, self.bucket, key, found, file)
        ):
            raise Conflict(
                "name",
                f"{file.name!r} is stored already with other content ({found.size} bytes)",
                "raw files never change: ship the changed folder under another name",
                code="other_content",
            )
        return found

    def _whole_url(self, recording: str, file: FileEntry) -> PartUrl:
        checksum = to_base64(file.sha256)
        url = self.client.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self.bucket,
                "Key": object_key(recording, file.name),
                "IfNoneMatch": "*",
                "ChecksumSHA256": checksum,
                "ContentLength": file.size,
            },
            ExpiresIn=self.url_lifetime,
        )
        headers = {
            "If-None-Match": "*",
            "x-amz-checksum-sha256": checksum,
            "Content-Length": str(file.size),
        }
        return PartUrl(number=1, url=url, headers=headers)

    def _parts(self, recording: str, file: FileEntry) -> FileAnswer:
        key = object_key(recording, file.name)
        upload_id = self._find_upload(key)
        arrived: dict[int, str] = {}
        if upload_id is None:
            made = self.client.create_multipart_upload(
                Bucket=self.bucket, Key=key, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE"
            )
            upload_id = made["UploadId"]
        else:
            arrived = self._arrived(key, upload_id, file.parts)
        missing = [n for n in range(1, len(file.parts) + 1) if n not in arrived]
        urls = [self._part_url(key, upload_id, n, file) for n in missing[:MOST_URLS]]
        return FileAnswer(state="upload", upload_id=upload_id, stored=sorted(arrived), urls=urls)

    def _find_upload(self, key: str) -> str | None:
        """Return the oldest unfinished upload of a key: the same one for everybody who asks."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.bucket, Prefix=key
        )
        uploads = [
            upload for page in pages for upload in page.get("Uploads", []) if upload["Key"] == key
        ]
        if not uploads:
            return None
        return min(uploads, key=lambda upload: (upload["Initiated"], upload["UploadId"]))[
            "UploadId"
        ]

    def _arrived(self, key: str, upload_id: str, parts: Sequence[str]) -> dict[int, str]:
        """Return number and ETag of the parts in S3 that have these digests (hex, in order)."""
        expected = {number: to_base64(part) for number, part in enumerate(parts, start=1)}
        pages = self.client.get_paginator("list_parts").paginate(
            Bucket=self.bucket, Key=key, UploadId=upload_id
        )
        return {
            part["PartNumber"]: part["ETag"]
            for page in pages
            for part in page.get("Parts", [])
            if part.get("ChecksumSHA256") == expected.get(part["PartNumber"], "")
        }

    def _part_url(self, key: str, upload_id: str, number: int, file: FileEntry) -> PartUrl:
        checksum = to_base64(file.parts[number - 1])
        start = (number - 1) * file.part_size
        size = min(file.part_size, file.size - start)
        url = self.client.generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": self.bucket,
                "Key": key,
                "UploadId": upload_id,
                "PartNumber": number,
                "ChecksumSHA256": checksum,
                "ContentLength": size,
            },
            ExpiresIn=self.url_lifetime,
        )
        headers = {"x-amz-checksum-sha256": checksum, "Content-Length": str(size)}
        return PartUrl(number=number, url=url, headers=headers)

"""The bucket of a leaderboard: what pods may send, and what is made of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from glue import aws
from glue.leaderboard.names import attempt_prefix, submission_prefix, worker_results
from glue.leaderboard.results.reading import LARGEST_RESULTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FORM_SECONDS = 3600
LARGEST_FILE_BYTES = 1024**3
_ABSENT = ("NoSuchKey", "404")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of a submission; `size` is in bytes, `modified` UTC in ISO 8601."""

    key: str
    size: int
    modified: str

    def to_dict(self) -> dict[str, str | int]:
        """Return the form of `glue leaderboard show --json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Storage:
    """The results of all submissions to a leaderboard, each below its number."""

    client: S3Client
    bucket: str

    def form(self, submission: int, attempt: int, seconds: int = FORM_SECONDS) -> dict[str, Any]:
        """Return a form with which an attempt's pod may send files, for so many seconds.

        `address` is where to send, `fields` what to send with each file beside its `key`, which
        must begin with `prefix`, and the file itself, of at most `largest_bytes`.

        S3 refuses every field that the form does not name. So whoever holds it can set no access,
        no redirect, no storage class, no tags and no type that a browser would execute. A key that
        names `${filename}` has to begin with the prefix like any other. The form ends with the
        credentials that signed it, if that is earlier.
        """
        prefix = attempt_prefix(submission, attempt)
        made = self.client.generate_presigned_post(
            self.bucket,
            f"{prefix}${{filename}}",  # becomes the condition that a key begins with the prefix
            Conditions=[["content-length-range", 0, LARGEST_FILE_BYTES]],
            ExpiresIn=seconds,
        )
        return {
            "address": made["url"],
            "fields": {name: value for name, value in made["fields"].items() if name != "key"},
            "prefix": prefix,
            "largest_bytes": LARGEST_FILE_BYTES,
        }

    def worker_files(self, submission: int, attempt: int, workers: int) -> list[bytes | None]:
        """Return the results files of an attempt's workers, None where there is none yet.

        Of a file that is too large for any results, just enough is returned to be judged so, and
        None for the workers behind it.
        """
        files: list[bytes | None] = []
        for worker in range(1, workers + 1):
            oversized = any(len(file) > LARGEST_RESULTS for file in files if file is not None)
            key = worker_results(submission, attempt, worker)
            files.append(None if oversized else self._read(key, LARGEST_RESULTS + 1))
        return files

    def write_results(
        self, submission: int, merged_json: str, evalai_result: str, stdout: str, metadata: str
    ) -> str:
        """Store a submission's final result and what EvalAI is told; return its s3:// address.

        The merged results come last: where they are, the rest is too.
        """
        prefix = submission_prefix(submission)
        results = f"{prefix}results.json"
        for key, text in (
            (f"{prefix}evalai/stdout.txt", stdout),
            (f"{prefix}evalai/metadata.json", metadata),
            (f"{prefix}evalai/results.json", evalai_result),
            (results, merged_json),
        ):
            kind = "application/json" if key.endswith(".json") else "text/plain; charset=utf-8"
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=text.encode("utf-8", "replace"),
                ContentType=kind,
            )
        return f"s3://{self.bucket}/{results}"

    def objects(self, submission: int) -> list[StoredObject]:
        """Return everything that is stored of a submission, by key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=submission_prefix(submission)
        )
        return [
            StoredObject(
                found["Key"],
                found["Size"],
                found["LastModified"].isoformat().replace("+00:00", "Z"),
            )
            for page in pages
            for found in page.get("Contents", [])
        ]

    def _read(self, key: str, most: int) -> bytes | None:
        """Return the first bytes of an object, or None when there is no such object."""
        from botocore.exceptions import ClientError

        try:
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
        except ClientError as error:
            if aws.error_code(error) in _ABSENT:
                return None
            raise
        with body:
            return body.read(most)

"""A bucket of a real emulator, with what other submissions have in it, and forms for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue.leaderboard.results.merge import merge
from glue.leaderboard.storage import Storage
from glue.local.clients import LocalSession
from glue.local.cloud import Cloud
from tests.containers.pod import ATTEMPT, ROUTES, SUBMISSION
from tests.platform import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from glue.leaderboard.results.parsed import Parsed

BUCKET = "local-leaderboard-20-000000000000"
OTHERS = {
    "98/attempt-1/worker-1/results/simulation_results.json": b"of another submission",
    "99/results.json": b"merged",
    "99/attempt-10/worker-1/results/simulation_results.json": b"of another attempt",
}


class Bucket:
    """The bucket; forms are signed by a user that may do as much as the function's role."""

    def __init__(self, home: Path) -> None:
        self.cloud = Cloud(home, *free_ports(2))
        self.cloud.up()
        session = LocalSession(self.cloud.endpoint)
        self.s3: Any = session.client("s3")
        self.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        iam: Any = session.client("iam")
        iam.create_user(UserName="signer")
        statement = {
            "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"],
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }  # fmt: skip
        iam.put_user_policy(
            UserName="signer", PolicyName="bucket",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )  # fmt: skip
        key = iam.create_access_key(UserName="signer")["AccessKey"]
        self.signer: Any = LocalSession(
            self.cloud.endpoint, key["AccessKeyId"], key["SecretAccessKey"]
        ).client("s3")

    @property
    def storage(self) -> Storage:
        """The bucket as the functions see it."""
        return Storage(self.signer, BUCKET)

    def clear(self) -> None:
        """Leave what other submissions have, and nothing else."""
        for key in self.objects():
            self.s3.delete_object(Bucket=BUCKET, Key=key)
        for key, content in OTHERS.items():
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def objects(self) -> dict[str, int]:
        """Return the sizes of all objects by key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", ())}

    def read(self, key: str) -> bytes:
        """Return an object's content."""
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def sent(self) -> dict[str, int]:
        """Return the objects that are not from before."""
        return {key: size for key, size in self.objects().items() if key not in OTHERS}

    def others(self) -> dict[str, bytes]:
        """Return what other submissions have now."""
        return {key: self.read(key) for key in self.objects() if key in OTHERS}

    def verdict(self, workers: int = 1) -> Parsed:
        """Return what the function `finish` would make of what is there."""
        files = self.storage.worker_files(SUBMISSION, ATTEMPT, workers)
        return merge([file or b"" for file in files], workers, ROUTES, "2.0")

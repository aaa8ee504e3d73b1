"""S3 of the running local cloud: uploads, locks, conditions, big objects."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import signal
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.exceptions
import psutil
import pytest
from botocore.config import Config

from glue.local.clients import LocalSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

PART = 5 * 1024 * 1024
SIGNING = Config(signature_version="s3v4", s3={"addressing_style": "path"})


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def make_bucket(session: LocalSession, name: str, **options: Any) -> Any:
    s3 = session.client("s3")
    s3.create_bucket(
        Bucket=name,
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        **options,
    )
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3


def code_of(error: pytest.ExceptionInfo[botocore.exceptions.ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_upload_in_progress_survives_the_end_of_the_emulator(
    cloud: Cloud, session: LocalSession, how: signal.Signals
) -> None:
    s3 = make_bucket(session, f"uploads-{how.name.lower()}")
    bucket = f"uploads-{how.name.lower()}"
    data = [os.urandom(PART), os.urandom(PART), b"the end"]
    upload = s3.create_multipart_upload(
        Bucket=bucket, Key="r/a.bin", ChecksumAlgorithm="SHA256", Metadata={"device": "rig-1"}
    )["UploadId"]
    for number in (1, 2):
        s3.upload_part(
            Bucket=bucket, Key="r/a.bin", UploadId=upload, PartNumber=number, Body=data[number - 1],
            ChecksumSHA256=digest(data[number - 1]),
        )  # fmt: skip
    if how == signal.SIGKILL:  # what was saved last is taken up, so let it be saved once
        cloud.down()
        cloud.up()
    launcher = psutil.Process(cloud.facts()["pid"])
    launcher.send_signal(how)
    launcher.wait(60)
    cloud.up()

    uploads = s3.list_multipart_uploads(Bucket=bucket, Prefix="r/")["Uploads"]
    assert [(u["Key"], u["UploadId"]) for u in uploads] == [("r/a.bin", upload)]
    parts = s3.list_parts(Bucket=bucket, Key="r/a.bin", UploadId=upload)["Parts"]
    assert [(p["PartNumber"], p["Size"], p["ChecksumSHA256"]) for p in parts] == [
        (1, PART, digest(data[0])),
        (2, PART, digest(data[1])),
    ]
    s3.upload_part(Bucket=bucket, Key="r/a.bin", UploadId=upload, PartNumber=3, Body=data[2],
                   ChecksumSHA256=digest(data[2]))  # fmt: skip
    parts = s3.list_parts(Bucket=bucket, Key="r/a.bin", UploadId=upload)["Parts"]
    chosen = [{k: p[k] for k in ("PartNumber", "ETag", "ChecksumSHA256")} for p in parts]
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.complete_multipart_upload(
            Bucket=bucket, Key="r/a.bin", UploadId=upload, MultipartUpload={"Parts": chosen[::-1]}
        )
    assert code_of(error) == "InvalidPartOrder"
    made = s3.complete_multipart_upload(
        Bucket=bucket, Key="r/a.bin", UploadId=upload, MultipartUpload={"Parts": chosen},
        IfNoneMatch="*",
    )  # fmt: skip
    again = s3.complete_multipart_upload(
        Bucket=bucket, Key="r/a.bin", UploadId=upload, MultipartUpload={"Parts": chosen},
        IfNoneMatch="*",
    )  # fmt: skip
    assert again["VersionId"] == made["VersionId"]
    whole = hashlib.sha256(b"".join(hashlib.sha256(d).digest() for d in data)).digest()
    composite = f"{base64.b64encode(whole).decode()}-3"
    for restart in (False, True):
        if restart:
            cloud.down()
            cloud.up()
        head = s3.head_object(
            Bucket=bucket, Key="r/a.bin", VersionId=made["VersionId"], ChecksumMode="ENABLED"
        )
        assert (head["ChecksumSHA256"], head["ChecksumType"]) == (composite, "COMPOSITE")
        assert head["Metadata"] == {"device": "rig-1"}
        assert head["ContentLength"] == 2 * PART + 7
    assert s3.get_object(Bucket=bucket, Key="r/a.bin")["Body"].read() == b"".join(data)
    assert not list((cloud.home / "state" / "multipart").glob("*/*"))


def test_completing_an_upload_is_checked(session: LocalSession) -> None:
    s3 = make_bucket(session, "checked")
    s3.put_object(Bucket="checked", Key="taken", Body=b"first")

    def upload(key: str, *bodies: bytes) -> tuple[str, list[dict[str, Any]]]:
        upload_id: str = s3.create_multipart_upload(
            Bucket="checked", Key=key, ChecksumAlgorithm="SHA256"
        )["UploadId"]
        parts = []
        for number, body in enumerate(bodies, 1):
            sent = s3.upload_part(Bucket="checked", Key=key, UploadId=upload_id, Body=body,
                                  PartNumber=number, ChecksumSHA256=digest(body))  # fmt: skip
            parts.append({"PartNumber": number, "ETag": sent["ETag"],
                          "ChecksumSHA256": digest(body)})  # fmt: skip
        return upload_id, parts

    def refusal(key: str, upload_id: str, parts: Any, **options: Any) -> str:
        with pytest.raises(botocore.exceptions.ClientError) as error:
            s3.complete_multipart_upload(Bucket="checked", Key=key, UploadId=upload_id,
                                         MultipartUpload={"Parts": parts}, **options)  # fmt: skip
        return code_of(error)

    taken, parts = upload("taken", b"second")
    assert refusal("taken", taken, parts, IfNoneMatch="*") == "PreconditionFailed"
    assert refusal("taken", taken, []) == "MalformedXML"
    assert refusal("taken", "no-such-upload", parts) == "NoSuchUpload"
    assert refusal("other", taken, parts) == "NoSuchUpload"
    assert refusal("taken", taken, [{**parts[0], "PartNumber": 7}]) == "InvalidPart"
    assert refusal("taken", taken, [{**parts[0], "ETag": '"0"'}]) == "InvalidPart"
    wrong = {**parts[0], "ChecksumSHA256": digest(b"x")}
    assert refusal("taken", taken, [wrong]) == "InvalidPart"
    assert refusal("taken", taken, parts, MpuObjectSize=3) == "InvalidRequest"
    assert refusal("taken", taken, parts, ChecksumSHA256=digest(b"x")) == "BadDigest"
    small, parts = upload("small", b"too small", b"the end")
    assert refusal("small", small, parts) == "EntityTooSmall"
    s3.abort_multipart_upload(Bucket="checked", Key="small", UploadId=small)
    assert refusal("small", small, parts) == "NoSuchUpload"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.upload_part(Bucket="checked", Key="taken", UploadId=taken, PartNumber=1, Body=b"1",
                       ChecksumSHA256=digest(b"2"))  # fmt: skip
    assert code_of(error) == "BadDigest"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.complete_multipart_upload(Bucket="no-such-bucket", Key="k", UploadId=small,
                                     MultipartUpload={"Parts": parts})  # fmt: skip
    assert code_of(error) == "NoSuchBucket"


def test_large_bodies_are_checked_whoever_sends_them(cloud: Cloud, session: LocalSession) -> None:
    s3 = make_bucket(session, "large-bodies")
    good, other = os.urandom(PART), os.urandom(PART)
    for wrong in (
        {"ChecksumSHA256": digest(other)},
        {"ChecksumCRC32": "AAAAAA=="},
        {
            "ContentMD5": base64.b64encode(
                hashlib.md5(other, usedforsecurity=False).digest()
            ).decode()
        },
    ):
        with pytest.raises(botocore.exceptions.ClientError) as error:
            s3.put_object(Bucket="large-bodies", Key="a", Body=good, **wrong)
        assert code_of(error) == "BadDigest"
    put = s3.put_object(Bucket="large-bodies", Key="a", Body=good, ChecksumSHA256=digest(good))
    assert put["ETag"].strip('"') == hashlib.md5(good, usedforsecurity=False).hexdigest()
    head = s3.head_object(Bucket="large-bodies", Key="a", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == digest(good)

    upload = {"Bucket": "large-bodies", "Key": "b"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ChecksumAlgorithm="SHA256")[
        "UploadId"
    ]
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.upload_part(**upload, PartNumber=1, Body=good, ChecksumSHA256=digest(other))
    assert code_of(error) == "BadDigest"
    assert "Parts" not in s3.list_parts(**upload)
    # One over a presigned address, one signed by the client, one sent again with other bytes.
    presigning = session.client("s3", config=SIGNING)
    address = presigning.generate_presigned_url(
        "upload_part", {**upload, "PartNumber": 2, "ChecksumSHA256": digest(other)}
    )
    request = urllib.request.Request(
        address, other, {"x-amz-checksum-sha256": digest(other)}, method="PUT"
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    s3.upload_part(**upload, PartNumber=1, Body=other, ChecksumSHA256=digest(other))
    s3.upload_part(**upload, PartNumber=1, Body=good)
    parts = [
        {name: part[name] for name in ("PartNumber", "ETag", "ChecksumSHA256")}
        for part in s3.list_parts(**upload)["Parts"]
    ]
    assert [part["ChecksumSHA256"] for part in parts] == [digest(good), digest(other)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket="large-bodies", Key="b")["Body"].read() == good + other
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.upload_part(**upload, PartNumber=1, Body=good)
    assert code_of(error) == "NoSuchUpload"
    assert not list((cloud.home / "state" / "multipart").glob(f"*/{upload['UploadId']}"))


def test_locks_hold_after_a_restart_and_for_uploads_in_parts(
    cloud: Cloud, session: LocalSession
) -> None:
    s3 = make_bucket(session, "locked", ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket="locked",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    single = s3.put_object(Bucket="locked", Key="single", Body=b"1")["VersionId"]
    upload = s3.create_multipart_upload(Bucket="locked", Key="parts")["UploadId"]
    part = s3.upload_part(Bucket="locked", Key="parts", UploadId=upload, PartNumber=1, Body=b"2")
    parts = s3.complete_multipart_upload(
        Bucket="locked", Key="parts", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )["VersionId"]  # fmt: skip
    cloud.down()
    cloud.up()
    for key, version in (("single", single), ("parts", parts)):
        with pytest.raises(botocore.exceptions.ClientError) as error:
            s3.delete_object(Bucket="locked", Key=key, VersionId=version)
        assert code_of(error) == "AccessDenied"
        retention = s3.get_object_retention(Bucket="locked", Key=key)["Retention"]
        assert retention["Mode"] == "COMPLIANCE"


def test_big_objects_are_read_in_ranges_and_copied(session: LocalSession) -> None:
    s3 = make_bucket(session, "big-objects")
    first, second = os.urandom(3 << 20), os.urandom(2 << 20)
    version = s3.put_object(Bucket="big-objects", Key="a", Body=first)["VersionId"]
    s3.put_object(Bucket="big-objects", Key="a", Body=second)
    assert s3.get_object(Bucket="big-objects", Key="a")["Body"].read() == second
    old = s3.get_object(Bucket="big-objects", Key="a", VersionId=version)
    assert old["Body"].read() == first
    part = s3.get_object(Bucket="big-objects", Key="a", Range="bytes=1048570-1048580")
    assert part["Body"].read() == second[1048570:1048581]
    s3.copy_object(Bucket="big-objects", Key="b",
                   CopySource={"Bucket": "big-objects", "Key": "a"})  # fmt: skip
    s3.copy_object(
        Bucket="big-objects",
        Key="a",
        MetadataDirective="REPLACE",
        Metadata={"now": "other"},
        CopySource={"Bucket": "big-objects", "Key": "a"},
    )
    assert s3.get_object(Bucket="big-objects", Key="a")["Body"].read() == second
    s3.put_object(Bucket="big-objects", Key="a", Body=b"changed")
    assert s3.get_object(Bucket="big-objects", Key="b")["Body"].read() == second
    upload = s3.create_multipart_upload(Bucket="big-objects", Key="c", ChecksumAlgorithm="SHA256")[
        "UploadId"
    ]
    copied = s3.upload_part_copy(
        Bucket="big-objects", Key="c", UploadId=upload, PartNumber=1,
        CopySource={"Bucket": "big-objects", "Key": "b"},
    )["CopyPartResult"]  # fmt: skip
    listed = s3.list_parts(Bucket="big-objects", Key="c", UploadId=upload)["Parts"][0]
    assert listed["ChecksumSHA256"] == digest(second)
    s3.complete_multipart_upload(
        Bucket="big-objects", Key="c", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": copied["ETag"]}]},
    )  # fmt: skip
    assert s3.get_object(Bucket="big-objects", Key="c")["Body"].read() == second


def put(url: str, body: bytes, headers: dict[str, str]) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("PUT", f"{parts.path}?{parts.query}", body=body, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_policy_can_demand_conditional_writes_of_roles(
    cloud: Cloud, session: LocalSession, role: Callable[[str, dict[str, Any]], str]
) -> None:
    s3 = make_bucket(session, "immutable")
    s3.put_bucket_policy(
        Bucket="immutable",
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:PutObject",
                        "Resource": "arn:aws:s3:::immutable/*",
                        "Condition": {
                            "Null": {"s3:if-none-match": "true"},
                            "Bool": {"s3:ObjectCreationOperation": "true"},
                        },
                    },
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                        "Resource": "arn:aws:s3:::immutable/*",
                    },
                ],
            }
        ),
    )
    arn = role("presigner", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    credentials = session.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")[
        "Credentials"
    ]
    signer = LocalSession(
        cloud.endpoint,
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
    ).client("s3", config=SIGNING)

    bare = signer.generate_presigned_url("put_object", Params={"Bucket": "immutable", "Key": "a"})
    assert put(bare, b"1", {}) == 403
    conditional = signer.generate_presigned_url(
        "put_object", Params={"Bucket": "immutable", "Key": "a", "IfNoneMatch": "*"}
    )
    assert put(conditional, b"1", {}) == 403
    assert put(conditional, b"1", {"If-None-Match": "*"}) == 200
    assert put(conditional, b"2", {"If-None-Match": "*"}) == 412
    with pytest.raises(botocore.exceptions.ClientError) as error:
        signer.put_object(Bucket="immutable", Key="a", Body=b"2")
    assert code_of(error) == "AccessDenied"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        signer.delete_object(Bucket="immutable", Key="a")
    assert code_of(error) == "AccessDenied"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        signer.copy_object(Bucket="immutable", Key="b", CopySource="immutable/a")
    assert code_of(error) == "AccessDenied"

    upload = signer.create_multipart_upload(Bucket="immutable", Key="m")["UploadId"]
    url = signer.generate_presigned_url(
        "upload_part",
        Params={"Bucket": "immutable", "Key": "m", "UploadId": upload, "PartNumber": 1},
    )
    assert put(url, b"part", {}) == 200
    part = signer.list_parts(Bucket="immutable", Key="m", UploadId=upload)["Parts"][0]
    finish: dict[str, Any] = {
        "Bucket": "immutable",
        "Key": "m",
        "UploadId": upload,
        "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    }
    with pytest.raises(botocore.exceptions.ClientError) as error:
        signer.complete_multipart_upload(**finish)
    assert code_of(error) == "AccessDenied"
    signer.complete_multipart_upload(**finish, IfNoneMatch="*")
    assert signer.get_object(Bucket="immutable", Key="m")["Body"].read() == b"part"

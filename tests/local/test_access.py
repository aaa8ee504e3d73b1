"""Who may do what, with real users, keys, tokens and roles."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.platform import Answer, Platform

DIGEST = "0" * 64
PRESIGN = {"objects": [{"recording": "x", "key": "x/a", "kind": "raw", "version_id": "1"}]}
FILE = {"name": "a.bin", "size": 1, "sha256": DIGEST, "part_size": 8 << 20, "parts": [DIGEST]}

COMPLETE = {key: value for key, value in FILE.items() if key != "size"} | {"upload_id": "x"}

ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/recordings", None),
    ("GET", "/objects", None),
    ("POST", "/recordings", {"recording": "intruder"}),
    ("POST", "/objects/presign", PRESIGN),
    ("POST", "/recordings/intruder/replay", None),
]


def tampered(token: str) -> str:
    """Return the token with other groups and the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["cognito:groups"] = ["operators"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{header}.{forged}.{signature}"


@pytest.fixture(scope="module")
def shipped(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a recording of `rig-one` that is processed."""
    name = f"access_{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("access") / name
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"raw data" * 1000)
    (folder / "session.txt").write_text("subject: mouse\n")
    profile = str(platform.profile("rig-one", "shippers"))
    platform.glue("recordings", "ship", str(folder), PROVING_GROUND_PROFILE=profile)
    assert platform.settled([name])[name]["state"] == "processed"
    return name


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_nobody_gets_in_without_a_token(
    platform: Platform, method: str, path: str, body: Any
) -> None:
    key = platform.credentials("rig-one", "shippers")["key"]
    for token in (None, "junk", "Bearer junk", "e30.e30.e30"):
        assert platform.call(method, path, body, token=token, key=key).status == 401, token


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_a_token_is_not_enough_without_the_right_key(
    platform: Platform, method: str, path: str, body: Any
) -> None:
    token = platform.credentials("rig-one", "shippers")["token"]
    for key in (None, "x" * 40):
        assert platform.call(method, path, body, token=token, key=key).status == 403, key


def test_a_forged_token_is_refused(platform: Platform) -> None:
    good = platform.credentials("rig-one", "shippers")
    assert platform.call("GET", "/recordings", **good).status == 200
    forged = tampered(good["token"])
    assert platform.call("GET", "/recordings", token=forged, key=good["key"]).status == 401


def test_an_expired_token_is_refused(platform: Platform) -> None:
    """Signed with the pool's own key, right in everything but the time."""
    good = platform.credentials("rig-one", "shippers")
    kept = platform.build / "local" / "state" / "cognito-pool-keys"
    (file,) = kept.glob(f"*{platform.outputs['identity']['user_pool_id']}-id.pem")
    key = RSAKey.import_key(file.read_bytes())
    token = jwt.decode(good["token"], key)

    def signed(**times: int) -> Answer:
        aged = jwt.encode(token.header, token.claims | times, key)
        return platform.call("GET", "/recordings", token=aged, key=good["key"])

    now = int(time.time())
    assert signed(iat=now - 10, exp=now + 600).status == 200
    assert signed(iat=now - 7200, exp=now - 3600).status == 401


def test_a_revoked_device_is_locked_out_at_once(platform: Platform) -> None:
    name = f"rig-{uuid.uuid4().hex[:6]}"
    granted = platform.credentials(name, "shippers")
    assert platform.call("GET", "/recordings", **granted).status == 200
    platform.glue("devices", "revoke", name)
    assert platform.call("GET", "/recordings", **granted).status == 403
    profile = json.loads(platform.profile(name, "shippers").read_text())
    secret = {"device": name, "secret": profile["secret"]}
    other_key = platform.credentials("rig-one", "shippers")["key"]
    assert platform.call("POST", "/token", secret, key=other_key).status == 401


def test_a_wrong_secret_gives_no_token(platform: Platform) -> None:
    key = platform.credentials("rig-one", "shippers")["key"]
    for device in ("rig-one", "nobody"):
        answer = platform.call("POST", "/token", {"device": device, "secret": "guess"}, key=key)
        assert answer.status == 401
        assert answer.body["code"] == "unauthorised"
        assert "exist" not in answer.body["message"], "a guesser must not learn who exists"


WRONG_GROUP: list[tuple[str, str, str, Any]] = [
    ("shippers", "GET", "/objects", None),
    ("shippers", "POST", "/objects/presign", PRESIGN),
    ("shippers", "POST", "/recordings/{name}/replay", None),
    ("researchers", "POST", "/recordings", {"recording": "intruder"}),
    ("researchers", "POST", "/recordings/{name}/files", FILE),
    ("researchers", "POST", "/recordings/{name}/files/complete", COMPLETE),
    ("researchers", "POST", "/recordings/{name}/replay", None),
    ("researchers", "POST", "/failures", {"recording": "x", "reason": "y"}),
    ("hosts", "GET", "/recordings", None),
    ("hosts", "GET", "/objects", None),
    ("hosts", "POST", "/recordings", {"recording": "intruder"}),
]


@pytest.mark.parametrize(("group", "method", "path", "body"), WRONG_GROUP)
def test_a_wrong_group_is_refused(
    platform: Platform, shipped: str, group: str, method: str, path: str, body: Any
) -> None:
    member = platform.credentials(f"member-of-{group}", group)
    answer = platform.call(method, path.format(name=shipped), body, **member)
    assert answer.status == 403, answer
    assert answer.body["remedy"]


def test_a_rig_sees_nothing_of_another(platform: Platform, shipped: str) -> None:
    other = platform.credentials("rig-two", "shippers")
    own = platform.credentials("rig-one", "shippers")
    assert platform.call("GET", f"/recordings/{shipped}", **own).status == 200
    assert platform.call("GET", f"/recordings/{shipped}", **other).status == 404
    listed = platform.call("GET", "/recordings?limit=200", **other).body["recordings"]
    assert shipped not in [one["recording"] for one in listed]
    assert platform.call("POST", "/recordings", {"recording": shipped}, **other).status == 409
    more = FILE | {"name": "more.bin"}
    answer = platform.call("POST", f"/recordings/{shipped}/files", more, **other)
    assert answer.status in {403, 404, 409}


def test_a_rig_cannot_overwrite_its_own_file(platform: Platform, shipped: str) -> None:
    own = platform.credentials("rig-one", "shippers")
    answer = platform.call("POST", f"/recordings/{shipped}/files", FILE, **own)
    assert answer.status == 409
    assert answer.body["field"]


def test_a_presigned_url_serves_for_nothing_else(platform: Platform) -> None:
    """It writes one object once: no reading, no deleting, no other bytes, no other key."""
    own = platform.credentials("rig-one", "shippers")
    name, content = f"url_{uuid.uuid4().hex[:8]}", b"the bytes that were announced"
    digest = hashlib.sha256(content).hexdigest()
    announced = {"size": len(content), "sha256": digest, "parts": [digest]}
    assert platform.call("POST", "/recordings", {"recording": name}, **own).status in {200, 201}
    answer = platform.call("POST", f"/recordings/{name}/files", FILE | announced, **own)
    (slot,) = answer.body["urls"]

    def send(method: str, url: str, data: bytes | None, headers: dict[str, str]) -> int:
        return httpx.request(method, url, content=data, headers=headers).status_code

    url, headers = slot["url"], slot["headers"]
    empty = {k: v for k, v in headers.items() if k.lower() != "content-length"}
    bare = {k: v for k, v in headers.items() if k.lower() != "if-none-match"}
    assert send("PUT", url, b"other bytes, same length here", headers) in {400, 403}
    assert send("PUT", url, content, bare) == 403
    assert send("PUT", url.replace("a.bin", "b.bin"), content, headers) == 403
    assert send("GET", url, None, empty) == 403
    assert send("DELETE", url, None, empty) == 403
    assert send("PUT", url, content, headers) == 200
    assert send("PUT", url, content, headers) == 412


def roles(platform: Platform) -> dict[str, str]:
    """Return every role of the platform by name."""
    prefix = platform.outputs["recordings"]["functions"]["ingest_recording"]["name"].split("-")[0]
    pages = platform.client("iam").get_paginator("list_roles").paginate()
    found = {role["RoleName"]: role["Arn"] for page in pages for role in page["Roles"]}
    return {name: arn for name, arn in found.items() if name.startswith(f"{prefix}-")}


def as_role(platform: Platform, arn: str) -> Any:
    """Return a session with the rights of a role.

    Most roles trust one service for one resource. For the moment of this call they trust the
    account, as if somebody had taken them over.
    """
    iam, sts = platform.client("iam"), platform.client("sts")
    name = arn.rsplit("/", 1)[-1]
    trust = json.dumps(iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"])
    taken = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(
        RoleName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [taken]})
    )
    try:
        given = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    return platform.session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def test_raw_data_survives_every_role(platform: Platform, shipped: str) -> None:
    bucket, key = platform.outputs["recordings"]["raw_bucket"], f"{shipped}/a.bin"
    root = platform.client("s3")
    before = root.head_object(Bucket=bucket, Key=key)
    version = before["VersionId"]
    everybody = roles(platform)
    assert len(everybody) >= 5, everybody
    for name, arn in everybody.items():
        s3 = platform.client("s3", as_role(platform, arn))
        target = {"Bucket": bucket, "Key": key}
        attempts: dict[str, Callable[[], Any]] = {
            "delete": lambda: s3.delete_object(**target),
            "delete version": lambda: s3.delete_object(**target, VersionId=version),
            "delete version, bypassing the lock": lambda: s3.delete_object(
                **target, VersionId=version, BypassGovernanceRetention=True
            ),
            "delete many": lambda: s3.delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": key}]}
            ),
            "overwrite": lambda: s3.put_object(**target, Body=b"gone"),
            "overwrite, if new": lambda: s3.put_object(**target, Body=b"x", IfNoneMatch="*"),
            "copy over": lambda: s3.copy_object(
                **target, CopySource={"Bucket": bucket, "Key": f"{shipped}/session.txt"}
            ),
            "shorten the lock": lambda: s3.put_object_retention(
                **target,
                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC)},
                BypassGovernanceRetention=True,
            ),
            "drop the policy": lambda: s3.delete_bucket_policy(Bucket=bucket),
            "expire everything": lambda: s3.put_bucket_lifecycle_configuration(
                Bucket=bucket,
                LifecycleConfiguration={
                    "Rules": [
                        {
                            "ID": "all",
                            "Status": "Enabled",
                            "Filter": {},
                            "Expiration": {"Days": 1},
                        }
                    ]
                },
            ),
        }
        for what, attempt in attempts.items():
            try:
                answer = attempt()
            except ClientError:
                continue
            assert what == "delete many", f"{name} may {what}: {answer}"
            assert answer.get("Errors"), f"{name} may {what}: {answer}"
    after = root.head_object(Bucket=bucket, Key=key)
    assert (after["VersionId"], after["ETag"]) == (version, before["ETag"])
    assert root.get_object(Bucket=bucket, Key=key)["Body"].read() == b"raw data" * 1000


def test_even_the_root_cannot_overwrite_unawares(platform: Platform, shipped: str) -> None:
    """Versioning keeps the old bytes whatever an administrator does by mistake."""
    bucket = platform.outputs["recordings"]["raw_bucket"]
    state = platform.client("s3").get_bucket_versioning(Bucket=bucket)
    assert state["Status"] == "Enabled"
    lock = platform.client("s3").get_object_lock_configuration(Bucket=bucket)
    assert lock["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"


def test_the_ingest_role_cannot_touch_a_bucket_that_is_not_its_own(platform: Platform) -> None:
    recordings = platform.outputs["recordings"]
    root = platform.client("s3")
    root.create_bucket(
        Bucket="somebody-elses", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    root.put_object(Bucket="somebody-elses", Key="a", Body=b"a")
    arn = recordings["functions"]["ingest_recording"]["role_arn"]
    s3 = platform.client("s3", as_role(platform, arn))
    try:
        for bucket in ("somebody-elses", recordings["processed_bucket"]):
            attempts: tuple[Callable[[], Any], ...] = (
                lambda: s3.get_object(Bucket=bucket, Key="a"),
                lambda: s3.put_object(Bucket=bucket, Key="b", Body=b"b"),
                lambda: s3.list_objects_v2(Bucket=bucket),
                lambda: s3.delete_object(Bucket=bucket, Key="a"),
            )
            for attempt in attempts:
                with pytest.raises(ClientError) as refused:
                    attempt()
                assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    finally:
        root.delete_object(Bucket="somebody-elses", Key="a")
        root.delete_bucket(Bucket="somebody-elses")


def test_nobody_reads_the_buckets_without_credentials(platform: Platform, shipped: str) -> None:
    for bucket in ("raw_bucket", "processed_bucket"):
        address = f"{platform.endpoint}/{platform.outputs['recordings'][bucket]}"
        assert httpx.get(f"{address}/{shipped}/a.bin").status_code == 403
        assert httpx.get(address).status_code == 403

"""Global condition keys: TLS stands for the loopback, a session for its role."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from glue.local.clients import LocalSession
from glue.local.cloud import Cloud
from glue.local.mends.global_conditions import role_of


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("arn:aws:sts::000000000000:assumed-role/a-b/me", "arn:aws:iam::000000000000:role/a-b"),
        ("arn:aws:iam::000000000000:user/me", "arn:aws:iam::000000000000:user/me"),
        ("arn:aws:iam::000000000000:root", "arn:aws:iam::000000000000:root"),
    ],
)
def test_a_session_counts_as_its_role(principal: str, expected: str) -> None:
    assert role_of(principal) == expected


@pytest.mark.local
def test_policies_see_tls_and_roles(cloud: Cloud, session: LocalSession) -> None:
    iam, s3 = session.client("iam"), session.client("s3")
    anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for name in ("let-in", "kept-out"):
        trust = json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        rights = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=rights)
    s3.create_bucket(
        Bucket="conditions", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}
    conditions = [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::000000000000:role/kept-*"}},
    ]
    statements = [deny | {"Sid": f"No{i}", "Condition": c} for i, c in enumerate(conditions)]
    s3.put_bucket_policy(
        Bucket="conditions",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )

    def put(role: str) -> None:
        arn = f"arn:aws:iam::000000000000:role/{role}"
        given = session.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
        keys = given["Credentials"]
        of_role = LocalSession(
            cloud.endpoint, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )
        of_role.client("s3").put_object(Bucket="conditions", Key=role, Body=b"x")

    put("let-in")
    with pytest.raises(ClientError, match="AccessDenied"):
        put("kept-out")


@pytest.mark.local
def test_batches_need_the_rights_of_single_messages(cloud: Cloud, session: LocalSession) -> None:
    iam, sqs = session.client("iam"), session.client("sqs")
    queue = sqs.create_queue(QueueName="batches")["QueueUrl"]
    iam.create_user(UserName="sender")
    allow = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=policy)
    key = iam.create_access_key(UserName="sender")["AccessKey"]
    sender = LocalSession(cloud.endpoint, key["AccessKeyId"], key["SecretAccessKey"]).client("sqs")
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(3)]
    assert len(sender.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 3
    with pytest.raises(ClientError, match="AccessDenied"):
        sender.delete_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "ReceiptHandle": "x"}])

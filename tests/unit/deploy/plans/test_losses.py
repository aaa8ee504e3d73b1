from __future__ import annotations

from typing import Any

import pytest

from glue.deploy.plans import losses

KEY_TEXT = (
    "key k and all that is encrypted with it, for nobody can read it; can be called back for 7 days"
)


@pytest.mark.parametrize(
    ("kind", "before", "text"),
    [
        (
            "aws_dynamodb_table",
            {"name": "leaderboard-10"},
            "table leaderboard-10 with everything in it",
        ),
        ("aws_sqs_queue", {}, "queue with the messages waiting in it"),
        ("aws_eks_cluster", {"name": "c"}, "cluster c with everything that runs in it"),
        ("aws_ecr_repository", {"name": "r"}, "registry r with every image in it"),
        ("aws_route53_zone", {"name": "z.org"}, "zone z.org with its records and its name servers"),
        ("aws_cognito_user_pool", {"name": "u"}, "user pool u with every account in it"),
        (
            "aws_redshiftserverless_namespace",
            {"namespace_name": "n"},
            "database n with everything in it",
        ),
        (
            "aws_kms_key",
            {"name": "k", "deletion_window_in_days": 7},
            KEY_TEXT,
        ),
        (
            "aws_secretsmanager_secret",
            {"name": "s", "recovery_window_in_days": 0},
            "secret s with its values",
        ),
        (
            "aws_db_instance",
            {"identifier": "d", "skip_final_snapshot": False},
            "database d with everything in it; a last snapshot is kept",
        ),
        ("aws_db_instance", {"identifier": "d"}, "database d with everything in it"),
        ("aws_iam_role", {"name": "r"}, None),
        ("aws_iam_user", {"name": "u"}, "user u with the keys by which others come in"),
        (
            "aws_iam_access_key",
            {"user": "u"},
            "access key and the way in of whoever holds it",
        ),
        (
            "aws_cloudfront_distribution",
            {"domain_name": "d1.cloudfront.net"},
            "distribution d1.cloudfront.net and the address under which everybody has links to it",
        ),
    ],
)
def test_losses_in_plain_words(kind: str, before: dict[str, Any], text: str | None) -> None:
    assert losses.loss(kind, f"{kind}.x", before) == text


@pytest.mark.parametrize(
    ("address", "before", "word"),
    [
        ("module.recordings.module.raw.aws_s3_bucket.this", {}, "recordings"),
        ("module.recordings[0].aws_s3_bucket.this", {}, "recordings"),
        ("module.other.aws_s3_bucket.this", {"object_lock_enabled": True}, "recordings"),
        ("module.recordings_index.aws_s3_bucket.this", {}, "bucket"),
    ],
)
def test_buckets_of_recordings(address: str, before: dict[str, Any], word: str) -> None:
    found = losses.data_class("aws_s3_bucket", address, before)
    assert found is not None
    assert found.word == word


@pytest.mark.parametrize(
    ("kind", "before", "text"),
    [
        ("aws_dynamodb_table", {"deletion_protection_enabled": True}, "deletion_protection_ena"),
        ("aws_cognito_user_pool", {"deletion_protection": "ACTIVE"}, "deletion_protection is on"),
        ("aws_cognito_user_pool", {"deletion_protection": "INACTIVE"}, None),
        ("aws_lb", {"enable_deletion_protection": True}, "turns it off first"),
        ("aws_s3_bucket", {"force_destroy": True}, None),
        ("aws_s3_bucket", {"force_destroy": False}, "it must be empty, for force_destroy is false"),
        ("aws_s3_bucket", {"force_destroy": True, "object_lock_enabled": True}, "Object Lock"),
        ("aws_ecr_repository", {}, "force_delete"),
        ("aws_route53_zone", {"force_destroy": True}, None),
    ],
)
def test_what_aws_refuses(kind: str, before: dict[str, Any], text: str | None) -> None:
    found = losses.protection(kind, before)
    assert found is None if text is None else text in (found or "")


@pytest.mark.parametrize(
    ("kind", "old", "new", "text"),
    [
        (
            "aws_cloudwatch_log_group",
            30,
            7,
            "events older than 7 days (until now kept for 30 days)",
        ),
        ("aws_cloudwatch_log_group", 0, 7, "events older than 7 days (until now kept for ever)"),
        ("aws_cloudwatch_log_group", 7, 0, None),
        ("aws_cloudwatch_log_group", 7, 30, None),
        ("aws_cloudwatch_log_group", 7, None, None),
        ("aws_db_instance", 7, 0, "backups older than 0 days (until now kept for 7 days)"),
        ("aws_db_instance", 0, 7, None),
        ("aws_iam_role", 30, 7, None),
    ],
)
def test_what_is_kept_for_a_shorter_time(
    kind: str, old: int, new: int | None, text: str | None
) -> None:
    attribute = losses.KEPT_FOR.get(kind, ("retention_in_days",))[0]
    assert losses.shortening(kind, {attribute: old}, {attribute: new}) == text


def test_what_is_interrupted() -> None:
    assert losses.interruption("aws_batch_job_queue") == "jobs that wait in it"
    assert losses.interruption("aws_s3_bucket") is None

"""Everything is encrypted at rest, and the keys for it can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.aws import error_code
from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.launch import launch_templates
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "encryption"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"
KMS = "S3 encryption with KMS"
ALIAS = "alias/aws/"

BUCKET = Check(NAME, "bucket-encryption", "high", "new objects are encrypted by default", PLAN, KMS)
QUEUE = Check(
    NAME,
    "queue-encryption",
    "high",
    "messages are encrypted, by SQS's keys or one of KMS",
    PLAN,
    KMS,
)
TOPIC = Check(
    NAME, "topic-encryption", "medium",
    "a key of one's own: under AWS's key for SNS, CloudWatch cannot publish and alarms are lost",
    PLAN, KMS,
)  # fmt: skip
TABLE = Check(
    NAME, "table-encryption", "medium", "encryption is on; its key, if it has one, can be used",
    PLAN, "DynamoDB capacity",
)  # fmt: skip
KEY = Check(
    NAME, "key-usable", "critical", "the key is enabled",
    "enable it (`aws kms enable-key`) or cancel its deletion (`aws kms cancel-key-deletion`): "
    "what it encrypted cannot be read without it",
)  # fmt: skip
ROTATION = Check(
    NAME, "key-rotation", "low", "the key is replaced every year",
    "set enable_key_rotation: " + PLAN,
)  # fmt: skip
LOG_GROUP = Check(
    NAME, "log-group-key", "high", "the key that a log group names is enabled",
    "enable the key, or take kms_key_arn out of the group's settings: " + PLAN, KMS,
)  # fmt: skip
DISK = Check(
    NAME, "launch-template-disks", "high", "every disk of the instances is encrypted",
    "set encrypted in the template's disks: " + PLAN, KMS,
)  # fmt: skip
CLUSTER = Check(
    NAME, "cluster-secrets-encryption", "high",
    "Kubernetes' secrets are encrypted by a key of one's own",
    "set encryption_config of the cluster; it cannot be taken away again: " + PLAN,
    KMS,
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask whatever keeps data."""
    buckets, topics = inventory.buckets(context), inventory.topics(context)
    yield from BUCKET.each(context, buckets, lambda name: bucket(context, name))
    yield from QUEUE.each(context, inventory.queues(context), _queue)
    yield from TOPIC.each(context, topics, _topic)
    yield from TABLE.each(context, inventory.tables(context), _table)
    keys = {arn.rpartition("/")[2]: arn for arn in inventory.tagged(context, "kms:key/")}
    yield from KEY.each(context, keys, lambda arn: _key(context, arn))
    yield from ROTATION.each(context, keys, lambda arn: _rotation(context, arn))
    named = {
        name: group["kmsKeyId"]
        for name, group in inventory.log_groups(context).items()
        if group.get("kmsKeyId")
    }
    yield from LOG_GROUP.each(context, named, lambda arn: _key(context, arn))
    yield from DISK.each(context, launch_templates(context), _disks)
    if (cluster := inventory.cluster(context)) is not None:
        yield from CLUSTER.each(context, {cluster["name"]: cluster}, _cluster)


def bucket(context: Context, name: str) -> Finding:
    """Tell whether a bucket encrypts what it is given."""
    try:
        answer = context.aws("s3").get_bucket_encryption(Bucket=name)
    except Exception as error:
        if error_code(error) != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        return Finding(False, "no default encryption")
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    found = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    key = found.get("KMSMasterKeyID")
    text = found.get("SSEAlgorithm", "no default encryption") + (f" with {key}" if key else "")
    return Finding("SSEAlgorithm" in found, text)


def _queue(found: dict[str, str]) -> Finding:
    if key := found.get("KmsMasterKeyId"):
        return Finding(True, f"key {key}")
    is_managed = found.get("SqsManagedSseEnabled") == "true"
    return Finding(is_managed, "keys of SQS" if is_managed else "not encrypted")


def _topic(found: dict[str, str]) -> Finding:
    key = found.get("KmsMasterKeyId", "")
    return Finding(bool(key) and not key.startswith(ALIAS), f"key {key}" if key else "no key")


def _table(found: dict[str, Any]) -> Finding:
    described = found.get("SSEDescription")
    if not described:
        return Finding(True, "a key that DynamoDB owns")
    # DynamoDB says since when it cannot use the key: it archives the table after seven days.
    since = described.get("InaccessibleEncryptionDateTime")
    is_good = described.get("Status") in {"ENABLED", "UPDATING"} and since is None
    text = f"{described.get('Status')} with {described.get('KMSMasterKeyArn', 'no key')}"
    return Finding(is_good, text + (f", inaccessible since {since}" if since else ""))


def _key(context: Context, arn: str) -> Finding:
    state = context.aws("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
    return Finding(state == "Enabled", state)


def _rotation(context: Context, arn: str) -> Finding | None:
    client = context.aws("kms")
    found = client.describe_key(KeyId=arn)["KeyMetadata"]
    if found.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT" or (
        found["KeyState"] != "Enabled"
    ):
        return None
    rotates = client.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
    return Finding(rotates, "rotates" if rotates else "never rotates")


def _disks(template: dict[str, Any]) -> Finding:
    disks = template["LaunchTemplateData"].get("BlockDeviceMappings") or []
    bare = [d["DeviceName"] for d in disks if not d.get("Ebs", {}).get("Encrypted")]
    if not disks:
        return Finding(False, "names no disks: they are as the image has them")
    return Finding(
        not bare, f"not encrypted: {', '.join(bare)}" if bare else f"{len(disks)} encrypted"
    )


def _cluster(cluster: dict[str, Any]) -> Finding:
    keys = [
        one.get("provider", {}).get("keyArn", "")
        for one in cluster.get("encryptionConfig") or []
        if "secrets" in one.get("resources", [])
    ]
    return Finding(any(keys), f"key {keys[0]}" if any(keys) else "not encrypted by a key")


SUBJECT = Subject(
    NAME, "Everything is encrypted at rest, and its keys can be used.", ask,
    (BUCKET, QUEUE, TOPIC, TABLE, KEY, ROTATION, LOG_GROUP, DISK, CLUSTER),
)  # fmt: skip

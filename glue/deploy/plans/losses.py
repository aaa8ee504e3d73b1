"""What goes for ever with a resource, what AWS does to prevent it, and both in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class DataClass(NamedTuple):
    """A sort of thing that holds somebody's data, names or keys."""

    word: str
    with_it: str


IMAGES = DataClass("registry", "with every image in it")
DATABASE = DataClass("database", "with everything in it")
CACHE = DataClass("cache", "with everything in it")
FILES = DataClass("file system", "with every file in it")
STREAM = DataClass("stream", "with everything still in it")
INDEX = DataClass("search index", "with every document in it")
TABLE = DataClass("table", "with everything in it")
SNAPSHOT = DataClass("snapshot", "and the way back to it")
ACCOUNTS = "with every account in it"

# Types whose loss takes somebody's data, names or keys with it.
DATA_CLASSES: dict[str, DataClass] = {
    "aws_api_gateway_api_key": DataClass("API key", "that its owner calls with"),
    "aws_backup_vault": DataClass("backup vault", "with every backup in it"),
    "aws_cloudfront_distribution": DataClass(
        "distribution", "and the address under which everybody has links to it"
    ),
    "aws_cloudwatch_log_group": DataClass("log group", "with every event in it"),
    "aws_cloudwatch_log_stream": DataClass("log stream", "with every event in it"),
    "aws_cognito_identity_pool": DataClass("identity pool", "with every identity in it"),
    "aws_cognito_user": DataClass("user", "and the way in"),
    "aws_cognito_user_group": DataClass("user group", "with who belongs to it"),
    "aws_cognito_user_pool": DataClass("user pool", ACCOUNTS),
    "aws_db_instance": DATABASE,
    "aws_db_snapshot": SNAPSHOT,
    "aws_docdb_cluster": DATABASE,
    "aws_dynamodb_global_table": TABLE,
    "aws_dynamodb_table": TABLE,
    "aws_dynamodb_table_replica": DataClass("table replica", "and reading from its region"),
    "aws_ebs_snapshot": SNAPSHOT,
    "aws_ebs_volume": DataClass("volume", "with everything on it"),
    "aws_ecr_repository": IMAGES,
    "aws_ecrpublic_repository": IMAGES,
    "aws_efs_file_system": FILES,
    "aws_eks_cluster": DataClass("cluster", "with everything that runs in it"),
    "aws_elasticache_cluster": CACHE,
    "aws_elasticache_replication_group": CACHE,
    "aws_elasticache_serverless_cache": CACHE,
    "aws_elasticsearch_domain": INDEX,
    "aws_fsx_lustre_file_system": FILES,
    "aws_glacier_vault": DataClass("vault", "with every archive in it"),
    "aws_iam_access_key": DataClass("access key", "and the way in of whoever holds it"),
    "aws_iam_user": DataClass("user", "with the keys by which others come in"),
    "aws_kinesis_stream": STREAM,
    "aws_kms_key": DataClass("key", "and all that is encrypted with it, for nobody can read it"),
    "aws_kms_replica_key": DataClass("key", "and what is encrypted with it in its region"),
    "aws_memorydb_cluster": DATABASE,
    "aws_msk_cluster": STREAM,
    "aws_neptune_cluster": DATABASE,
    "aws_opensearch_domain": INDEX,
    "aws_opensearchserverless_collection": INDEX,
    "aws_rds_cluster": DATABASE,
    "aws_rds_global_cluster": DATABASE,
    "aws_redshift_cluster": DATABASE,
    "aws_redshiftserverless_namespace": DATABASE,
    "aws_redshiftserverless_snapshot": SNAPSHOT,
    "aws_route53_zone": DataClass("zone", "with its records and its name servers"),
    "aws_s3_bucket": DataClass("bucket", "with every object and version in it"),
    "aws_s3_directory_bucket": DataClass("bucket", "with every object in it"),
    "aws_secretsmanager_secret": DataClass("secret", "with its values"),
    "aws_sqs_queue": DataClass("queue", "with the messages waiting in it"),
    "aws_timestreamwrite_table": TABLE,
}
RECORDINGS = DataClass("recordings", "with EVERY RECORDING in it, which nobody can make again")
RECORDINGS_MODULE = "module.recordings"

# Types that hold no data but work in progress.
INTERRUPTING = {
    "aws_autoscaling_group": "machines, and what runs on them",
    "aws_batch_compute_environment": "jobs that run in it",
    "aws_batch_job_queue": "jobs that wait in it",
    "aws_eks_node_group": "pods that run on its nodes",
    "aws_instance": "what runs on it, and what lies on its own disk",
    "aws_nat_gateway": "connections through it, and its public address if it has a new one",
    "aws_sfn_state_machine": "executions that run, and the history of all",
}

# Attributes that make AWS refuse a deletion, whatever the type.
PROTECTIONS = (
    "deletion_protection",
    "deletion_protection_enabled",
    "disable_api_termination",
    "enable_deletion_protection",
)

# Type: the attribute without which AWS refuses to delete what is not empty.
ONLY_WHEN_EMPTY = {
    "aws_ecr_repository": "force_delete",
    "aws_route53_zone": "force_destroy",
    "aws_s3_bucket": "force_destroy",
}

# Type: an attribute whose lowering throws older data away, its unit, and what it counts for.
KEPT_FOR = {
    "aws_cloudwatch_log_group": ("retention_in_days", "days", "events"),
    "aws_db_instance": ("backup_retention_period", "days", "backups"),
    "aws_kinesis_stream": ("retention_period", "hours", "records"),
    "aws_rds_cluster": ("backup_retention_period", "days", "backups"),
    "aws_sqs_queue": ("message_retention_seconds", "seconds", "messages"),
}
FOR_EVER = {"aws_cloudwatch_log_group"}  # of which zero days means: never deleted

# Attributes that may hold what people call a thing, the first one found.
NAMES = ("name", "bucket", "identifier", "cluster_identifier", "namespace_name", "domain_name")


def data_class(kind: str, address: str, before: Mapping[str, Any]) -> DataClass | None:
    """Return which data goes with a resource of a type, or None when nothing does."""
    found = DATA_CLASSES.get(kind)
    if kind == "aws_s3_bucket" and (
        before.get("object_lock_enabled") is True or _is_of_recordings(address)
    ):
        return RECORDINGS
    return found


def loss(kind: str, address: str, before: Mapping[str, Any]) -> str | None:
    """Say what would be lost with a resource: `table leaderboard-10 with everything in it`.

    `before` holds its values as they are now, without the secret ones.
    """
    found = data_class(kind, address, before)
    if found is None:
        return None
    word = "bucket" if found is RECORDINGS else found.word
    name = name_of(before)
    text = f"{word} {name} {found.with_it}" if name else f"{word} {found.with_it}"
    return f"{text}{_way_back(kind, before)}"


def protection(kind: str, before: Mapping[str, Any]) -> str | None:
    """Say why AWS would refuse to delete a resource, or None when it would not."""
    for attribute in PROTECTIONS:
        if before.get(attribute) in (True, "ACTIVE"):
            return f"{attribute} is on: apply a plan that turns it off first"
    if before.get("object_lock_enabled") is True:
        return "Object Lock keeps what is in it until its retention is over"
    attribute = ONLY_WHEN_EMPTY.get(kind, "")
    if attribute and before.get(attribute) is not True:
        return f"it must be empty, for {attribute} is false"
    return None


def shortening(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """Say which older data an update throws away, or None when it keeps all."""
    if kind not in KEPT_FOR:
        return None
    attribute, unit, what = KEPT_FOR[kind]
    old, new = before.get(attribute), after.get(attribute)
    if not isinstance(old, int) or not isinstance(new, int):
        return None
    limits = [float("inf") if kind in FOR_EVER and not days else days for days in (old, new)]
    if limits[1] >= limits[0]:
        return None
    kept = "kept for ever" if limits[0] == float("inf") else f"kept for {old} {unit}"
    return f"{what} older than {new} {unit} (until now {kept})"


def interruption(kind: str) -> str | None:
    """Say what stops when a resource goes, or None."""
    return INTERRUPTING.get(kind)


def name_of(before: Mapping[str, Any]) -> str | None:
    """Return what people call a resource, if its values say it."""
    found = (before.get(attribute) for attribute in NAMES)
    return next((value for value in found if isinstance(value, str) and value), None)


def _way_back(kind: str, before: Mapping[str, Any]) -> str:
    """Return how long a loss can be undone, to be put behind it; nothing when it cannot."""
    days: Any = 0
    if kind == "aws_kms_key":
        days = before.get("deletion_window_in_days") or 30
    elif kind == "aws_secretsmanager_secret":
        days = before.get("recovery_window_in_days")
    elif kind in ("aws_db_instance", "aws_rds_cluster", "aws_redshift_cluster"):
        # Terraform makes it only when told so.
        return "; a last snapshot is kept" if before.get("skip_final_snapshot") is False else ""
    return f"; can be called back for {days} days" if days else ""


def _is_of_recordings(address: str) -> bool:
    """Tell whether an address lies in the module that holds raw recordings."""
    return address.startswith((f"{RECORDINGS_MODULE}.", f"{RECORDINGS_MODULE}["))

"""What AWS or we ourselves refuse to destroy, found before anything is touched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.deploy.drain.buckets import holds_something, lasting_retention
from glue.deploy.drain.context import present
from glue.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glue.deploy.drain.context import Drain

ACTIVE_SECONDS = 300.0


class Obstacle(NamedTuple):
    """A thing that stands in the way: what it is, its name, why, and whether it can be lifted."""

    word: str
    name: str
    reason: str
    can_be_erased: bool = True


class Guard(NamedTuple):
    """How a type of resource is protected: found out, and taken off.

    `name` is the attribute by which people call it. `why` asks AWS, not the state, which may be
    old, and returns None when nothing stands in the way.
    """

    word: str
    name: str
    why: Callable[[Drain, Mapping[str, Any]], str | None]
    lift: Callable[[Drain, Mapping[str, Any]], None]


def check(drain: Drain, erase: Sequence[str]) -> None:
    """Raise unless everything can be destroyed, with one list of all that cannot.

    Raises NotFound for a name to erase that nothing here has, and Conflict for what is protected
    or holds data and is not named.
    """
    names = {values[guard.name] for guard, values in _guarded(drain)}
    for name in erase:
        if name not in names:
            known = ", ".join(sorted(names)) or "none: nothing here is protected"
            raise NotFound(
                "erase", f"{name} is nothing of this environment that can be erased", known
            )
    obstacles = [one for one in find(drain) if one.name not in erase or not one.can_be_erased]
    if not obstacles:
        return
    lines = [f"{one.word} {one.name}: {one.reason}" for one in obstacles]
    named = " ".join(f"--erase {one.name}" for one in obstacles if one.can_be_erased)
    kept = ", ".join(one.name for one in obstacles if not one.can_be_erased)
    remedy = f"to lose what they hold for ever, say `{named}`" if named else ""
    if kept:
        also = f"wait until the retention of {kept} is over, or keep the environment"
        remedy = f"{remedy}; {also}" if remedy else also
    raise Conflict(
        "destroy",
        f"{len(lines)} would not go, and nothing was touched:\n  " + "\n  ".join(lines),
        remedy,
    )


def find(drain: Drain) -> list[Obstacle]:
    """Return everything that would stop a destroy, sorted by name."""
    found = []
    for guard, values in _guarded(drain):
        name = values[guard.name]
        if guard.word == "bucket" and (days := _lasting(drain, name)):
            why = f"nobody can erase its objects for {days} days after they were written"
            found.append(Obstacle("bucket", name, why, can_be_erased=False))
        elif reason := guard.why(drain, values):
            found.append(Obstacle(guard.word, name, reason))
    return sorted(found, key=lambda one: one.name)


def lift(drain: Drain, erase: Sequence[str]) -> None:
    """Take the protection off everything that is named."""
    for guard, values in _guarded(drain):
        if values[guard.name] in erase:
            guard.lift(drain, values)
            drain.tell(f"{guard.word} {values[guard.name]}: its protection is off")


def is_destroyable(values: Mapping[str, Any]) -> bool:
    """Tell whether a bucket may be emptied without being named."""
    # A bucket under Object Lock holds what cannot be made again, on a laptop too.
    return bool(values.get("force_destroy")) and not values.get("object_lock_enabled")


def _guarded(drain: Drain) -> list[tuple[Guard, Mapping[str, Any]]]:
    return [(guard, values) for kind, guard in GUARDS.items() for values in drain.of(kind)]


def _lasting(drain: Drain, name: str) -> int | None:
    """Return the days for which nobody can erase what a bucket holds; None when somebody can."""
    days = lasting_retention(drain.client("s3"), name)
    return days if days and holds_something(drain.client("s3"), name) else None


def _why_bucket(drain: Drain, values: Mapping[str, Any]) -> str | None:
    if is_destroyable(values) or not holds_something(drain.client("s3"), values["bucket"]):
        return None
    return "it holds recordings or other data that cannot be made again"


def _lift_bucket(drain: Drain, values: Mapping[str, Any]) -> None:
    # The policy that keeps anyone from deleting recordings has done its work here.
    present(drain.client("s3").delete_bucket_policy, Bucket=values["bucket"])


def _tables(drain: Drain, values: Mapping[str, Any]) -> list[Any]:
    """Return a client for each region a table is in."""
    home = values.get("arn", "")
    replicas = [one["region_name"] for one in values.get("replica") or ()]
    return [drain.client("dynamodb", home)] + [
        drain.client("dynamodb", f"arn:aws:dynamodb:{region}") for region in replicas
    ]


def _why_table(drain: Drain, values: Mapping[str, Any]) -> str | None:
    for tables in _tables(drain, values):
        answer = present(tables.describe_table, TableName=values["name"])
        if answer and answer["Table"].get("DeletionProtectionEnabled"):
            items = answer["Table"].get("ItemCount", 0)
            return f"deletion protection is on; it holds about {items} items"
    return None


def _lift_table(drain: Drain, values: Mapping[str, Any]) -> None:
    name = values["name"]
    for tables in _tables(drain, values):
        if present(tables.update_table, TableName=name, DeletionProtectionEnabled=False):
            drain.until(partial(_is_active, tables, name), ACTIVE_SECONDS)


def _is_active(tables: Any, name: str) -> bool:
    """Tell whether a table can be changed, or deleted."""
    return bool(tables.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")


def _why_database(drain: Drain, values: Mapping[str, Any]) -> str | None:
    databases = drain.client("rds", values.get("arn", ""))
    name = values["identifier"]
    answer = present(databases.describe_db_instances, DBInstanceIdentifier=name)
    if answer and answer["DBInstances"][0].get("DeletionProtection"):
        return "deletion protection is on"
    return None


def _lift_database(drain: Drain, values: Mapping[str, Any]) -> None:
    drain.client("rds", values.get("arn", "")).modify_db_instance(
        DBInstanceIdentifier=values["identifier"], DeletionProtection=False, ApplyImmediately=True
    )


def _why_databases(drain: Drain, values: Mapping[str, Any]) -> str | None:
    databases = drain.client("rds", values.get("arn", ""))
    name = values["cluster_identifier"]
    answer = present(databases.describe_db_clusters, DBClusterIdentifier=name)
    if answer and answer["DBClusters"][0].get("DeletionProtection"):
        return "deletion protection is on"
    return None


def _lift_databases(drain: Drain, values: Mapping[str, Any]) -> None:
    drain.client("rds", values.get("arn", "")).modify_db_cluster(
        DBClusterIdentifier=values["cluster_identifier"],
        DeletionProtection=False,
        ApplyImmediately=True,
    )


def _why_users(drain: Drain, values: Mapping[str, Any]) -> str | None:
    pools = drain.client("cognito-idp", values.get("arn", ""))
    answer = present(pools.describe_user_pool, UserPoolId=values["id"])
    if answer is None or answer["UserPool"].get("DeletionProtection") != "ACTIVE":
        return None
    number = answer["UserPool"].get("EstimatedNumberOfUsers", 0)
    return f"deletion protection is on; about {number} devices and people are in it"


def _lift_users(drain: Drain, values: Mapping[str, Any]) -> None:
    # This call sets whatever it is not given back to its default: of no matter to a pool that goes.
    drain.client("cognito-idp", values.get("arn", "")).update_user_pool(
        UserPoolId=values["id"], DeletionProtection="INACTIVE"
    )


def _why_cluster(drain: Drain, values: Mapping[str, Any]) -> str | None:
    clusters = drain.client("eks", values.get("arn", ""))
    answer = present(clusters.describe_cluster, name=values["name"])
    return "deletion protection is on" if answer and answer["cluster"].get(_PROTECTED) else None


def _lift_cluster(drain: Drain, values: Mapping[str, Any]) -> None:
    clusters = drain.client("eks", values.get("arn", ""))
    if not present(clusters.describe_cluster, name=values["name"])["cluster"].get(_PROTECTED):
        return
    clusters.update_cluster_config(name=values["name"], **{_PROTECTED: False})
    drain.until(
        lambda: clusters.describe_cluster(name=values["name"])["cluster"]["status"] == "ACTIVE",
        ACTIVE_SECONDS,
    )


def _why_registry(drain: Drain, values: Mapping[str, Any]) -> str | None:
    if values.get("force_delete"):
        return None
    images = drain.client("ecr", values.get("arn", ""))
    answer = present(images.list_images, repositoryName=values["name"], maxResults=1)
    return "it holds images" if answer and answer["imageIds"] else None


def _nothing(_drain: Drain, _values: Mapping[str, Any]) -> None:
    """Take nothing off: being named is all it needs."""


def _why_balancer(drain: Drain, values: Mapping[str, Any]) -> str | None:
    balancers = drain.client("elbv2", values["arn"])
    answer = present(balancers.describe_load_balancer_attributes, LoadBalancerArn=values["arn"])
    pairs = {one["Key"]: one["Value"] for one in (answer or {}).get("Attributes", ())}
    return (
        "deletion protection is on" if pairs.get("deletion_protection.enabled") == "true" else None
    )


def _lift_balancer(drain: Drain, values: Mapping[str, Any]) -> None:
    drain.client("elbv2", values["arn"]).modify_load_balancer_attributes(
        LoadBalancerArn=values["arn"],
        Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
    )


_PROTECTED = "deletionProtection"
GUARDS = {
    "aws_s3_bucket": Guard("bucket", "bucket", _why_bucket, _lift_bucket),
    "aws_dynamodb_table": Guard("table", "name", _why_table, _lift_table),
    "aws_db_instance": Guard("database", "identifier", _why_database, _lift_database),
    "aws_rds_cluster": Guard("database", "cluster_identifier", _why_databases, _lift_databases),
    "aws_cognito_user_pool": Guard("user pool", "name", _why_users, _lift_users),
    "aws_eks_cluster": Guard("cluster", "name", _why_cluster, _lift_cluster),
    "aws_ecr_repository": Guard("registry", "name", _why_registry, _nothing),
    "aws_lb": Guard("load balancer", "name", _why_balancer, _lift_balancer),
}

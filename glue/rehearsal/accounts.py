"""An account of the rehearsal's cloud: what a verb is told by its environment, and no more."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.deploy.environments import LOOPBACK, STATE_KEY
from glue.deploy.project import BUILD_VARIABLE, ENVIRONMENTS_VARIABLE, LOCAL_HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Variables of the shell that could lead a verb elsewhere, to AWS itself above all.
# The last is a measurement of this process, which the copied sources are no part of.
FOREIGN_PREFIXES = ("AWS_", "PROVING_GROUND_", "TF_VAR_", "TF_CLI_ARGS", "COVERAGE_")
FOREIGN_NAMES = ("TF_WORKSPACE", "TF_DATA_DIR", "PYTHONPATH", "PYTHONSAFEPATH")
KEPT_NAMES = ("AWS_CA_BUNDLE",)


@dataclass(frozen=True)
class Account:
    """An environment in an account of its own.

    `endpoint` is the address of the cloud, `build` the folder for everything made and
    `environments` the one that holds the tfvars files.
    """

    environment: str
    account_id: str
    region: str
    endpoint: str
    build: Path
    environments: Path

    @property
    def state_bucket(self) -> str:
        """The bucket of the Terraform state, as the bootstrap names it."""
        return f"{self.environment}-terraform-state-{self.account_id}"

    @property
    def state_key(self) -> str:
        """The key of the state's object: the S3 backend keeps workspaces under `env:`."""
        return f"env:/{self.environment}/{STATE_KEY}"

    @property
    def variables_file(self) -> Path:
        """The tfvars file of the environment: a copy, which the rehearsal may change."""
        return self.environments / f"{self.environment}.tfvars"

    @property
    def plan_folder(self) -> Path:
        """The folder of the environment's saved plan."""
        return self.build / "plans" / self.environment

    def credentials(self) -> dict[str, str]:
        """Return the AWS variables that make the usual verbs talk to this account.

        For the emulator an access key of twelve digits is the root of that account.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.account_id,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def folders(self) -> dict[str, str]:
        """Return the variables that keep a verb's files out of the repository's own folders."""
        return {
            BUILD_VARIABLE: str(self.build),
            LOCAL_HOME_VARIABLE: str(self.build / "local"),
            ENVIRONMENTS_VARIABLE: str(self.environments),
        }

    def variables(self, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the whole environment of a verb: the shell's, without what leads elsewhere."""
        shell = os.environ if inherited is None else inherited
        kept = {
            name: value
            for name, value in shell.items()
            if name in KEPT_NAMES
            or not (name.startswith(FOREIGN_PREFIXES) or name in FOREIGN_NAMES)
        }
        # No proxy stands between this machine and itself, and no profile of the user's counts.
        direct = ",".join(filter(None, (kept.get("NO_PROXY") or kept.get("no_proxy"), *LOOPBACK)))
        return (
            kept
            | {"NO_PROXY": direct, "no_proxy": direct}
            | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
            | self.credentials()
            | self.folders()
        )

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a boto3 client of this account, in its own region unless another is named."""
        from botocore.config import Config

        config = Config(
            proxies={}, retries={"total_max_attempts": 3}, s3={"addressing_style": "path"}
        )
        session = _session(self.account_id, region or self.region)
        return session.client(service, endpoint_url=self.endpoint, config=config)


@functools.cache
def _session(account_id: str, region: str) -> Any:
    """Return a session; each has to read the descriptions of all services anew."""
    import boto3

    return boto3.session.Session(
        aws_access_key_id=account_id,
        aws_secret_access_key="test",  # noqa: S106 - the emulator takes any for this key
        region_name=region,
    )

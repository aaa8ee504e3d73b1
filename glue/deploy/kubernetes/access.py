"""Getting at a cluster: a token from STS, a kubeconfig for one call, and kubectl itself."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from glue.deploy.project import PRIVATE_FILE, write_json
from glue.errors import InputError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping, Sequence

    from glue.deploy.environments import Environment

PROGRAM = "kubectl"
TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 - the name of the scheme, not a secret
CLUSTER_HEADER = "x-k8s-aws-id"
# The address is signed for a minute; EKS takes the token for 15 minutes from then on.
TOKEN_SECONDS = 60
ERROR_LINES = 20


class Cluster(BaseModel):
    """What Terraform puts out of a cluster, as far as it is needed to work with it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    endpoint: str
    certificate_authority: str
    version: str
    log_group_names: dict[str, str]

    @classmethod
    def of(cls, outputs: Mapping[str, Any], environment: str) -> Cluster:
        """Return the cluster in an environment's outputs. Raises InputError if it has none."""
        if not outputs.get("cluster"):
            raise InputError(
                "cluster",
                f"{environment} has none",
                f"write `cluster` in {environment}.tfvars, plan and apply",
            )
        found: Cluster = cls.model_validate(outputs["cluster"])
        return found


class Printed(NamedTuple):
    """What kubectl left behind."""

    code: int
    out: str
    err: str


def signer(client: Any, cluster: str) -> Any:
    """Make a boto3 client for STS, which serves nothing else from now on, sign for a cluster."""

    def name_cluster(request: Any, **_: Any) -> None:
        request.headers[CLUSTER_HEADER] = cluster

    client.meta.events.register("before-sign.sts.GetCallerIdentity", name_cluster)
    return client


def token(signing: Any) -> str:
    """Return a token for a cluster's API: a signed question who one is, which EKS asks STS."""
    url = signing.generate_presigned_url(
        "get_caller_identity", ExpiresIn=TOKEN_SECONDS, HttpMethod="GET"
    )
    return TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def kubeconfig(cluster: Cluster, bearer: str) -> dict[str, Any]:
    """Return a kubeconfig for one cluster and one token."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster.name,
        "clusters": [
            {
                "name": cluster.name,
                "cluster": {
                    "server": cluster.endpoint,
                    "certificate-authority-data": cluster.certificate_authority,
                },
            }
        ],
        "users": [{"name": cluster.name, "user": {"token": bearer}}],
        "contexts": [
            {"name": cluster.name, "context": {"cluster": cluster.name, "user": cluster.name}}
        ],
    }


def program() -> str:
    """Return where kubectl is. Raises InputError when it is missing."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise InputError(
            PROGRAM,
            "is not installed, or not on PATH",
            "install it: https://kubernetes.io/docs/tasks/tools/",
        )
    return found


def run(arguments: Sequence[str], text: str | None = None, config: Path | None = None) -> Printed:
    """Run kubectl with `text` as its input; without `config` it can reach no cluster."""
    kept = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    result = subprocess.run(
        [program(), *arguments],
        input=text,
        env=kept | {"KUBECONFIG": str(config or os.devnull)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Printed(result.returncode, result.stdout, result.stderr)


def failed(what: str, printed: Printed, remedy: str) -> InputError:
    """Make the error of a kubectl that failed, with the end of what it said."""
    said = (printed.err or printed.out).strip().splitlines() or [f"ended with {printed.code}"]
    return InputError(f"kubectl {what}", "\n".join(said[-ERROR_LINES:]), remedy, "kubectl")


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one cluster, under a fresh token for each call."""

    cluster: Cluster
    signing: Any

    @classmethod
    def on(cls, environment: Environment, cluster: Cluster) -> Kubectl:
        """Return kubectl for a cluster. Raises InputError when nothing answers there."""
        if environment.is_emulated:
            raise InputError(
                "cluster",
                "the local cloud has none: EKS is a record there, without a Kubernetes API",
                "`glue kubernetes render` shows what a real cluster would be given",
            )
        program()
        environment.require_credentials()
        return cls(cluster, signer(environment.client("sts"), cluster.name))

    def call(
        self,
        *arguments: str,
        text: str | None = None,
        good: Iterable[int] = (0,),
        expected: re.Pattern[str] | None = None,
    ) -> Printed:
        """Run kubectl and return what it printed.

        Raises InputError with its own words when it ends with a code that is not `good`, unless
        they match what is `expected`.
        """
        with tempfile.TemporaryDirectory(prefix="glue-") as folder:
            config = Path(folder) / "kubeconfig"
            write_json(config, kubeconfig(self.cluster, token(self.signing)), PRIVATE_FILE)
            printed = run(arguments, text, config)
        is_expected = expected is not None and expected.search(printed.err)
        if printed.code not in set(good) and not is_expected:
            raise failed(arguments[0], printed, _remedy(printed.err))
        return printed


def _remedy(said: str) -> str:
    remedies = {
        "conflict": "somebody else set these fields: look with `diff`, then apply with --force",
        "Unauthorized": "name your role in the cluster's `access`, plan and apply",
        "must be logged in": "name your role in the cluster's `access`, plan and apply",
        "forbidden": "your role may not do this: see the cluster's `access`",
        "i/o timeout": "the API is closed to this address: see kubernetes.public_access_ranges",
        "no such host": "the cluster is gone, or its outputs are old: plan and apply first",
        "NotFound": "the namespace is missing: apply first",
    }
    found = (advice for words, advice in remedies.items() if words in said)
    return next(found, "read what kubectl said, mend it, and say it again")

"""Applying and comparing, with a kubectl that writes down what it was told."""

from __future__ import annotations

import base64
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from glue.deploy.environments import Environment
from glue.deploy.kubernetes import access, workloads
from glue.deploy.kubernetes.access import Cluster, Kubectl
from glue.deploy.kubernetes.rendering import Name
from glue.deploy.project import Project
from glue.errors import InputError

BUCKET = "staging-terraform-state-111111111111"

# What kubectl does: it notes its arguments, its input and what its kubeconfig holds, and answers
# as a file says. `kustomize` prints the manifests of a file.
FAKE = """#!{python}
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
arguments = sys.argv[1:]
if arguments[0] == "kustomize":
    sys.stdout.write((folder / "manifests.yaml").read_text())
    sys.exit(0)
config = pathlib.Path(os.environ["KUBECONFIG"])
call = {{
    "arguments": arguments,
    "input": "" if "--filename=-" not in arguments else sys.stdin.read(),
    "config": json.loads(config.read_text()),
    "mode": config.stat().st_mode & 0o777,
}}
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
answers = json.loads((folder / "answers.json").read_text())
code, out, err = answers.get(arguments[0], [0, "", ""])
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""

NAMESPACE = """apiVersion: v1
kind: Namespace
metadata: {name: platform}
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: autoscaler, namespace: platform}
spec:
  selector: {matchLabels: {app: autoscaler}}
  template:
    metadata: {labels: {app: autoscaler}}
    spec: {containers: [{name: autoscaler, image: "example:1.0.0"}]}
"""
SETTINGS = """apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: platform}
"""

OUTPUTS: dict[str, Any] = {
    "cluster": {
        "name": "staging",
        "arn": "arn:aws:eks:eu-central-1:111111111111:cluster/staging",
        "endpoint": "https://example.eks.amazonaws.com",
        "certificate_authority": "ZXhhbXBsZQ==",
        "version": "1.36",
        "log_group_names": {"jobs": "/aws/eks/staging/jobs"},
    }
}


class FakeKubectl:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "bin" / "kubectl"
        self.program.parent.mkdir(parents=True)
        self.program.write_text(FAKE.format(python=sys.executable, folder=str(folder)))
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self.has(NAMESPACE, DEPLOYMENT, SETTINGS)
        self.answers()

    def has(self, *manifests: str) -> None:
        (self.folder / "manifests.yaml").write_text("---\n".join(manifests))

    def answers(self, **answers: tuple[int, str, str]) -> None:
        (self.folder / "answers.json").write_text(json.dumps(answers))

    @property
    def calls(self) -> list[dict[str, Any]]:
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def said(self) -> list[str]:
        return [" ".join(call["arguments"]) for call in self.calls]


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKubectl:
    made = FakeKubectl(tmp_path / "kubectl")
    monkeypatch.setenv("PATH", str(made.program.parent))
    return made


@pytest.fixture
def staging(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """Staging with an overlay, in an account of its own."""
    folder = project.repository / "kubernetes" / "overlays" / "staging"
    folder.mkdir(parents=True)
    (project.repository / "kubernetes" / "base").mkdir()
    (folder / "kustomization.yaml").write_text("resources: []\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    with mock_aws():
        storage: Any = boto3.client("s3", region_name="eu-central-1")
        where = {"LocationConstraint": "eu-central-1"}
        storage.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        yield Environment.load("staging", project)


class TestApply:
    def test_applies_waits_and_remembers(self, staging: Environment, kubectl: FakeKubectl) -> None:
        kubectl.answers(apply=(0, "namespace/platform serverside-applied\n", ""))
        lines: list[str] = []

        done = workloads.apply(staging, OUTPUTS, lines.append)

        assert kubectl.said() == [
            "apply --server-side --field-manager=glue --filename=-",
            "rollout status deployment.apps/autoscaler --namespace=platform --timeout=300s",
        ]
        assert "kind: Deployment" in kubectl.calls[0]["input"]
        assert [str(name) for name in done.objects] == [
            "Namespace platform",
            "Deployment platform/autoscaler",
            "ConfigMap platform/settings",
        ]
        assert lines == [
            "namespace/platform serverside-applied",
            "Deployment platform/autoscaler runs",
        ]
        record = workloads.recorded(staging)
        assert record is not None
        assert record.digest
        assert record.objects == done.objects
        assert workloads.reminder(staging, OUTPUTS) is None

    def test_what_is_gone_is_deleted_after_the_rest_runs(
        self, staging: Environment, kubectl: FakeKubectl
    ) -> None:
        workloads.apply(staging, OUTPUTS)
        kubectl.has(DEPLOYMENT)

        assert [str(n) for n in workloads.diff(staging, OUTPUTS).deleted] == [
            "ConfigMap platform/settings"
        ]
        done = workloads.apply(staging, OUTPUTS)

        assert kubectl.said()[-1] == (
            "delete configmap --field-selector=metadata.name=settings "
            "--selector=app.kubernetes.io/managed-by=glue --ignore-not-found --namespace=platform"
        )
        assert [str(name) for name in done.deleted] == ["ConfigMap platform/settings"]
        assert [str(name) for name in done.left] == ["Namespace platform"], "others may live there"
        assert workloads.apply(staging, OUTPUTS).deleted == ()

    def test_one_that_failed_is_not_forgotten(
        self, staging: Environment, kubectl: FakeKubectl
    ) -> None:
        workloads.apply(staging, OUTPUTS)
        kubectl.has(NAMESPACE, DEPLOYMENT)
        kubectl.answers(rollout=(1, "", "error: timed out waiting for the condition\n"))

        with pytest.raises(InputError, match="kubectl rollout: error: timed out"):
            workloads.apply(staging, OUTPUTS)

        assert not any(said.startswith("delete") for said in kubectl.said())
        sentence = workloads.reminder(staging, OUTPUTS) or ""
        assert sentence.startswith("the last apply of kubernetes/ did not finish: run `glue")
        kubectl.answers()
        assert [str(n) for n in workloads.apply(staging, OUTPUTS).deleted] == [
            "ConfigMap platform/settings"
        ]

    def test_fields_of_others_are_taken_over_only_when_asked(
        self, staging: Environment, kubectl: FakeKubectl
    ) -> None:
        said = 'error: Apply failed with 1 conflict: conflict with "kubectl-edit"'
        kubectl.answers(apply=(1, "", said))
        with pytest.raises(InputError, match="1 conflict") as caught:
            workloads.apply(staging, OUTPUTS)
        assert "--force" in caught.value.remedy
        kubectl.answers()
        workloads.apply(staging, OUTPUTS, force=True)
        assert (
            "apply --server-side --field-manager=glue --force-conflicts --filename=-"
            in kubectl.said()
        )

    def test_a_manifest_that_fits_no_schema_is_never_sent(
        self, staging: Environment, kubectl: FakeKubectl
    ) -> None:
        kubectl.has(DEPLOYMENT.replace("containers:", "boxes:"))
        with pytest.raises(InputError, match=r"Deployment platform/autoscaler: .*containers"):
            workloads.apply(staging, OUTPUTS)
        assert kubectl.calls == []
        assert workloads.recorded(staging) is None


class TestDiff:
    def test_nothing_differs(self, staging: Environment, kubectl: FakeKubectl) -> None:
        assert workloads.diff(staging, OUTPUTS).is_empty
        assert kubectl.said() == ["diff --server-side --field-manager=glue --filename=-"]

    def test_something_differs(self, staging: Environment, kubectl: FakeKubectl) -> None:
        kubectl.answers(diff=(1, "-  replicas: 1\n+  replicas: 2\n", ""))
        found = workloads.diff(staging, OUTPUTS)
        assert not found.is_empty
        assert found.text == "-  replicas: 1\n+  replicas: 2\n"

    def test_before_the_first_apply(self, staging: Environment, kubectl: FakeKubectl) -> None:
        kubectl.answers(
            diff=(2, "", 'Error from server (NotFound): namespaces "platform" not found')
        )
        found = workloads.diff(staging, OUTPUTS)
        assert found.text.splitlines() == [
            "+ Namespace platform",
            "+ Deployment platform/autoscaler",
            "+ ConfigMap platform/settings",
        ]

    @pytest.mark.parametrize(
        ("said", "remedy"),
        [
            ("error: You must be logged in to the server (Unauthorized)", "name your role"),
            ("dial tcp 1.2.3.4:443: i/o timeout", "public_access_ranges"),
            ("dial tcp: lookup example: no such host", "the cluster is gone"),
            ('deployments.apps is forbidden: User "x" cannot patch', "your role may not do this"),
            ("something else", "read what kubectl said"),
        ],
    )
    def test_an_error_says_what_to_do(
        self, staging: Environment, kubectl: FakeKubectl, said: str, remedy: str
    ) -> None:
        kubectl.answers(diff=(2, "", said))
        with pytest.raises(InputError) as caught:
            workloads.diff(staging, OUTPUTS)
        assert caught.value.message == said
        assert remedy in caught.value.remedy


class TestReminder:
    def test_before_the_first_apply(self, staging: Environment) -> None:
        assert workloads.reminder(staging, OUTPUTS) == (
            "kubernetes/ was never applied: run `glue kubernetes apply --env staging`"
        )

    def test_after_a_change(self, staging: Environment, kubectl: FakeKubectl) -> None:
        workloads.apply(staging, OUTPUTS)
        (staging.project.repository / "kubernetes" / "base" / "new.yaml").write_text("a: b\n")
        assert workloads.reminder(staging, OUTPUTS) == (
            "kubernetes/ changed since it was last applied: "
            "run `glue kubernetes apply --env staging`"
        )

    def test_after_terraform_changed_a_fact(
        self, staging: Environment, kubectl: FakeKubectl
    ) -> None:
        workloads.apply(staging, OUTPUTS)
        upgraded = {"cluster": OUTPUTS["cluster"] | {"version": "1.37"}}
        assert "changed since" in (workloads.reminder(staging, upgraded) or "")

    def test_without_a_cluster(self, staging: Environment) -> None:
        assert workloads.reminder(staging, {"cluster": None}) is None

    def test_where_nothing_could_run(
        self, staging: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        environment = Environment.load("staging", staging.project)
        assert workloads.reminder(environment, OUTPUTS) is None

    def test_a_damaged_record_counts_as_none(self, staging: Environment) -> None:
        key = workloads.record_key(staging)
        staging.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{")
        assert workloads.recorded(staging) is None

    def test_a_record_that_may_not_be_read(
        self, staging: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Closed:
            def get_object(self, **_: str) -> None:
                raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

        with pytest.raises(InputError, match="state bucket: what was applied") as caught:
            workloads.recorded(staging, Closed())
        assert BUCKET in caught.value.remedy


class TestAccess:
    def test_a_token_for_this_cluster_and_a_minute(
        self, staging: Environment, kubectl: FakeKubectl
    ) -> None:
        workloads.diff(staging, OUTPUTS)
        (call,) = kubectl.calls
        assert call["mode"] == 0o600
        (cluster,) = call["config"]["clusters"]
        assert cluster["cluster"] == {
            "server": "https://example.eks.amazonaws.com",
            "certificate-authority-data": "ZXhhbXBsZQ==",
        }
        bearer = call["config"]["users"][0]["user"]["token"].removeprefix("k8s-aws-v1.")
        url = urlsplit(base64.urlsafe_b64decode(bearer + "=" * (-len(bearer) % 4)).decode())
        query = parse_qs(url.query)
        assert url.hostname == "sts.eu-central-1.amazonaws.com"
        assert query["Action"] == ["GetCallerIdentity"]
        assert query["X-Amz-Expires"] == ["60"]
        assert "x-k8s-aws-id" in query["X-Amz-SignedHeaders"][0].split(";")

    def test_the_kubeconfig_is_gone_afterwards(
        self, staging: Environment, kubectl: FakeKubectl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Path | None] = []
        original = access.run

        def run(arguments: Any, text: Any = None, config: Path | None = None) -> Any:
            seen.append(config)
            return original(arguments, text, config)

        monkeypatch.setattr(access, "run", run)
        workloads.diff(staging, OUTPUTS)
        assert seen
        assert not any(path.exists() for path in seen if path is not None)

    def test_without_kubectl(
        self, staging: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(
            InputError, match=r"kubectl: is not installed, or not on PATH; install it"
        ):
            workloads.apply(staging, OUTPUTS)

    def test_without_credentials(
        self, staging: Environment, kubectl: FakeKubectl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(InputError, match="credentials"):
            Kubectl.on(staging, Cluster.of(OUTPUTS, "staging"))

    def test_in_the_local_cloud(
        self, staging: Environment, kubectl: FakeKubectl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        environment = Environment.load("staging", staging.project)
        with pytest.raises(InputError, match="without a Kubernetes API"):
            workloads.apply(environment, OUTPUTS)
        assert kubectl.calls == []

    def test_without_a_cluster(self, staging: Environment) -> None:
        with pytest.raises(InputError, match=r"cluster: staging has none; write `cluster` in"):
            workloads.apply(staging, {})


def test_names() -> None:
    name = Name.of({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}})
    assert (name.resource, str(name)) == ("deployment.apps", "Deployment a")
    name = Name.of(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}}
    )
    assert (name.resource, str(name)) == ("secret", "Secret b/a")

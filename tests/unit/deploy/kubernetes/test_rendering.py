"""What kubernetes/ comes to: every overlay renders, fits the schemas, and keeps to the rules."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from glue.deploy.kubernetes.access import Cluster
from glue.deploy.kubernetes.rendering import Name, Rendered, digest, facts, render, validate
from glue.deploy.project import Project
from glue.errors import InputError, NotFound

REPOSITORY = Path(__file__).resolve().parents[4]
OVERLAYS = sorted(path.name for path in (REPOSITORY / "kubernetes" / "overlays").iterdir())
NODE_GROUPS = (REPOSITORY / "modules" / "node_groups" / "main.tf").read_text(encoding="utf-8")
WORKLOADS = (REPOSITORY / "modules" / "cluster" / "workloads.tf").read_text(encoding="utf-8")
REGION = "eu-central-1"

# A laptop may lack it. Where CI is set its absence is a failure: nothing is left out unnoticed.
needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None and not os.environ.get("CI"), reason="kubectl is missing"
)


def cluster_of(name: str, version: str = "1.36") -> Cluster:
    keys = ("control-plane", "jobs", "platform")
    return Cluster(
        name=name,
        endpoint="https://example.eks.amazonaws.com",
        certificate_authority="ZXhhbXBsZQ==",
        version=version,
        log_group_names={key: f"/aws/eks/{name}/{key}" for key in keys},
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    build = tmp_path_factory.mktemp("build")
    return Project(REPOSITORY, build, build / "local")


@pytest.fixture(scope="module", params=OVERLAYS)
def rendered(request: pytest.FixtureRequest, project: Project) -> Rendered:
    return render(project, request.param, cluster_of(f"{request.param}-cluster"), REGION)


def pods(rendered: Rendered) -> list[tuple[Name, dict[str, Any]]]:
    """Return the pod specifications of everything that starts pods."""
    return [
        (Name.of(document), document["spec"]["template"]["spec"])
        for document in rendered.documents
        if "template" in document.get("spec", {})
    ]


def of(rendered: Rendered, kind: str, name: str) -> dict[str, Any]:
    """Return the one object of a kind and name, whatever hash is at its end."""
    found = [
        document
        for document in rendered.documents
        if document["kind"] == kind
        and re.fullmatch(f"{name}(-[a-z0-9]{{10}})?", Name.of(document).name)
    ]
    assert found, f"no {kind} {name}"
    return found[0]


def test_both_environments_have_an_overlay() -> None:
    assert OVERLAYS == ["prod", "staging"]


@needs_kubectl
class TestOverlays:
    def test_the_schemas_of_the_version_are_kept(self, rendered: Rendered) -> None:
        # Rendering has validated already; here that there was something to validate.
        kinds = {name.kind for name in rendered.names}
        assert kinds >= {"Deployment", "DaemonSet", "NetworkPolicy", "ResourceQuota", "Namespace"}
        assert len(set(rendered.names)) == len(rendered.names)

    def test_everything_is_ours_and_in_a_namespace_that_is_made(self, rendered: Rendered) -> None:
        namespaces = {name.name for name in rendered.names if name.kind == "Namespace"}
        for document, name in zip(rendered.documents, rendered.names, strict=True):
            assert document["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "glue", name
            assert name.namespace in namespaces | {""}, name
        assert rendered.names[: len(namespaces)] == [
            name for name in rendered.names if name.kind == "Namespace"
        ], "namespaces come first"

    def test_images_have_exact_versions(self, rendered: Rendered) -> None:
        for name, pod in pods(rendered):
            for container in pod["containers"]:
                _, _, tag = container["image"].rpartition(":")
                assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), f"{name}: {container['image']}"

    def test_the_autoscaler_fits_the_cluster(self, rendered: Rendered) -> None:
        image = of(rendered, "Deployment", "cluster-autoscaler")["spec"]["template"]["spec"]
        assert image["containers"][0]["image"].rpartition(":")[2].startswith("v1.36.")

    def test_requests_and_limits_are_set(self, rendered: Rendered) -> None:
        for name, pod in pods(rendered):
            for container in pod["containers"]:
                resources = container["resources"]
                assert set(resources["requests"]) == {"cpu", "memory"}, name
                assert "memory" in resources["limits"], name

    def test_only_the_device_plugin_is_privileged(self, rendered: Rendered) -> None:
        privileged = set()
        for name, pod in pods(rendered):
            assert not pod.get("hostNetwork")
            assert not pod.get("hostPID")
            for container in pod["containers"]:
                context = container["securityContext"]
                if context.get("privileged"):
                    privileged.add(name.name)
                    continue
                assert context["allowPrivilegeEscalation"] is False, name
                assert context["capabilities"] == {"drop": ["ALL"]}, name
                assert context["readOnlyRootFilesystem"] is True, name
        assert privileged == {"nvidia-device-plugin"}

    def test_only_daemons_reach_into_their_node(self, rendered: Rendered) -> None:
        for name, pod in pods(rendered):
            mounts = [volume for volume in pod.get("volumes", []) if "hostPath" in volume]
            assert not mounts or name.namespace == "platform-nodes", name

    def test_pod_security(self, rendered: Rendered) -> None:
        enforced = {
            name.name: document["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
            for document, name in zip(rendered.documents, rendered.names, strict=True)
            if name.kind == "Namespace"
        }
        assert enforced == {
            "jobs": "baseline",
            "platform": "restricted",
            "platform-nodes": "privileged",
        }

    def test_facts_come_from_terraform(self, rendered: Rendered) -> None:
        found = [
            d
            for d in rendered.documents
            if Name.of(d).name.startswith("cluster-")
            and d["kind"] == "ConfigMap"
            and "region" in d["data"]
        ]
        assert {d["metadata"]["namespace"] for d in found} == {"platform", "platform-nodes"}
        name = found[0]["data"]["name"]
        assert found[0]["data"] == facts(cluster_of(name), REGION)
        made = {
            (d["metadata"]["namespace"], d["metadata"]["name"])
            for d in rendered.documents
            if d["kind"] == "ConfigMap"
        }
        for owner, pod in pods(rendered):
            for container in pod["containers"]:
                for variable in container["env"]:
                    if "valueFrom" in variable:
                        source = variable["valueFrom"]["configMapKeyRef"]
                        assert (owner.namespace, source["name"]) in made
                        assert source["key"] in found[0]["data"]

    def test_strangers_have_no_identity_and_no_network(self, rendered: Rendered) -> None:
        assert of(rendered, "ServiceAccount", "default")["automountServiceAccountToken"] is False
        policies = [
            d
            for d in rendered.documents
            if d["kind"] == "NetworkPolicy" and d["metadata"]["namespace"] == "jobs"
        ]
        nothing = next(d for d in policies if d["metadata"]["name"] == "nothing")
        assert nothing["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        for policy in policies:
            assert "ingress" not in policy["spec"]
            for rule in policy["spec"].get("egress", []):
                for to in rule["to"]:
                    if "ipBlock" in to:
                        assert policy["spec"]["podSelector"]["matchLabels"] == {
                            "network": "public-https"
                        }
                        assert set(to["ipBlock"]["except"]) >= {
                            "10.0.0.0/8",
                            "169.254.0.0/16",
                            "172.16.0.0/12",
                            "192.168.0.0/16",
                        }
                        assert rule["ports"] == [{"protocol": "TCP", "port": 443}]
                    else:
                        assert to["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
                        assert {port["port"] for port in rule["ports"]} == {53}

    def test_jobs_do_not_drive_each_other_out(self, rendered: Rendered) -> None:
        classes = [d for d in rendered.documents if d["kind"] == "PriorityClass"]
        assert [d["preemptionPolicy"] for d in classes] == ["Never", "Never"]

    def test_each_container_has_a_stream_in_a_named_group(self, rendered: Rendered) -> None:
        text = of(rendered, "ConfigMap", "fluent-bit")["data"]["fluent-bit.conf"]
        outputs = re.findall(r"\[OUTPUT\]\n((?:    .+\n?)+)", text)
        assert len(outputs) == 3
        for output in outputs:
            assert re.search(r"auto_create_group +false", output)
            assert re.search(r"log_stream_template .*pod_name.*container_name", output)
        assert {"${JOBS_LOG_GROUP}", "${PLATFORM_LOG_GROUP}"} == set(
            re.findall(r"log_group_name +(\S+)", text)
        )


@needs_kubectl
class TestAgreementWithTerraform:
    """What the module tells EKS and the autoscaler is what pods ask for."""

    def test_labels(self, rendered: Rendered) -> None:
        label = re.search(r'_gpu_labels = \{\s+purpose = "(\w+)"', NODE_GROUPS)
        assert label
        plugin = of(rendered, "DaemonSet", "nvidia-device-plugin")["spec"]["template"]["spec"]
        assert plugin["nodeSelector"] == {"purpose": label[1]}
        nodes = (REPOSITORY / "modules" / "cluster" / "nodes.tf").read_text(encoding="utf-8")
        autoscaler = of(rendered, "Deployment", "cluster-autoscaler")["spec"]["template"]["spec"]
        assert f'purpose = "{autoscaler["nodeSelector"]["purpose"]}"' in nodes

    def test_taints_keep_no_daemon_off(self, rendered: Rendered) -> None:
        assert re.search(
            r'_gpu_taints = \{ "nvidia\.com/gpu" = .*effect = "NoSchedule"', NODE_GROUPS
        )
        for name in ("nvidia-device-plugin", "fluent-bit"):
            pod = of(rendered, "DaemonSet", name)["spec"]["template"]["spec"]
            assert pod["tolerations"] == [{"operator": "Exists"}]

    def test_groups_are_found_by_the_tags_that_the_module_sets(self, rendered: Rendered) -> None:
        pod = of(rendered, "Deployment", "cluster-autoscaler")["spec"]["template"]["spec"]
        wanted = (
            "asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/$(CLUSTER_NAME)"
        )
        assert f"--node-group-auto-discovery={wanted}" in pod["containers"][0]["args"]
        tags = (REPOSITORY / "modules" / "node_groups" / "autoscaling.tf").read_text("utf-8")
        assert '_autoscaler = "k8s.io/cluster-autoscaler"' in tags
        assert 'name  = "${local._autoscaler}/${what == "owned" ? var.cluster.name : what}"' in tags
        for what in ("enabled", "owned", "node-template/resources/nvidia.com/gpu"):
            assert f'"{what}" =' in tags

    def test_service_accounts_are_those_with_roles(self, rendered: Rendered) -> None:
        pairs = re.findall(r'namespace += "([\w-]+)"\s+service_account = "([\w-]+)"', WORKLOADS)
        assert len(pairs) == 2
        accounts = {(n.namespace, n.name) for n in rendered.names if n.kind == "ServiceAccount"}
        used = {(name.namespace, pod["serviceAccountName"]) for name, pod in pods(rendered)}
        assert set(pairs) <= accounts & used

    def test_log_groups_are_those_of_the_module(self) -> None:
        text = (REPOSITORY / "modules" / "cluster" / "logs.tf").read_text(encoding="utf-8")
        keys = re.findall(r'^    ([\w-]+) += "/aws/eks', text, re.MULTILINE)
        assert keys == ["control-plane", "jobs", "platform"]


@needs_kubectl
def test_prod_is_larger_than_staging(project: Project) -> None:
    quotas = {}
    for name in ("staging", "prod"):
        found = of(render(project, name, cluster_of(name), REGION), "ResourceQuota", "jobs")
        quotas[name] = found["spec"]["hard"]
    assert int(quotas["prod"]["pods"]) > int(quotas["staging"]["pods"])
    assert quotas["prod"]["persistentvolumeclaims"] == quotas["staging"]["persistentvolumeclaims"]


@needs_kubectl
def test_a_fact_that_changes_starts_pods_again(project: Project) -> None:
    names = set()
    for region in ("eu-central-1", "eu-west-1"):
        found = render(project, "staging", cluster_of("staging"), region)
        pod = of(found, "Deployment", "cluster-autoscaler")["spec"]["template"]["spec"]
        names.add(pod["containers"][0]["env"][0]["valueFrom"]["configMapKeyRef"]["name"])
    assert len(names) == 2


def test_an_environment_without_overlay(project: Project) -> None:
    with pytest.raises(NotFound, match=r"none called 'local'; use one of prod, staging, or write"):
        render(project, "local", cluster_of("local"), REGION)


def test_the_hash_follows_files_and_facts(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "kubernetes", tmp_path / "kubernetes")
    project = Project(tmp_path, tmp_path / "build", tmp_path / "local")

    def now(name: str = "staging", version: str = "1.36") -> str:
        return digest(project, "staging", cluster_of(name, version), REGION)

    first = now()
    assert now() == first
    (tmp_path / "kubernetes" / "README.md").write_text("another")
    (tmp_path / "kubernetes" / "overlays" / "prod" / "jobs.yaml").write_text("a: b")
    assert now() == first, "neither is of this environment"
    assert now(name="other") != first
    assert now(version="1.37") != first
    path = tmp_path / "kubernetes" / "base" / "fluent-bit" / "fluent-bit.conf"
    path.write_text(path.read_text() + "# a remark\n")
    assert now() != first


@needs_kubectl
def test_a_broken_overlay_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "kubernetes" / "overlays" / "staging"
    folder.mkdir(parents=True)
    (folder / "kustomization.yaml").write_text("resources: [missing.yaml]\n")
    project = Project(tmp_path, tmp_path / "build", tmp_path / "local")
    with pytest.raises(InputError, match=r"missing\.yaml"):
        render(project, "staging", cluster_of("staging"), REGION)


def test_validation_names_what_is_wrong() -> None:
    text = """
apiVersion: v1
kind: ServiceAccount
metadata: { name: one, namespace: platform }
automountServiceAccountTokens: false
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: two }
spec: { replicas: many, selector: {}, template: {} }
---
apiVersion: example.com/v1
kind: Thing
metadata: { name: three }
"""
    with pytest.raises(InputError) as caught:
        validate(list(yaml.safe_load_all(text)), "1.36")
    one, two, three = caught.value.message.splitlines()
    assert one.startswith("ServiceAccount platform/one: the object: ")
    assert "automountServiceAccountTokens" in one
    assert two.startswith("Deployment two: spec.replicas: 'many' is not of type")
    assert three == "Thing three: Kubernetes 1.36 knows no example.com/v1 Thing"


def test_a_version_without_schemas() -> None:
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "jobs"}}
    validate([document], "1.36")
    with pytest.raises(InputError, match=r"no schemas for 1\.99 here"):
        validate([document], "1.99")

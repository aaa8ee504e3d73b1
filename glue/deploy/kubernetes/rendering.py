"""What a cluster is to run: an environment's overlay, with what only Terraform knows."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.deploy.kubernetes.access import failed, run
from glue.deploy.project import hash_files, write_json
from glue.errors import InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from glue.deploy.kubernetes.access import Cluster
    from glue.deploy.project import Project

# Where the ConfigMap `cluster` is read: each namespace has a copy of its own.
FACT_NAMESPACES = ("platform", "platform-nodes")
SUFFIXES = (".conf", ".yaml")


class Name(NamedTuple):
    """An object by what Kubernetes knows it by; `namespace` is empty for the cluster's own."""

    api: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Name:
        """Return the name of an object."""
        about = document["metadata"]
        group, _, _ = document["apiVersion"].rpartition("/")
        return cls(group, document["kind"], about.get("namespace", ""), about["name"])

    @property
    def resource(self) -> str:
        """The kind as kubectl takes it, such as deployment.apps."""
        kind = self.kind.lower()
        return f"{kind}.{self.api}" if self.api else kind

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"


@dataclass(frozen=True)
class Rendered:
    """The objects of an environment as text, one by one, and a hash over what they came from."""

    text: str
    documents: tuple[dict[str, Any], ...]
    digest: str

    @property
    def names(self) -> list[Name]:
        """The objects' names, in the order they are applied."""
        return [Name.of(document) for document in self.documents]


def facts(cluster: Cluster, region: str) -> dict[str, str]:
    """Return what the workloads have to know of Terraform's outputs, by keys of a ConfigMap."""
    groups = {f"{key}-log-group": name for key, name in cluster.log_group_names.items()}
    return {"name": cluster.name, "region": region} | groups


def digest(project: Project, environment: str, cluster: Cluster, region: str) -> str:
    """Return one hash over all that decides what an environment's cluster runs.

    kubectl is not needed for it. Raises NotFound when the environment has no overlay.
    """
    folders = [project.repository / "kubernetes" / "base", overlay(project, environment)]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES]
    known = json.dumps(facts(cluster, region) | {"version": cluster.version}, sort_keys=True)
    both = hash_files(project.repository, files) + known
    return hashlib.sha256(both.encode()).hexdigest()


def overlay(project: Project, environment: str) -> Path:
    """Return the folder of an environment's overlay. Raises NotFound if there is none."""
    folder = project.repository / "kubernetes" / "overlays" / environment
    if not (folder / "kustomization.yaml").is_file():
        known = sorted(path.parent.name for path in folder.parent.glob("*/kustomization.yaml"))
        raise NotFound(
            "environment",
            f"kubernetes/overlays has none called {environment!r}",
            f"use one of {', '.join(known)}, or write kubernetes/overlays/{environment}",
        )
    return folder


def render(project: Project, environment: str, cluster: Cluster, region: str) -> Rendered:
    """Return what an environment's cluster is to run, validated.

    Raises InputError when kubectl is missing, kustomize refuses, or an object does not fit
    the schema of the cluster's Kubernetes version.
    """
    import yaml

    source = overlay(project, environment)
    folder = project.build / "kubernetes" / environment
    literals = [f"{key}={value}" for key, value in facts(cluster, region).items()]
    # Written as JSON, which is YAML too. The names get a hash of the content at their end, so
    # that pods start again when a fact changes.
    write_json(
        folder / "kustomization.yaml",
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(source.resolve(), folder.resolve())],
            "configMapGenerator": [
                {"name": "cluster", "namespace": namespace, "literals": literals}
                for namespace in FACT_NAMESPACES
            ],
            "generatorOptions": {"labels": {"app.kubernetes.io/managed-by": "glue"}},
            "sortOptions": {"order": "legacy"},
        },
    )
    printed = run(["kustomize", str(folder)])
    if printed.code != 0:
        raise failed("kustomize", printed, "mend kubernetes/ where it says")
    documents = tuple(found for found in yaml.safe_load_all(printed.out) if found)
    validate(documents, cluster.version)
    return Rendered(printed.out, documents, digest(project, environment, cluster, region))


def validate(documents: Iterable[dict[str, Any]], version: str) -> None:
    """Check objects against the schemas of a Kubernetes version, unknown fields included.

    Raises InputError naming each object that does not fit, and where.
    """
    from kubernetes_validate import utils as schemas

    wrong = []
    for document in documents:
        try:
            schemas.validate(document, version, strict=True)
        except schemas.ValidationError as error:
            where = ".".join(str(part) for part in error.path) or "the object"
            wrong.append(f"{Name.of(document)}: {where}: {error.message}")
        except schemas.SchemaNotFoundError:
            said = f"Kubernetes {version} knows no {document['apiVersion']} {document['kind']}"
            wrong.append(f"{Name.of(document)}: {said}")
        except schemas.VersionNotSupportedError as error:
            raise InputError(
                "kubernetes version",
                f"there are no schemas for {version} here",
                "install a newer kubernetes-validate",
            ) from error
    if wrong:
        raise InputError("kubernetes/", "\n".join(wrong), "mend the manifests", "schema")

"""What is let into the cluster: Jobs by their schema, pods by the rules of their namespace."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kubernetes_validate import utils as schemas

from glue.local.kubernetes import security
from glue.local.kubernetes.problems import Problem, forbidden, invalid, unsupported
from glue.local.kubernetes.rules import amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from glue.local.kubernetes.rules import Namespace, Rules

Object = dict[str, Any]

VERSION = "1.36"
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
LONGEST_JOB = 63
OVER_QUOTA = "OverQuota"


def check_job(job: Object, rules: Rules) -> None:
    """Check a Job as the API server does. Raises Problem."""
    name = str((job.get("metadata") or {}).get("name") or "")
    try:
        schemas.validate(job, VERSION, strict=True)
    except schemas.ValidationError as error:
        where = ".".join(str(part) for part in error.path) or "the object"
        raise invalid("Job.batch", name, f"{where}: {error.message}") from error
    if not DNS_LABEL.fullmatch(name) or len(name) > LONGEST_JOB:
        raise invalid("Job.batch", name, "metadata.name: must be no more than 63 characters, DNS")
    spec, template = job["spec"], job["spec"]["template"]
    pod = template["spec"]
    for labels in (job["metadata"].get("labels"), template.get("metadata", {}).get("labels")):
        for label, value in (labels or {}).items():
            if not LABEL_VALUE.fullmatch(value):
                raise invalid("Job.batch", name, f"metadata.labels: {label}: {value!r}")
    if pod.get("restartPolicy") not in ("Never", "OnFailure"):
        raise invalid("Job.batch", name, 'spec.template.spec.restartPolicy: "Never", "OnFailure"')
    if spec.get("podFailurePolicy") and pod["restartPolicy"] != "Never":
        raise invalid("Job.batch", name, "spec.podFailurePolicy: only with restartPolicy Never")
    if spec.get("podFailurePolicy") and spec.get("podReplacementPolicy", "Failed") != "Failed":
        raise invalid("Job.batch", name, "spec.podReplacementPolicy: only Failed")
    _check_names(name, pod)
    if (priority := pod.get("priorityClassName")) and priority not in rules.priorities:
        raise forbidden(f"no PriorityClass with name {priority} was found")
    _check_supported(spec, pod)


def _check_names(name: str, pod: Object) -> None:
    volumes = {volume["name"] for volume in pod.get("volumes") or ()}
    names = [container["name"] for container in security.containers(pod)]
    if len(set(names)) != len(names):
        raise invalid("Job.batch", name, "spec.template.spec.containers: duplicate name")
    for container in security.containers(pod):
        for mount in container.get("volumeMounts") or ():
            if mount["name"] not in volumes:
                raise invalid("Job.batch", name, f'volumeMounts: "{mount["name"]}" not found')
        for kind in ("requests", "limits"):
            for what, asked in ((container.get("resources") or {}).get(kind) or {}).items():
                try:
                    amount(asked)
                except ValueError as error:
                    raise invalid("Job.batch", name, f"resources.{kind}.{what}: {error}") from error


def _check_supported(spec: Object, pod: Object) -> None:
    if spec.get("completions", 1) != 1 or spec.get("parallelism", 1) != 1:
        raise unsupported("a Job has one pod here; write completions: 1 and parallelism: 1")
    if spec.get("suspend"):
        raise unsupported("Jobs cannot be suspended here")
    if pod["restartPolicy"] != "Never":
        raise unsupported("write restartPolicy: Never")
    for volume in pod.get("volumes") or ():
        if not {"emptyDir", "secret"} & volume.keys():
            raise unsupported(f"volume {volume['name']}: write emptyDir or secret")
    for container in security.containers(pod):
        if container.get("envFrom") or any("valueFrom" in e for e in container.get("env") or ()):
            raise unsupported(f"container {container['name']}: only plain variables in env")
        _check_probes(container, is_sidecar=container.get("restartPolicy") == "Always")


def _check_probes(container: Object, *, is_sidecar: bool) -> None:
    start = f"container {container['name']}: "
    if {"livenessProbe", "readinessProbe"} & container.keys():
        raise unsupported(f"{start}no probe is asked but startupProbe")
    if (probe := container.get("startupProbe")) is None:
        return
    if not is_sidecar or "exec" not in probe:
        raise unsupported(f"{start}startupProbe: only of a sidecar, and only exec")


def admit_pod(pod: Object, namespace: Namespace, used: Mapping[str, Decimal]) -> None:
    """Complete a pod with the namespace's defaults and check it by its rules. Raises Problem.

    `used` is what the other pods of the namespace take together. The Problem's reason is
    `OverQuota` when the pod could be let in at another time.
    """
    name, spec = pod["metadata"]["name"], pod["spec"]
    start = f'pods "{name}" is forbidden: '
    wrong = security.violations(spec, namespace.level)
    if wrong:
        level = f'violates PodSecurity "{namespace.level}:latest": '
        raise forbidden(start + level + ", ".join(wrong))
    for container in security.containers(spec):
        resources = container.setdefault("resources", {})
        # A limit without a request is a request as well, before any default.
        resources["requests"] = {
            **namespace.default_requests,
            **(resources.get("limits") or {}),
            **(resources.get("requests") or {}),
        }
        resources["limits"] = {**namespace.defaults, **(resources.get("limits") or {})}
        for what, most in namespace.most.items():
            if amount(resources["limits"].get(what, 0)) > amount(most):
                raise forbidden(
                    f"{start}maximum {what} usage per Container is {most}, "
                    f"but limit is {resources['limits'][what]}"
                )
    check_quota(pod, namespace, used)


def check_quota(pod: Object, namespace: Namespace, used: Mapping[str, Decimal]) -> None:
    """Check that there is room for a pod. Raises Problem with the reason OverQuota."""
    asked = usage(pod)
    over = [
        what
        for what, most in namespace.quota.items()
        if asked.get(what) and used.get(what, Decimal(0)) + asked[what] > amount(most)
    ]
    if over:
        raise Problem(
            403,
            OVER_QUOTA,
            f'pods "{pod["metadata"]["name"]}" is forbidden: '
            f"exceeded quota: {pod['metadata']['namespace']}, "
            f"requested: {','.join(f'{what}={asked[what]:f}' for what in over)}, "
            f"used: {','.join(f'{what}={used.get(what, 0):f}' for what in over)}, "
            f"limited: {','.join(f'{what}={namespace.quota[what]}' for what in over)}",
        )


def check_count(
    kind: str,
    quotas: tuple[str, ...],
    made: Object,
    rules: Rules,
    held: Iterable[tuple[str, str]],
) -> None:
    """Check that one more object of a kind may be there. Raises Problem.

    `quotas` are the names that the kind has in quotas, `held` namespace and name of all others.
    """
    namespace, name = made["metadata"]["namespace"], made["metadata"]["name"]
    there = sum(space == namespace for space, _ in held)
    for quota in quotas:
        most = rules.namespaces[namespace].quota.get(quota)
        if most is not None and there + 1 > amount(most):
            raise forbidden(
                f'{kind} "{name}" is forbidden: exceeded quota: {namespace}, '
                f"requested: {quota}=1, used: {quota}={there}, limited: {quota}={most}"
            )


def usage(pod: Object) -> dict[str, Decimal]:
    """Return what a pod counts for in a quota.

    Sidecars run as long as the pod and add up with its main containers; of those that only come
    first, the largest counts.
    """
    total: dict[str, Decimal] = defaultdict(Decimal, {"pods": Decimal(1)})
    largest: dict[str, Decimal] = defaultdict(Decimal)
    for container in security.containers(pod["spec"]):
        requests = (container.get("resources") or {}).get("requests") or {}
        comes_first = container in (pod["spec"].get("initContainers") or ())
        for what, asked in requests.items():
            name = f"requests.{what}"
            if comes_first and container.get("restartPolicy") != "Always":
                largest[name] = max(largest[name], amount(asked))
            else:
                total[name] += amount(asked)
    return {what: max(total[what], largest[what]) for what in {*total, *largest}}

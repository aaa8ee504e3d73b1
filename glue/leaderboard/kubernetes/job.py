"""The manifest of a submission's Job, made of typed values.

It runs strangers' code. So no container has a token for the cluster, an identity in AWS, a way
to gain privileges, or more of the node than its limits; and nothing but the uploader holds
anything worth stealing, which is a form that opens one prefix.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from glue.leaderboard.kubernetes.values import (
    FORM,
    FORM_FILE,
    FORM_FOLDER,
    FORM_KEY,
    NAMESPACE,
    READY_FILE,
    TEMPORARY_FOLDER,
    UPLOADER,
    Container,
)

if TYPE_CHECKING:
    from glue.leaderboard.kubernetes.values import JobValues, Mount, Resources

GPU = "nvidia.com/gpu"
GPU_NODES = {"purpose": "gpu"}  # modules/node_groups gives this label to nodes with GPUs
# Files of a volume belong to this group, so that the uploader, whose user is in it, may read them.
SHARED_GROUP = 65532
GROUP_MAY_READ = 0o440
TEMPORARY_MIB = 64
# Nothing of a run begins before its uploader heeds the signal to end: a run of a second would be
# over and its results gone. An uploader that does not come within about a minute is started anew.
STARTUP_PROBE = {
    "exec": {"command": ["python3", "-m", "glue.uploader.readiness", "5"]},
    "periodSeconds": 1,
    "timeoutSeconds": 10,
    "failureThreshold": 10,
}

Manifest = dict[str, Any]


def render(values: JobValues) -> Manifest:
    """Return the Job's manifest."""
    labels = {
        "app.kubernetes.io/name": "submission",
        "app.kubernetes.io/managed-by": "glue",
        "leaderboard": values.leaderboard,
        "submission": str(values.submission),
        "attempt": str(values.attempt),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": values.name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "completions": 1,
            "parallelism": 1,
            # What a stranger's program got wrong it gets wrong again, at the price of a GPU.
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": _rules(values)},
            "activeDeadlineSeconds": (
                values.waiting_seconds + values.run_seconds + values.grace_seconds
            ),
            "ttlSecondsAfterFinished": values.kept_seconds,
            "template": {
                "metadata": {
                    "labels": {
                        **labels,
                        "log-group": values.log_group,
                        # Opens HTTPS to public addresses, for the uploader to reach S3.
                        "network": "public-https",
                    },
                    # The node is not taken away for being half empty.
                    "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
                },
                "spec": _pod(values),
            },
        },
    }


def _rules(values: JobValues) -> list[Manifest]:
    """Return what the end of a pod means: the first rule that fits decides."""
    return [
        {
            "action": "Ignore" if values.on_disruption == "restart" else "FailJob",
            "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
        },
        {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [0]}},
    ]


def _pod(values: JobValues) -> Manifest:
    spec: Manifest = {
        "restartPolicy": "Never",
        "serviceAccountName": "default",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
        "shareProcessNamespace": False,
        "priorityClassName": values.priority,
        "activeDeadlineSeconds": values.run_seconds,
        "terminationGracePeriodSeconds": values.grace_seconds,
        "securityContext": {
            "seccompProfile": {"type": "RuntimeDefault"},
            "fsGroup": SHARED_GROUP,
        },
        # When the run is over sidecars are asked to end one after another, the last first. So the
        # uploader has all the grace for its last pass: behind a stranger's program, which as
        # process 1 heeds no polite signal unless it was written to, two seconds would be left.
        "initContainers": [
            *map(_container, values.preparation),
            *(_sidecar(_container(container)) for container in values.sidecars),
            _sidecar(_uploader(values)),
        ],
        "containers": [_container(container) for container in values.main],
        "volumes": [
            *(
                {"name": volume.name, "emptyDir": {"sizeLimit": f"{volume.size_mib}Mi"}}
                for volume in values.volumes
            ),
            {"name": UPLOADER, "emptyDir": {"sizeLimit": f"{TEMPORARY_MIB}Mi"}},
            # The pod waits until there is one. What replaces it gets here within a minute or two.
            {
                "name": FORM,
                "secret": {
                    "secretName": values.uploader.form_secret,
                    "defaultMode": GROUP_MAY_READ,
                    "items": [{"key": FORM_KEY, "path": FORM_KEY}],
                },
            },
        ],
    }
    taints = [*([GPU] if values.needs_gpu else []), *values.tolerated_taints]
    labels = {**(GPU_NODES if values.needs_gpu else {}), **values.node_labels}
    if taints:
        spec["tolerations"] = [{"key": taint, "operator": "Exists"} for taint in taints]
    if labels:
        spec["nodeSelector"] = labels
    return spec


def _container(container: Container) -> Manifest:
    # Without capabilities root inside a container is little more than a name.
    security: Manifest = {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": container.has_read_only_root,
    }
    if container.user is not None:
        security |= {"runAsNonRoot": True, "runAsUser": container.user}
    found: Manifest = {
        "name": container.name,
        "image": container.image,
        "command": list(container.command),
        "args": list(container.arguments),
        "env": [{"name": name, "value": value} for name, value in container.variables.items()],
        "resources": _resources(container.resources),
        "securityContext": security,
        "terminationMessagePolicy": "File",
        "volumeMounts": [_mount(mount) for mount in container.mounts],
    }
    return {key: value for key, value in found.items() if value != []}


def _uploader(values: JobValues) -> Manifest:
    uploader = values.uploader
    rendered = _container(
        Container(
            name=UPLOADER,
            image=uploader.image,
            arguments=uploader.arguments,
            variables=uploader.variables,
            resources=uploader.resources,
            mounts=uploader.mounts,
            user=uploader.user,
            has_read_only_root=True,
        )
    )
    variables = rendered.setdefault("env", [])
    variables += [
        {"name": FORM_FILE, "value": f"{FORM_FOLDER}/{FORM_KEY}"},
        {"name": READY_FILE, "value": f"{TEMPORARY_FOLDER}/ready"},
    ]
    rendered["startupProbe"] = copy.deepcopy(STARTUP_PROBE)
    rendered["volumeMounts"] += [
        {"name": UPLOADER, "mountPath": TEMPORARY_FOLDER},
        {"name": FORM, "mountPath": FORM_FOLDER, "readOnly": True},
    ]
    return rendered


def _sidecar(container: Manifest) -> Manifest:
    return {**container, "restartPolicy": "Always"}


def _resources(resources: Resources) -> Manifest:
    amounts = {
        "cpu": f"{resources.cpu_millis}m",
        "memory": f"{resources.memory_mib}Mi",
        "ephemeral-storage": f"{resources.disk_gib}Gi",
    }
    if resources.gpus:
        amounts[GPU] = str(resources.gpus)
    return {"requests": amounts, "limits": dict(amounts)}


def _mount(mount: Mount) -> Manifest:
    return {"name": mount.volume, "mountPath": mount.path, "readOnly": mount.is_read_only}

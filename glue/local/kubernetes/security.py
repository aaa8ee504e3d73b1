"""Pod Security: what a level forbids, as the admission plugin of that name would say it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDABLE = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
     "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)  # fmt: skip
RESTRICTED_VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
     "projected", "secret"}
)  # fmt: skip
SECCOMP = ("RuntimeDefault", "Localhost")


def violations(spec: dict[str, Any], level: str) -> list[str]:
    """Return what of a pod's specification a level forbids: privileged, baseline, restricted."""
    if level == "privileged":
        return []
    found = list(_baseline(spec))
    if level == "restricted":
        found += _restricted(spec)
    return found


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all containers of a pod, those that come first included."""
    return [*(spec.get("initContainers") or ()), *spec["containers"]]


def _baseline(spec: dict[str, Any]) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"host namespaces ({name}=true)"
    for volume in spec.get("volumes") or ():
        if "hostPath" in volume:
            yield f'hostPath volumes (volume "{volume["name"]}")'
    pod = spec.get("securityContext") or {}
    if (pod.get("seccompProfile") or {}).get("type") == "Unconfined":
        yield "seccompProfile (pod must not set Unconfined)"
    for container in containers(spec):
        yield from _baseline_of(container, container.get("securityContext") or {})


def _baseline_of(container: dict[str, Any], own: dict[str, Any]) -> Iterator[str]:
    name = container["name"]
    if own.get("privileged"):
        yield f'privileged (container "{name}" must not set privileged=true)'
    added = set((own.get("capabilities") or {}).get("add") or ()) - ADDABLE
    if added:
        yield f'non-default capabilities (container "{name}" must not include {sorted(added)})'
    if any(port.get("hostPort") for port in container.get("ports") or ()):
        yield f'hostPort (container "{name}")'
    if own.get("procMount", "Default") != "Default":
        yield f'procMount (container "{name}")'
    if (own.get("seccompProfile") or {}).get("type") == "Unconfined":
        yield f'seccompProfile (container "{name}" must not set Unconfined)'


def _restricted(spec: dict[str, Any]) -> Iterator[str]:
    pod = spec.get("securityContext") or {}
    for volume in spec.get("volumes") or ():
        if not RESTRICTED_VOLUMES & volume.keys():
            yield f'restricted volume types (volume "{volume["name"]}")'
    for container in containers(spec):
        own, name = container.get("securityContext") or {}, container["name"]
        if own.get("allowPrivilegeEscalation") is not False:
            yield f'allowPrivilegeEscalation != false (container "{name}")'
        if "ALL" not in ((own.get("capabilities") or {}).get("drop") or ()):
            yield f'unrestricted capabilities (container "{name}" must drop ALL)'
        if not own.get("runAsNonRoot", pod.get("runAsNonRoot")):
            yield f'runAsNonRoot != true (container "{name}")'
        profile = own.get("seccompProfile") or pod.get("seccompProfile") or {}
        if profile.get("type") not in SECCOMP:
            yield f'seccompProfile (container "{name}" must set RuntimeDefault or Localhost)'

"""What a container's part of a pod's manifest means on the command line of podman or Docker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from glue.local.kubernetes.containers import CannotStart
from glue.local.kubernetes.rules import amount
from glue.local.kubernetes.volumes import share

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Object = dict[str, Any]

PROCESSES = 1024  # in one container: one that starts them without end harms nobody else
ROOT_USERS = ("", "0", "root")


class Unfit(Exception):  # noqa: N818 - reads as a finding
    """An image that must not run with this manifest."""


def security(pod: Object, container: Object, word: str) -> Any:
    """Return what a container's security context says, or else its pod's."""
    own = (container.get("securityContext") or {}).get(word)
    return own if own is not None else (pod["spec"].get("securityContext") or {}).get(word)


def options(pod: Object, container: Object, volumes: Path) -> list[str]:
    """Return all options of a container but name, network, labels and variables.

    The folders that are mounted are made. Raises CannotStart for what there is not here.
    """
    return [
        *_identity(pod, container), *_limits(container), *_mounts(pod, container, volumes),
        *(("--workdir", place) if (place := container.get("workingDir")) else ()),
        *(("--entrypoint", container["command"][0]) if container.get("command") else ()),
    ]  # fmt: skip


def arguments(container: Object) -> list[str]:
    """Return what stands behind the image's name: what an entry point leaves of the command."""
    return [*(container.get("command") or ())[1:], *(container.get("args") or ())]


def require_user(pod: Object, container: Object, of_image: str) -> None:
    """Raise Unfit for a container that must not run as root, and would or might."""
    if not security(pod, container, "runAsNonRoot"):
        return
    given = security(pod, container, "runAsUser")
    user = str(given) if given is not None else of_image.partition(":")[0]
    if user in ROOT_USERS:
        raise Unfit("container has runAsNonRoot and image will run as root")
    if not user.isdigit():
        raise Unfit(
            f"container has runAsNonRoot and image has non-numeric user ({user}), "
            "cannot verify user is non-root"
        )


def _identity(pod: Object, container: Object) -> Iterator[str]:
    own = container.get("securityContext") or {}
    if own.get("privileged"):
        raise CannotStart("the local cluster runs no privileged container")
    capabilities = own.get("capabilities") or {}
    for word, option in (("drop", "--cap-drop"), ("add", "--cap-add")):
        for name in capabilities.get(word) or ():
            yield from (option, str(name).lower() if name == "ALL" else str(name))
    if own.get("allowPrivilegeEscalation") is False:
        yield from ("--security-opt", "no-new-privileges")
    if own.get("readOnlyRootFilesystem"):
        yield "--read-only"
    user, group = (security(pod, container, word) for word in ("runAsUser", "runAsGroup"))
    if user is not None:
        yield from ("--user", str(user) if group is None else f"{user}:{group}")
    of_pod = pod["spec"].get("securityContext") or {}
    for number in (*(of_pod.get("supplementalGroups") or ()), of_pod.get("fsGroup")):
        if number is not None:
            yield from ("--group-add", str(number))


def _limits(container: Object) -> Iterator[str]:
    limits = (container.get("resources") or {}).get("limits") or {}
    if "memory" in limits:
        memory = f"{int(amount(limits['memory']))}b"
        yield from ("--memory", memory, "--memory-swap", memory)
    if "cpu" in limits:
        # An engine refuses more processors than there are.
        yield from ("--cpus", f"{min(float(amount(limits['cpu'])), os.cpu_count() or 1):g}")
    yield from ("--pids-limit", str(PROCESSES))


def _mounts(pod: Object, container: Object, volumes: Path) -> Iterator[str]:
    declared = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for mount in container.get("volumeMounts") or ():
        volume = declared[mount["name"]]
        if not volume.keys() & {"emptyDir", "secret"}:
            raise CannotStart(
                f"the local cluster has volumes of kind emptyDir and secret only, and "
                f"{mount['name']} is none of them"
            )
        place = volumes / mount["name"]
        if part := mount.get("subPath"):
            place = _part(pod, place, part)
        is_fixed = mount.get("readOnly") or "secret" in volume
        yield from ("--volume", f"{place}:{mount['mountPath']}{':ro' if is_fixed else ''}")


def _part(pod: Object, volume: Path, part: str) -> Path:
    """Return a folder or file below a volume, which may not lead out of it."""
    place = (volume / part).resolve()
    if not place.is_relative_to(volume.resolve()):
        raise CannotStart(f"subPath {part!r} leads out of its volume")
    if not place.exists():
        place.mkdir(parents=True)
        share(place, (pod["spec"].get("securityContext") or {}).get("fsGroup"))
    return place

"""The folders of a pod: empty ones, and those that show a Secret."""

from __future__ import annotations

import os
import shutil
import uuid
from typing import TYPE_CHECKING, Any

from glue.local.kubernetes import secret_objects

if TYPE_CHECKING:
    from pathlib import Path

    from glue.local.kubernetes.store import Store

Object = dict[str, Any]

DATA = "..data"  # a link to the folder with the content of now, as a kubelet has it
READABLE = 0o644  # Kubernetes' own, for a volume that does not say
FOLDER = 0o755  # of a volume that is only read


class Volumes:
    """The volumes of one pod, as folders below `folder`.

    With `is_shared` they are for containers that have users of their own, and belong to the
    pod's group.
    """

    def __init__(self, pod: Object, store: Store, folder: Path, *, is_shared: bool = False) -> None:
        self.pod, self.store, self.folder, self.is_shared = pod, store, folder, is_shared
        self.group: int | None = (pod["spec"].get("securityContext") or {}).get("fsGroup")
        self._shown: dict[str, str] = {}  # by volume, the Secret's version

    @property
    def has_secrets(self) -> bool:
        """Whether some of them show Secrets."""
        return any("secret" in volume for volume in self._all())

    def prepare(self) -> list[str]:
        """Make the folders; return what is missing for them, in a kubelet's words."""
        missing = []
        for volume in self._all():
            place = self.folder / volume["name"]
            is_new = not place.exists()
            place.mkdir(parents=True, exist_ok=True)
            if self.is_shared and is_new:
                share(place, self.group)
            missing += self._missing(volume)
        if not missing:
            self.refresh()
        return missing

    def refresh(self) -> None:
        """Show Secrets as they are now; one that is gone is shown as it was."""
        for volume in self._all():
            secret = self._secret(volume)
            if secret is None or self._missing(volume):
                continue
            version = secret["metadata"]["resourceVersion"]
            if self._shown.get(volume["name"]) != version:
                self._show(volume, secret_objects.content(secret))
                self._shown[volume["name"]] = version

    def _all(self) -> list[Object]:
        found: list[Object] = self.pod["spec"].get("volumes") or []
        return found

    def _secret(self, volume: Object) -> Object | None:
        name = str((volume.get("secret") or {}).get("secretName") or "")
        return self.store.secrets.get((self.pod["metadata"]["namespace"], name))

    def _missing(self, volume: Object) -> list[str]:
        told = volume.get("secret")
        if told is None or told.get("optional"):
            return []
        start = f'MountVolume.SetUp failed for volume "{volume["name"]}" : '
        secret = self._secret(volume)
        if secret is None:
            return [f'{start}secret "{told.get("secretName")}" not found']
        lacking = [
            entry["key"]
            for entry in told.get("items") or ()
            if entry["key"] not in (secret.get("data") or {})
        ]
        return [f"{start}references non-existent secret key: {key}" for key in lacking]

    def _show(self, volume: Object, content: dict[str, bytes]) -> None:
        """Put a Secret's files in the place of those before, all at the same moment."""
        told, folder = volume["secret"], self.folder / volume["name"]
        entries = told.get("items") or [{"key": key, "path": key} for key in content]
        fresh, link = folder / f"..{uuid.uuid4().hex}", folder / "..data_tmp"
        for entry in entries:
            if entry["key"] in content:  # one that is optional may lack it
                mode = entry.get("mode", told.get("defaultMode", READABLE))
                self._write(fresh / entry["path"], content[entry["key"]], mode)
        fresh.mkdir(exist_ok=True)
        if self.is_shared:
            for place in (folder, fresh, *(each for each in fresh.rglob("*") if each.is_dir())):
                place.chmod(FOLDER)
        link.unlink(missing_ok=True)
        link.symlink_to(fresh.name)
        before = (folder / DATA).resolve() if (folder / DATA).is_symlink() else None
        link.replace(folder / DATA)
        for entry in fresh.iterdir():
            visible = folder / entry.name
            if not visible.is_symlink():
                visible.symlink_to(f"{DATA}/{entry.name}")
        for visible in folder.iterdir():
            if visible.is_symlink() and not visible.exists():
                visible.unlink()
        if before is not None:
            shutil.rmtree(before, ignore_errors=True)

    def _write(self, path: Path, content: bytes, mode: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        if self.is_shared:
            share(path, self.group, mode)


def share(path: Path, group: int | None, mode: int = 0o777) -> None:
    """Give a file or folder to a pod's group, as a kubelet does.

    Only root can; without it everybody on this machine may do what the group may.
    """
    if group is None:
        path.chmod(mode)
        return
    mode |= 0o2070 if path.is_dir() else 0o040
    if os.geteuid() == 0:
        os.chown(path, -1, group)
        path.chmod(mode)
    else:
        path.chmod((mode | (mode & 0o070) >> 3) & 0o777)

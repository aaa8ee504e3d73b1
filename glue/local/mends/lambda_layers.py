"""Layers lie on disk once.

AWS keeps a layer's content apart and unpacks it where a function starts. MiniStack 1.5.33
writes every layer into its state as base64 text, so that each save takes a second for a
layer of 30 MB and stops everything else meanwhile; and it unpacks the layers anew for every
worker of every function.

Here the content goes to <state>/lambda-layers/<sha256>.zip, the state keeps the name, and
all workers share one unpacked copy in the temporary folder.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import copy
import hashlib
import os
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from glue.local.mends.guard import expect

EXPECTED_SERVICE = {
    "get_state": "fbae0860de48",
    "_restore_state": "29d435d6b656",
    "_resolve_layer_zip": "447d3c3ec42c",
}
EXPECTED_RUNTIME = {"Worker": "a0bd1819a704"}

CONTENT = "_zip_data"
REFERENCE = "layer_file"


class Store:
    """Files of layers' content, named by their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Hashing the same 30 MB at every save would cost as much as writing them.
        self._names: dict[int, tuple[bytes, str]] = {}

    def name_of(self, content: bytes) -> str:
        """Return the content's SHA-256, computed once for each object."""
        known = self._names.get(id(content))
        if known is None or known[0] is not content:
            known = (content, hashlib.sha256(content).hexdigest())
            self._names[id(content)] = known
        return known[1]

    def keep(self, content: bytes) -> str:
        """Write content that is not there yet and return its name."""
        name = self.name_of(content)
        path = self.folder / f"{name}.zip"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = path.with_suffix(".tmp")
            partial.write_bytes(content)
            partial.replace(path)
        return name

    def read(self, name: str) -> bytes:
        """Return the content of this name."""
        content = (self.folder / f"{name}.zip").read_bytes()
        self._names[id(content)] = (content, name)
        return content

    def prune(self, names: set[str]) -> None:
        """Delete the content of layers that are gone."""
        for path in self.folder.glob("*.zip"):
            if path.stem not in names:
                path.unlink()
        self._names = {key: known for key, known in self._names.items() if known[1] in names}


def externalised(layers: Any, store: Store) -> Any:
    """Return a copy of the layers for the state, with names in the place of contents."""
    names: set[str] = set()

    def without_content(value: Any) -> Any:
        if isinstance(value, dict):
            changed = {k: without_content(v) for k, v in value.items() if k != CONTENT}
            if value.get(CONTENT):
                changed[REFERENCE] = store.keep(value[CONTENT])
                names.add(changed[REFERENCE])
            return changed
        if isinstance(value, list):
            return [without_content(v) for v in value]
        return copy.deepcopy(value)

    result = type(layers)()
    for scope, layer in layers._data.items():
        result._data[scope] = without_content(layer)
    store.prune(names)
    return result


def internalise(value: Any, store: Store) -> None:
    """Put the contents back, in place."""
    if isinstance(value, dict):
        if REFERENCE in value:
            value[CONTENT] = store.read(value.pop(REFERENCE))
        for inner in value.values():
            internalise(inner, store)
    elif isinstance(value, list):
        for inner in value:
            internalise(inner, store)


def apply(home: Path) -> None:
    """Mend layers. Raises MendError if it is another emulator."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    expect(lambda_svc, EXPECTED_SERVICE)
    expect(lambda_runtime, EXPECTED_RUNTIME)
    store = Store(home / "state" / "lambda-layers")
    _keep_apart(lambda_svc, store)
    _share_unpacked(lambda_svc, lambda_runtime, store)


def _keep_apart(lambda_svc: Any, store: Store) -> None:
    get_state, restore = lambda_svc.get_state, lambda_svc._restore_state

    def state_without_contents() -> Any:
        layers = lambda_svc._layers
        # The original copies what it finds there: give it nothing to copy.
        lambda_svc._layers = type(layers)()
        try:
            state = get_state()
        finally:
            lambda_svc._layers = layers
        state["layers"] = externalised(layers, store)
        return state

    def restore_with_contents(data: Any) -> None:
        for layer in getattr((data or {}).get("layers"), "_data", {}).values():
            internalise(layer, store)
        restore(data)

    lambda_svc.get_state = state_without_contents
    lambda_svc._restore_state = restore_with_contents


def _share_unpacked(lambda_svc: Any, lambda_runtime: Any, store: Store) -> None:
    spawn = lambda_runtime.Worker._spawn
    lock = threading.Lock()

    def folder_of(reference: Any) -> str | None:
        content = lambda_svc._resolve_layer_zip(reference)
        if not content:
            return None
        folder = Path(tempfile.gettempdir()) / "layers" / store.name_of(content)
        with lock:
            if not folder.exists():
                unpack(store.folder / f"{store.keep(content)}.zip", folder)
        return str(folder)

    def spawn_with_shared_layers(worker: Any) -> None:
        config = worker.config
        references = config.get("Layers") or []
        if not references or not config.get("Runtime", "").startswith("python"):
            spawn(worker)
            return
        folders = [folder for folder in map(folder_of, references) if folder]
        changed = copy.deepcopy(config)
        changed["Layers"] = []
        variables = changed.setdefault("Environment", {}).setdefault("Variables", {})
        variables["_LAMBDA_LAYERS_DIRS"] = os.pathsep.join(folders)
        worker.config = changed
        try:
            spawn(worker)
        finally:
            worker.config = config

    lambda_runtime.Worker._spawn = spawn_with_shared_layers


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a layer beside its place and rename it, so that no one sees half of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent))
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(partial)
    partial.rename(folder)

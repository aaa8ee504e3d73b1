"""Pods in containers of podman or Docker.

An image is used if the engine has it, whatever `imagePullPolicy` says; else it is fetched, unless
it is one of the local account's registries, which are nowhere. What differs from a cluster: the
pod reaches the local cloud on 127.0.0.1 and nothing else, so there are no names; GPUs are counted
and not there; sizes of volumes and of disk are not enforced; every container has the engine's
own seccomp profile.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from glue.local import images
from glue.local.batch import engines
from glue.local.configuration import ACCOUNT_ID
from glue.local.kubernetes import engine_options, pod_network
from glue.local.kubernetes.containers import CannotPull
from glue.local.kubernetes.engine_container import EngineContainer, network_name
from glue.local.kubernetes.pod_network import PodNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from glue.local.batch.engines import ContainerEngine

Object = dict[str, Any]


class EnginePods:
    """Runs pods in containers. Those that an earlier stand-in of this home left are removed."""

    keeps_users_apart = True

    def __init__(self, engine: ContainerEngine, home: Path, endpoint: str) -> None:
        self.engine, self.home, self.endpoint = engine, home.absolute(), endpoint
        self.home.mkdir(parents=True, exist_ok=True)
        engines.record(self.home, engine)
        engines.sweep(self.home)
        pod_network.make_image(engine)

    def sandbox(self, pod: Object, folder: Path) -> EngineSandbox:
        """Return a pod of containers."""
        return EngineSandbox(self, pod, folder)


class EngineSandbox:
    """One pod's network and containers."""

    def __init__(self, pods: EnginePods, pod: Object, folder: Path) -> None:
        self.pod, self.folder = pod, folder.absolute()
        self.engine, self.endpoint = pods.engine, pods.endpoint
        metadata = pod["metadata"]
        name = f"{metadata['namespace']}/{metadata['name']}"
        self.labels = pod_network.labels(pods.home, name)
        self._network: PodNetwork | None = None

    async def begin(self) -> None:
        """Make the pod's network. Raises CannotStart."""
        metadata = self.pod["metadata"]
        network = PodNetwork(
            self.engine, network_name(metadata["uid"]),
            [*self.labels, "--hostname", metadata["name"][:63]], self.folder / "network",
            self.endpoint,
        )  # fmt: skip
        await network.begin()
        self._network = network

    async def pull(self, container: Object, *, is_out_of_reach: bool) -> images.Image:
        """Return what an image runs. Raises CannotPull."""
        reference = container["image"]
        start = f'failed to pull and unpack image "{reference}": '
        if is_out_of_reach:
            raise CannotPull(f"{start}failed to do request: dial tcp: i/o timeout")
        found = await self._inspect(reference)
        if found is None:
            if container.get("imagePullPolicy") == "Never":
                raise CannotPull(
                    f'Container image "{reference}" is not present with pull policy of Never',
                    "ErrImageNeverPull",
                )
            await self._fetch(reference, start)
            found = await self._inspect(reference)
        if found is None:
            raise CannotPull(f"{start}the engine does not have it after all")
        try:
            engine_options.require_user(self.pod, container, found.get("User") or "")
        except engine_options.Unfit as error:
            raise CannotPull(str(error), "CreateContainerConfigError") from error
        return images.Image(tuple(found.get("Entrypoint") or ()), tuple(found.get("Cmd") or ()))

    def container(self, container: Object, log: Path) -> EngineContainer:
        """Return a container that has not begun."""
        return EngineContainer(self.engine, self.pod, container, self.folder, self.labels, log)

    async def end(self) -> None:
        """Remove the pod's network."""
        if self._network is not None:
            await self._network.end()

    async def _inspect(self, reference: str) -> Object | None:
        """Return the configuration of an image that the engine has, or None."""
        words = ("image", "inspect", "--format", "{{json .Config}}", reference)
        said = await asyncio.to_thread(self.engine.ask, *words)
        if said.returncode != 0:
            return None
        found: Object = json.loads(said.stdout) or {}
        return found

    async def _fetch(self, reference: str, start: str) -> None:
        """Fetch an image from its registry. Raises CannotPull."""
        if reference.startswith(f"{ACCOUNT_ID}.dkr.ecr."):
            raise CannotPull(
                f"{start}not found: build it or tag it so on this machine; registries of the "
                "local cloud hold no images"
            )
        fetching = await asyncio.create_subprocess_exec(
            self.engine.program, *self.engine.options, "pull", "--quiet", reference,
            env=engines.environment(), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            _, said = await fetching.communicate()
        except asyncio.CancelledError:
            fetching.kill()
            raise
        if fetching.returncode != 0:
            raise CannotPull(f"{start}{said.decode(errors='replace').strip()[-500:]}")

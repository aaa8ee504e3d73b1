"""The programs of a local cloud: the emulator and the stand-ins for Kubernetes and EvalAI.

Each is a process of its own and leads a session. It is found again by its command line, so that
one whose cloud.json was lost is neither started twice nor left behind.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glue.errors import InputError
from glue.local import processes
from glue.local.configuration import (
    CLUSTER,
    EVALAI_PORT_VARIABLE,
    HOST,
    KUBERNETES_PORT_VARIABLE,
    PORT_VARIABLE,
)

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

# As many as the node group of environments/local.tfvars may grow to, each a g5.12xlarge.
GPU_NODES = (
    "--gpu-nodes", "2", "--gpus", "4", "--gpu-node-cpus", "48", "--gpu-node-memory-gib", "192",
)  # fmt: skip
START_SECONDS = 60.0
ANSWER_SECONDS = 10.0  # the emulator answers nobody while it saves a large state
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Part:
    """One program: its module, its port, and the path on its command line that is its own."""

    name: str
    module: str
    variable: str
    port: int
    place: Path
    words: tuple[str, ...]
    health: str
    log: Path

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    def process(self, pid: int | None = None) -> psutil.Process | None:
        """Return the running process, or None; a pid written down is looked at first."""
        return processes.find(self.module, self.place, pid)

    def answers(self) -> bool:
        """Tell whether it is in working order."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", self.health)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def require(self, pid: int | None = None) -> psutil.Process | None:
        """Return the process if it runs as it is wanted, and None if it could be started.

        Raises InputError when its port is taken, or when it runs on another one.
        """
        running = self.process(pid)
        if running is None:
            processes.require_port(self.port, self.variable)
            return None
        wanted, found = [str(self.port), *self.words], _given(running.cmdline())
        if wanted == found:
            return running
        how = "on another port" if found[:1] != wanted[:1] else "with other settings"
        raise InputError(
            self.variable,
            f"the {self.name} in {self.log.parent} already runs {how}: "
            f"{_difference(found, wanted)}",
            "run `glue local down` first",
        )

    def start(self) -> subprocess.Popen[bytes]:
        """Start it and return its process, which does not answer yet."""
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", self.module, "--port", str(self.port), *self.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, process: psutil.Process | subprocess.Popen[bytes]) -> None:
        """Wait until it answers. Raises InputError when it ends or does not answer in time."""
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if isinstance(process, subprocess.Popen) and process.poll() is not None:
                raise InputError(
                    self.name, f"it ended at once: {self._last_line()}", f"see {self.log}"
                )
            if time.monotonic() > deadline:
                raise InputError(
                    self.name, f"it did not answer within {START_SECONDS:.0f} s", f"see {self.log}"
                )
            time.sleep(POLL_SECONDS)

    def _last_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "its log is empty"


def emulator(home: Path, port: int, wait_scale: float, kubernetes_port: int | None) -> Part:
    """Return the emulator.

    Waits of its state machines take that share of their time. The port is that of the stand-in
    which answers for clusters, if there is one.
    """
    clusters = () if kubernetes_port is None else ("--kubernetes-port", str(kubernetes_port))
    return Part(
        "emulator", processes.LAUNCHER_MODULE, PORT_VARIABLE, port, home,
        ("--home", str(home), "--wait-scale", str(wait_scale), *clusters),
        "/_localstack/health", home / "launcher.log",
    )  # fmt: skip


def kubernetes(home: Path, port: int, endpoint: str) -> Part:
    """Return the stand-in for Kubernetes, which asks the cloud at an address who calls it.

    RUNTIME=container, which it reads itself, has it run pods in podman or Docker.
    """
    place = home / "kubernetes"
    return Part(
        "stand-in for Kubernetes", "glue.local.kubernetes", KUBERNETES_PORT_VARIABLE, port, place,
        (
            "--home", str(place), "--sts", endpoint, "--cluster", CLUSTER, "--images", str(home),
            *GPU_NODES,
        ),
        "/readyz", home / "kubernetes.log",
    )  # fmt: skip


def evalai(home: Path, port: int) -> Part:
    """Return the stand-in for EvalAI."""
    place = home / "evalai" / "evalai.sqlite"
    return Part(
        "stand-in for EvalAI", "glue.local.evalai", EVALAI_PORT_VARIABLE, port, place,
        ("--state", str(place)), "/stand-in/", home / "evalai.log",
    )  # fmt: skip


def _difference(found: list[str], wanted: list[str]) -> str:
    """Return the words of two command lines that only one has."""
    only_found = " ".join(word for word in found if word not in wanted)
    only_wanted = " ".join(word for word in wanted if word not in found)
    return f"{only_found or 'nothing'} instead of {only_wanted or 'nothing'}"


def _given(command: list[str]) -> list[str]:
    """Return a command line from the port on."""
    return command[command.index("--port") + 1 :] if "--port" in command else []

"""A submission's pod, made by hand of real containers from the manifest that glue renders.

What Kubernetes would do with the manifest is done here with podman or Docker: volumes, the
form's Secret, one network for all, a process space for each container, users, limits, and the
order in which containers begin and end. Its network has loopback and a way to the storage, as
the cluster's network policies leave a pod no other way out.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from glue.leaderboard.kubernetes.job import SHARED_GROUP, render
from glue.leaderboard.pod import job_values
from glue.leaderboard.run import Run
from glue.settings import ContainerResources, Evaluation
from glue.settings import Pod as PodSettings
from tests.containers.relay import relay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.containers.engine import Engine

Manifest = dict[str, Any]

SUBMISSION, ATTEMPT, ROUTES = 99, 1, 25
SHORTEST_GRACE = 2  # seconds, of the kubelet
RELAY = Path(__file__).with_name("relay.py")
IMAGES = {
    name: f"localhost/{image}:test"
    for name, image in (
        ("simulator_image", "stand-in-simulator"),
        ("leaderboard_image", "stand-in-evaluator"),
        ("logcopy_image", "uploader"),
    )
}


def manifest(image: str, workers: int = 1, **pod: Any) -> Manifest:
    """Return the Job that glue would create for a submission of an image."""
    parameters = SimpleNamespace(**IMAGES, cloudwatch_log_group="leaderboard-20")
    small = ContainerResources(cpu_millis=1000, memory_mib=256, disk_gib=1)
    services: Any = SimpleNamespace(
        leaderboard="leaderboard-20",
        evaluation=Evaluation(version="2.0", routes=ROUTES),
        pod=PodSettings(
            workers=workers, simulator=small, evaluator=small, agent=small,
            upload_seconds=1, grace_seconds=60, **pod,
        ),
        parameters=parameters,
    )  # fmt: skip
    run = Run(challenge=1, phase=2, submission=SUBMISSION, attempt=ATTEMPT, image=image)
    item: Any = SimpleNamespace(image=image, track="SENSORS")
    return render(job_values(services, run, item))


def share(path: Path, mode: int, mode_without_root: int) -> None:
    """Give a file or folder to the pod's group, as only root can; else to everybody."""
    if os.geteuid() == 0:
        os.chown(path, 0, SHARED_GROUP)
    path.chmod(mode if os.geteuid() == 0 else mode_without_root)


@dataclass
class End:
    """How a container ended: its exit code, whether for want of memory, and what it printed."""

    code: int
    is_out_of_memory: bool
    lines: list[str]


@dataclass
class Pod:
    """The containers of a manifest. `storage_port` is the storage's, inside and outside."""

    engine: Engine
    job: Manifest
    form: Mapping[str, Any]
    storage_port: int
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    grace: int = 60  # seconds
    names: dict[str, str] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)  # bytes of memory in use at the most

    def __post_init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pod-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.spec: Manifest = self.job["spec"]["template"]["spec"]
        self._listener = socket.socket(socket.AF_UNIX)
        self._network = ""

    # --- what Kubernetes prepares ---------------------------------------------------------

    def begin(self) -> None:
        """Begin everything in order: network, sidecars, then the main containers."""
        for volume in self.spec["volumes"]:
            self._volume(volume)
        self.connect()
        for container in (*self.spec["initContainers"], *self.spec["containers"]):
            self.start(container)

    def _volume(self, volume: Manifest) -> None:
        place = self.folder / "volumes" / volume["name"]
        place.mkdir(parents=True)
        if "emptyDir" in volume:
            share(place, 0o2777, 0o777)
        else:
            place.chmod(0o755)
            self.put_form(self.form, place)

    def put_form(self, form: Mapping[str, Any], place: Path | None = None) -> None:
        """Write the Secret's volume as kubelet does: a folder of its own behind two links."""
        place = place or self.folder / "volumes" / "form"
        fresh = place / f"..{time.monotonic_ns()}"
        fresh.mkdir(mode=0o755)
        file = fresh / "form.json"
        file.write_text(json.dumps(form))
        share(file, 0o440, 0o444)
        (place / "..new").symlink_to(fresh.name)
        (place / "..new").rename(place / "..data")
        if not (place / "form.json").is_symlink():
            (place / "form.json").symlink_to("..data/form.json")

    def connect(self) -> str:
        """Make the pod's network, and return the container that holds it."""
        way = self.folder / "way"
        way.mkdir()
        self._listener.bind(str(way / "storage"))
        (way / "storage").chmod(0o777)
        self._listener.listen(64)
        storage = ("127.0.0.1", self.storage_port)
        carried = (self._listener, lambda: socket.create_connection(storage))
        threading.Thread(target=relay, args=carried, daemon=True).start()
        self._network = self.run(
            ["--network", "none", "--volume", f"{way}:/way", "--volume", f"{RELAY}:/relay.py:ro"],
            self.engine.base,
            ["python3", "-u", "/relay.py", str(self.storage_port), "/way/storage"],
        )  # fmt: skip
        return self._network

    # --- containers ---------------------------------------------------------------------

    def start(self, container: Manifest) -> None:
        """Start a container as its manifest says."""
        security = container["securityContext"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["allowPrivilegeEscalation"] is False
        limits = container["resources"]["limits"]
        memory = limits["memory"].lower().replace("mi", "m")
        options = [
            "--network", f"container:{self._network}", "--cap-drop", "all",
            "--security-opt", "no-new-privileges", "--group-add", str(SHARED_GROUP),
            "--memory", memory, "--memory-swap", memory,
            "--cpus", str(int(limits["cpu"].removesuffix("m")) / 1000),
            "--pids-limit", "512",
        ]  # fmt: skip
        if security["readOnlyRootFilesystem"]:
            options.append("--read-only")
        if "runAsUser" in security:
            options += ["--user", str(security["runAsUser"])]
        if container.get("restartPolicy") == "Always" and container["name"] != "uploader":
            options += ["--restart", "always"]
        for mount in container["volumeMounts"]:
            mode = ":ro" if mount.get("readOnly") else ""
            place = self.folder / "volumes" / mount["name"]
            options += ["--volume", f"{place}:{mount['mountPath']}{mode}"]
        given = {entry["name"]: entry["value"] for entry in container.get("env", ())}
        for name, value in {**given, **self.variables.get(container["name"], {})}.items():
            options += ["--env", f"{name}={value}"]
        assert "command" not in container
        self.names[container["name"]] = self.run(
            options, container["image"], container.get("args", ())
        )
        if probe := container.get("startupProbe"):
            self._await_startup(container["name"], probe)

    def _await_startup(self, name: str, probe: Manifest) -> None:
        """Ask a container's startup probe until it says that it has started."""
        for _ in range(probe["failureThreshold"]):
            asked = self.engine.engine.ask("exec", self.names[name], *probe["exec"]["command"])
            if asked.returncode == 0:
                return
            time.sleep(probe["periodSeconds"])
        raise AssertionError(f"{name} does not start: {asked.stdout}{asked.stderr}")

    def run(self, options: Sequence[str], image: str, arguments: Sequence[str]) -> str:
        """Run a container of an image in the background and return its id."""
        engine = self.engine.engine
        limits = [
            word for name, value in engine.ulimits for word in ("--ulimit", f"{name}={value}")
        ]
        return self.engine.run(
            *engine.options, "run", "--detach", "--pull", "never", *engine.create_options,
            *limits, *options, image, *arguments,
        ).strip()  # fmt: skip

    def wait(self, name: str, seconds: float = 60) -> int:
        """Wait for a container's end and return its exit code; note the uploader's memory."""
        engine = self.engine.engine
        with subprocess.Popen(
            [engine.program, *engine.options, "wait", self.names[name]], text=True,
            stdout=subprocess.PIPE,
        ) as waiting:  # fmt: skip
            try:
                said, _ = waiting.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                waiting.kill()
                raise AssertionError(f"{name} does not end:\n{self.logs(name)[-20:]}") from None
        return int(said)

    def end(self) -> dict[str, End]:
        """End what still runs, in the order of Kubernetes; return how each ended.

        Sidecars end one after the other, the first one last, and share the pod's patience: one
        that does not listen leaves the others SHORTEST_GRACE.
        """
        ends = {}
        for container in self.spec["containers"]:
            ends[container["name"]] = self._end(container["name"])
        deadline = time.monotonic() + self.grace
        for container in reversed(self.spec["initContainers"]):
            name = container["name"]
            self.peaks[name] = self._peak(name)
            left = max(round(deadline - time.monotonic()), SHORTEST_GRACE)
            self.engine.run(
                *self.engine.engine.options, "stop", "--time", str(left), self.names[name]
            )
            ends[name] = self._end(name)
        return ends

    def _end(self, name: str) -> End:
        (found,) = json.loads(self.engine.run("inspect", self.names[name]))
        state = found["State"]
        return End(state["ExitCode"], state["OOMKilled"], self.logs(name))

    def _peak(self, name: str) -> int:
        """Return how much memory a container's first process has had at the most, in bytes."""
        (found,) = json.loads(self.engine.run("inspect", self.names[name]))
        try:
            status = Path(f"/proc/{found['State']['Pid']}/status").read_text(encoding="utf-8")
        except OSError:
            return 0
        line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "0 0 kB")
        return int(line.split()[1]) * 1024

    def logs(self, name: str) -> list[str]:
        """Return what a container has printed, on both of its outputs."""
        said = self.engine.engine.ask("logs", self.names[name])
        return (said.stdout + said.stderr).splitlines()

    def remove(self) -> None:
        """Leave nothing."""
        for name in (*self.names.values(), self._network):
            if name:
                self.engine.engine.ask("rm", "--force", "--volumes", "--time", "0", name)
        self._listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

"""A platform of its own for tests and benchmarks: the real thing on free ports."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue.local.configuration import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    import boto3

ROOT = Path(__file__).resolve().parents[1]
GLUE = [sys.executable, "-m", "glue.cli.main"]
REGION = "eu-central-1"


_held: dict[Path, IO[str]] = {}


def hold(folder: Path) -> None:
    """Keep every other run of tests out of a folder until this one ends."""
    if folder in _held:
        return
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # Each would empty the other's cloud under its feet.
        raise RuntimeError(f"another run of tests is in {folder}: wait, or use a clone") from None
    _held[folder] = lock


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nothing listens on at this moment."""
    return [free_port() for _ in range(count)]


@dataclass(frozen=True)
class Answer:
    """What the API answered: status, and the body read as JSON (None when it is not)."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Platform:
    """A running local cloud with the platform applied, and ways to talk to it."""

    build: Path
    port: int
    postgres_port: int
    kubernetes_port: int
    evalai_port: int
    sources: Path = ROOT
    variables: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PROVING_GROUND_", "AWS_")) or name == "AWS_CA_BUNDLE"
        }
        self.variables = kept | {
            "PROVING_GROUND_BUILD": str(self.build),
            "PROVING_GROUND_LOCAL_HOME": str(self.build / "local"),
            "PROVING_GROUND_LOCAL_PORT": str(self.port),
            "PROVING_GROUND_LOCAL_POSTGRES_PORT": str(self.postgres_port),
            "PROVING_GROUND_LOCAL_KUBERNETES_PORT": str(self.kubernetes_port),
            "PROVING_GROUND_LOCAL_EVALAI_PORT": str(self.evalai_port),
            "PROVING_GROUND_JOURNAL": str(self.build / "journal"),
            "XDG_CONFIG_HOME": str(self.build / "config"),
            "COLUMNS": "160",
        }

    # --- commands -----------------------------------------------------------------------

    def glue(
        self, *arguments: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a `glue` command as an operator would; fail with its output if `check`."""
        result = subprocess.run(
            [*GLUE, *arguments], cwd=self.sources, env=self.variables | variables, text=True,
            capture_output=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check and result.returncode != 0:
            shown = f"glue {' '.join(arguments)} ended with {result.returncode}"
            raise AssertionError(f"{shown}\n{result.stdout[-8000:]}\n{result.stderr[-8000:]}")
        return result

    def glue_json(self, *arguments: str) -> Any:
        """Run a command with `--json` and return what it printed."""
        return json.loads(self.glue(*arguments, "--json").stdout)

    def profile(self, device: str, group: str) -> Path:
        """Return the profile file of a device, which is made on first use.

        A file of an earlier run is of no use: the cloud may have been emptied since.
        """
        path = self.build / "profiles" / f"{device}.json"
        if device not in self.made:
            self.glue(
                "devices", "add", device, "--group", group, "--rotate", "--profile", str(path)
            )
            self.made.add(device)
        return path

    # --- AWS ----------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """The address of the emulator."""
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """Terraform's outputs of the platform."""
        path = self.build / "environments" / "local.json"
        outputs: dict[str, Any] = json.loads(path.read_text())
        return outputs

    def session(self, key: str = "test", secret: str = "test", token: str | None = None) -> Any:
        """Return a boto3 session; without arguments that of the account's root."""
        import boto3

        return boto3.Session(key, secret, token, region_name=REGION)

    def client(self, service: str, session: boto3.Session | None = None) -> Any:
        """Return a client of the emulator for a service."""
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "max_attempts": 2},
            s3={"addressing_style": "path"},
            signature_version="s3v4" if service == "s3" else None,
            max_pool_connections=32,
        )
        chosen: Any = session or self.session()
        return chosen.client(service, endpoint_url=self.endpoint, config=config)

    # --- the HTTP API -------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        key: str | None = None,
    ) -> Answer:
        """Send one request to the API, exactly as given; never raises for a status."""
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = token
        if key is not None:
            headers["x-api-key"] = key
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.outputs["api"]["url"] + path, data=data, method=method, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, raw, got = response.status, response.read(), response.headers
        except urllib.error.HTTPError as error:
            status, raw, got = error.code, error.read(), error.headers
        try:
            parsed = json.loads(raw) if raw else None
        except ValueError:
            parsed = None
        return Answer(status, parsed, dict(got.items()))

    def credentials(self, device: str, group: str) -> dict[str, str]:
        """Return key and a fresh token of a device as arguments for `call`."""
        profile = json.loads(self.profile(device, group).read_text())
        answer = self.call(
            "POST",
            "/token",
            {"device": profile["device"], "secret": profile["secret"]},
            key=profile["api_key"],
        )
        assert answer.status == 200, answer
        return {"token": answer.body["token"], "key": profile["api_key"]}

    def settled(
        self, recordings: list[str], *, states: set[str] | None = None, seconds: float = 180
    ) -> dict[str, dict[str, Any]]:
        """Wait until every recording is in one of the states, and return them by name."""
        wanted = states or {"processed", "quarantined"}
        operator = self.credentials("test-operator", "operators")
        seen: dict[str, dict[str, Any]] = {}
        deadline = time.monotonic() + seconds
        while True:
            for name in recordings:
                if seen.get(name, {}).get("state") not in wanted:
                    seen[name] = self.call("GET", f"/recordings/{name}", **operator).body or {}
            waiting = {n: s for n, s in seen.items() if s.get("state") not in wanted}
            if not waiting:
                return seen
            if time.monotonic() > deadline:
                raise AssertionError(f"not settled after {seconds} s: {waiting}")
            time.sleep(0.1)

    # --- life ---------------------------------------------------------------------------

    def up(self) -> str:
        """Bring the platform up in an empty cloud and return what the command printed.

        A snapshot of an earlier run is used if it fits.
        """
        self.__dict__.pop("outputs", None)
        self.glue("local", "reset")
        return self.glue("deploy", "up").stdout

    def down(self) -> None:
        """Stop the cloud; what it holds is kept in its folder."""
        self.glue("local", "down")


def new_platform(build: Path, sources: Path = ROOT) -> Platform:
    """Return a platform in a folder, on free ports, not yet running.

    `sources` is the repository that it is made from.
    """
    build.mkdir(parents=True, exist_ok=True)
    hold(build)
    port, postgres_port, kubernetes_port, evalai_port = free_ports(4)
    return Platform(build, port, postgres_port, kubernetes_port, evalai_port, sources)

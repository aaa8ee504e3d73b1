"""Starting, stopping and remembering the local cloud."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue.errors import InputError
from glue.local import challenge, parts, processes, snapshot, status
from glue.local.batch import engines
from glue.local.configuration import (
    ACCESS_KEY,
    ACCOUNT_ID,
    CLUSTER,
    DEFAULT_EVALAI_PORT,
    DEFAULT_KUBERNETES_PORT,
    DEFAULT_PORT,
    DEFAULT_POSTGRES_PORT,
    EVALAI_PORT_VARIABLE,
    KUBERNETES_PORT_VARIABLE,
    PORT_VARIABLE,
    POSTGRES_PORT_VARIABLE,
    REGION,
    SECRET_KEY,
    home_from_environment,
    port_from_environment,
    wait_scale_from_environment,
)
from glue.local.files import write_privately
from glue.local.postgres import Postgres, new_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.local.parts import Part

STOP_SECONDS = 60.0  # the emulator saves its state, which a killed one loses


class Cloud:
    """The local cloud in one home folder: the emulator, PostgreSQL and the stand-ins.

    Every method may be called at any time and in any order; a lock in the home folder
    keeps two callers from starting or stopping it at once.
    """

    def __init__(
        self,
        home: Path | str | None = None,
        port: int | None = None,
        postgres_port: int | None = None,
        kubernetes_port: int | None = None,
        evalai_port: int | None = None,
    ) -> None:
        """Prepare a cloud; nothing is started.

        What is not given comes from the environment. With a port that is given, the stand-ins
        for Kubernetes and EvalAI belong to the cloud only if theirs are given, too: a cloud on a
        port of its own, as tests and rehearsals use, mostly needs neither.
        """
        self.home = Path(home).absolute() if home is not None else home_from_environment()
        is_own = port is not None
        self.port = port or port_from_environment(PORT_VARIABLE, DEFAULT_PORT)
        self.postgres_port = postgres_port or port_from_environment(
            POSTGRES_PORT_VARIABLE, DEFAULT_POSTGRES_PORT
        )
        if not is_own:
            kubernetes_port = kubernetes_port or port_from_environment(
                KUBERNETES_PORT_VARIABLE, DEFAULT_KUBERNETES_PORT
            )
            evalai_port = evalai_port or port_from_environment(
                EVALAI_PORT_VARIABLE, DEFAULT_EVALAI_PORT
            )
        self.emulator = parts.emulator(
            self.home, self.port, wait_scale_from_environment(), kubernetes_port
        )
        self.kubernetes = (
            parts.kubernetes(self.home, kubernetes_port, self.endpoint) if kubernetes_port else None
        )
        self.evalai = parts.evalai(self.home, evalai_port) if evalai_port else None
        self.facts_file = self.home / "cloud.json"
        self.secrets_file = self.home / "secrets.json"
        self.snapshots = self.home / "snapshot"

    def parts(self, *, with_idle: bool = False) -> list[Part]:
        """Return the programs of this cloud; `with_idle` also those it does not want to run."""
        found = [self.emulator]
        if self.kubernetes is not None or with_idle:
            found.append(self.kubernetes or parts.kubernetes(self.home, 0, self.endpoint))
        if self.evalai is not None or with_idle:
            found.append(self.evalai or parts.evalai(self.home, 0))
        return found

    # ------------------------------------------------------------------ facts
    @property
    def endpoint(self) -> str:
        """The address every AWS client is given."""
        return self.emulator.url

    def environment(self) -> dict[str, str]:
        """Return the variables that point terraform, boto3 and the AWS CLI to this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def catalogue_password(self) -> str:
        """Return the password of the catalogue's PostgreSQL user, made at first use."""
        return self._passwords()["catalogue"]

    def postgres(self) -> Postgres:
        """Return the PostgreSQL server of this cloud, running or not."""
        return Postgres(self.home / "postgres", self.postgres_port, self._passwords())

    def facts(self) -> dict[str, Any]:
        """Return what cloud.json says of the running cloud; empty when it is down."""
        try:
            facts = json.loads(self.facts_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def status(self) -> dict[str, Any]:
        """Return the cloud's state: running or not, addresses, process ids, memory in bytes."""
        return status.of(self)

    # ---------------------------------------------------------------- actions
    def up(self) -> dict[str, Any]:
        """Start what does not run yet and return the facts of cloud.json.

        Raises InputError when a port is taken by another program or a server does not
        come up in time.
        """
        with self._lock():
            return self._up()

    def down(self) -> bool:
        """Stop everything, saving the state; tell whether anything was running."""
        with self._lock():
            return self._down()

    def reset(self) -> None:
        """Empty the cloud; it runs afterwards if it ran before. Snapshots stay."""
        with self._lock():
            was_running = self._down()
            for name in (*snapshot.LINKED, *snapshot.COPIED):
                path = self.home / name
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            if was_running:
                self._up()

    def save_snapshot(self, key: str) -> None:
        """Keep a copy of the whole state under a key; those of other keys are removed.

        A running cloud is stopped for it and started again: the copy is taken of files
        that nobody writes. Raises InputError for a key that could not name a folder.
        """
        snapshot.check_key(key)
        with self._lock():
            was_running = self._down()
            try:
                snapshot.save(self.home, self.snapshots, key)
            finally:
                if was_running:
                    self._up()

    def restore_snapshot(self, key: str) -> bool:
        """Put the state kept under a key in the place of the present one.

        Returns False, with nothing changed, when there is no such snapshot. A running
        cloud is stopped for it and started again.
        """
        if not snapshot.exists(self.snapshots, key):
            return False
        with self._lock():
            was_running = self._down()
            try:
                return snapshot.restore(self.home, self.snapshots, key)
            finally:
                if was_running:
                    self._up()

    # ---------------------------------------------------------------- helpers
    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _passwords(self) -> dict[str, str]:
        try:
            kept: dict[str, str] = json.loads(self.secrets_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if (self.home / "postgres" / "data").exists():
                raise InputError(
                    "secrets.json",
                    f"{self.secrets_file} is gone, and with it the way into the database",
                    "run `glue local reset`",
                ) from None
            kept = new_passwords()
            self.home.mkdir(parents=True, exist_ok=True)
            write_privately(self.secrets_file, json.dumps(kept))
        return kept

    def _up(self) -> dict[str, Any]:
        snapshot.finish_restore(self.home)
        kept = self.facts()
        server = self.postgres()
        found = [(part, part.require(_pid(kept, part))) for part in self.parts()]
        if server.pid() is None:
            processes.require_port(server.port, POSTGRES_PORT_VARIABLE)
        if found[0][1] is None:
            processes.end_workers(kept.get("pid"), self.home)
            shutil.rmtree(self.home / "tmp", ignore_errors=True)
        pids: dict[str, int] = {}
        try:
            running = [(part, process or part.start()) for part, process in found]
            # The database comes up while the others import themselves.
            server.start()
            for part, process in running:
                part.wait(process)
                pids[part.name] = process.pid
            facts = self._describe(kept, pids, server)
        except BaseException:
            self._down()
            raise
        write_privately(self.facts_file, json.dumps(facts, indent=2))
        return facts

    def _describe(
        self, kept: dict[str, Any], pids: dict[str, int], server: Postgres
    ) -> dict[str, Any]:
        """Return the facts for cloud.json; the challenge is set up on the way."""
        pid = pids[self.emulator.name]
        since = kept.get("started_at") if kept.get("pid") == pid else None
        facts: dict[str, Any] = {
            "endpoint": self.endpoint,
            "port": self.port,
            "pid": pid,
            "region": REGION,
            "account_id": ACCOUNT_ID,
            "postgres": {**server.facts(), "pid": server.pid()},
            "started_at": since or dt.datetime.now(dt.UTC).isoformat(),
        }
        if self.kubernetes is not None:
            url = self.kubernetes.url
            facts["kubernetes"] = {
                "endpoint": url, "port": self.kubernetes.port, "pid": pids[self.kubernetes.name],
                "cluster": CLUSTER,
            }  # fmt: skip
        if self.evalai is not None:
            challenge.set_up(self.home, self.evalai.url)
            facts["evalai"] = {
                "url": self.evalai.url, "port": self.evalai.port, "pid": pids[self.evalai.name],
                **challenge.facts(self.home),
            }  # fmt: skip
        return facts

    def _down(self) -> bool:
        kept = self.facts()
        running = [
            process
            for part in self.parts(with_idle=True)
            if (process := part.process(_pid(kept, part))) is not None
        ]
        launcher = self.emulator.process(kept.get("pid"))
        processes.end(running, STOP_SECONDS)
        processes.end_workers(launcher.pid if launcher else kept.get("pid"), self.home)
        # No password is needed to stop the server, and it may be lost.
        server = Postgres(self.home / "postgres", self.postgres_port, {})
        server_ran = server.pid() is not None
        server.stop()
        self.facts_file.unlink(missing_ok=True)
        shutil.rmtree(self.home / "tmp", ignore_errors=True)
        for home in (self.home, parts.kubernetes(self.home, 0, self.endpoint).place):
            engines.sweep(home)
        return bool(running) or server_ran


def _pid(facts: dict[str, Any], part: Part) -> int | None:
    """Return the process id of a part that cloud.json has, if any."""
    for key in ("kubernetes", "evalai"):
        if part.module == f"glue.local.{key}":
            held = facts.get(key)
            return held.get("pid") if isinstance(held, dict) else None
    return facts.get("pid")

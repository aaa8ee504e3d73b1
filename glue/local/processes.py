"""Finding and ending the local cloud's own processes, and no others."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import psutil

from glue.errors import InputError
from glue.local.configuration import HOST, is_free

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LAUNCHER_MODULE = "glue.local.launcher"
# Until one that was killed is gone. Nothing can resist; a busy machine may take its time.
KILLED_SECONDS = 30.0


def is_part(process: psutil.Process, module: str, path: Path) -> bool:
    """Tell whether a process runs a module of ours that was given this path."""
    try:
        words = process.cmdline()
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return alive and module in words and str(path) in words


def is_launcher(process: psutil.Process, home: Path) -> bool:
    """Tell whether a process is the launcher of the cloud in this home folder."""
    return is_part(process, LAUNCHER_MODULE, home)


def mentions(process: psutil.Process, home: Path) -> bool:
    """Tell whether a process was started with a path inside a home folder."""
    try:
        return any(word.startswith(f"{home}{os.sep}") for word in process.cmdline())
    except psutil.Error:
        return False


def find(module: str, path: Path, pid: int | None) -> psutil.Process | None:
    """Return the running process of a module that was given this path, or None.

    The recorded pid is tried first and believed only if the command line fits, because
    the number may belong to a stranger by now; then every process is looked at, so that
    one whose cloud.json was lost is found again.
    """
    if pid is not None:
        with contextlib.suppress(psutil.Error, ValueError):
            recorded = psutil.Process(pid)
            if is_part(recorded, module, path):
                return recorded
    return next((p for p in psutil.process_iter() if is_part(p, module, path)), None)


def find_launcher(home: Path, pid: int | None) -> psutil.Process | None:
    """Return the running launcher of a home folder, or None."""
    return find(LAUNCHER_MODULE, home, pid)


def require_port(port: int, variable: str) -> None:
    """Raise InputError, naming who has it and the variable that moves us, if a port is taken."""
    if is_free(port):
        return
    raise InputError(
        variable,
        f"port {port} of {HOST} is taken by {owner_of_port(port)}",
        f"end that program, or set {variable} to a free port",
    )


def owner_of_port(port: int) -> str:
    """Describe who listens on a TCP port, as far as the system tells us."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or connection.laddr[1:2] != (port,):
                continue
            if connection.pid is None:
                break
            name = psutil.Process(connection.pid).name()
            return f"{name} (process {connection.pid})"
    return "another program"


def session_members(leader: int) -> list[psutil.Process]:
    """Return the processes of the session a launcher leads, itself among them.

    Function workers stay in it when the launcher is killed, so none is forgotten.
    """
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == leader:
                members.append(process)
    return members


def memory_of(processes: Iterable[psutil.Process]) -> int:
    """Return the resident memory of some processes together, in bytes."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def end_workers(leader: int | None, home: Path) -> None:
    """End the function workers that a launcher left when it was killed.

    They stay in the session it led, and their files are in this home: both must fit, as
    the number may have been given to another program since.
    """
    if leader is None:
        return
    end([member for member in session_members(leader) if mentions(member, home)], 2.0)


def end(processes: list[psutil.Process], patience: float) -> None:
    """Ask processes to end (SIGTERM), and kill by pid those that have not after some seconds."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=patience)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=KILLED_SECONDS)

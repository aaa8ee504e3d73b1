"""Finding and ending the local cloud's own processes, and no others."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LAUNCHER_MODULE = "glue.local.launcher"


def is_launcher(process: psutil.Process, home: Path) -> bool:
    """Tell whether a process is the launcher of the cloud in this home folder."""
    try:
        words = process.cmdline()
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return alive and LAUNCHER_MODULE in words and str(home) in words


def mentions(process: psutil.Process, home: Path) -> bool:
    """Tell whether a process was started with a path inside a home folder."""
    try:
        return any(word.startswith(f"{home}{os.sep}") for word in process.cmdline())
    except psutil.Error:
        return False


def find_launcher(home: Path, pid: int | None) -> psutil.Process | None:
    """Return the running launcher of a home folder, or None.

    The recorded pid is tried first and believed only if the command line fits, because
    the number may belong to a stranger by now; then every process is looked at, so that
    a launcher whose cloud.json was lost is found again.
    """
    if pid is not None:
        with contextlib.suppress(psutil.Error, ValueError):
            recorded = psutil.Process(pid)
            if is_launcher(recorded, home):
                return recorded
    return next((p for p in psutil.process_iter() if is_launcher(p, home)), None)


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


def end(processes: list[psutil.Process], patience: float) -> None:
    """Ask processes to end (SIGTERM), and kill by pid those that have not after some seconds."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=patience)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=patience)

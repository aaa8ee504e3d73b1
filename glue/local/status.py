"""What the local cloud says of itself: what runs, where, and in how much memory."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import psutil

from glue.local import processes, snapshot
from glue.local.configuration import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from glue.local.cloud import Cloud
    from glue.local.parts import Part


def of(cloud: Cloud) -> dict[str, Any]:
    """Return a cloud's state: running or not, addresses, process ids, memory in bytes."""
    kept = cloud.facts()
    launcher = cloud.emulator.process(kept.get("pid"))
    server = cloud.postgres() if cloud.secrets_file.exists() else None
    server_pid = server.pid() if server else None
    members = processes.session_members(launcher.pid) if launcher else []
    database = [psutil.Process(server_pid)] if server_pid else []
    with contextlib.suppress(psutil.Error):
        database += database[0].children(recursive=True) if database else []
    healthy = launcher is not None and cloud.emulator.answers()
    stand_ins = {
        name: _stand_in(part, (kept.get(name) or {}).get("pid"))
        for name, part in (("kubernetes", cloud.kubernetes), ("evalai", cloud.evalai))
        if part is not None
    }
    return {
        "running": healthy
        and server_pid is not None
        and all(found["healthy"] for found in stand_ins.values()),
        "home": str(cloud.home),
        "endpoint": cloud.endpoint,
        "account_id": ACCOUNT_ID,
        "region": REGION,
        "emulator": {
            "pid": launcher.pid if launcher else None,
            "port": cloud.port,
            "healthy": healthy,
            "memory_bytes": processes.memory_of([launcher] if launcher else []),
            "workers": max(len(members) - 1, 0),
        },
        "postgres": {
            "pid": server_pid,
            **(server.facts() if server else {"port": cloud.postgres_port}),
            "memory_bytes": processes.memory_of(database),
        },
        **stand_ins,
        "started_at": kept.get("started_at") if launcher else None,
        "snapshots": snapshot.keys(cloud.snapshots),
    }


def _stand_in(part: Part, pid: int | None) -> dict[str, Any]:
    process = part.process(pid)
    return {
        "pid": process.pid if process else None,
        "port": part.port,
        "url": part.url,
        "healthy": process is not None and part.answers(),
        "memory_bytes": processes.memory_of([process] if process else []),
    }

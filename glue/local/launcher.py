"""The process that runs the emulator: `python -m glue.local.launcher --home … --port …`.

It imports MiniStack, applies our mends, serves it on the loopback address, saves its
state every few seconds and once more when it is asked to end (SIGTERM).
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import os
import signal
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue.local.configuration import HOST, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, MutableMapping, Sequence

    Work = Callable[[], Coroutine[Any, Any, None]]

logger = logging.getLogger("glue.local")

SAVE_SECONDS = 5.0
# Longer than any client keeps an idle connection: closing first may cut off a question in mid-air.
KEEP_ALIVE_SECONDS = 600
ACCESS_LOG_BYTES = 20_000_000
GRACE_SECONDS = 3
READ_BYTES = 256 * 1024  # at once from a connection; asyncio reads no more either
MALLOC_TRIM_THRESHOLD, MALLOC_MMAP_THRESHOLD = -1, -3  # numbers of <malloc.h>
LARGEST_KEPT_BYTES = 32 * 1024 * 1024  # the most that the library allows
KEPT_BYTES = 256 * 1024 * 1024

# What must not reach the emulator, and through it every function it runs.
FOREIGN_PREFIXES = ("AWS_", "PROVING_GROUND_", "LOCALSTACK_", "MINISTACK_", "POWERTOOLS_")
FOREIGN_NAMES = ("PYTHONPATH", "SERVICES", "DOCKER_HOST", "EDGE_PORT", "USE_SSL", "DEBUG")


def prepare_environment(
    environment: MutableMapping[str, str], home: Path, port: int, wait_scale: float = 1.0
) -> None:
    """Set the emulator's variables, and remove what a shell may have left that would leak in.

    MiniStack reads its variables while it is imported, so this comes first.
    """
    for name in list(environment):
        if name.startswith(FOREIGN_PREFIXES) or name in FOREIGN_NAMES:
            del environment[name]
    environment.update(
        GATEWAY_PORT=str(port),
        BIND_HOST=HOST,
        MINISTACK_HOST="localhost",
        MINISTACK_REGION=REGION,
        AUTH="true",
        PERSIST_STATE="1",
        S3_PERSIST="1",
        STATE_DIR=str(home / "state"),
        S3_DATA_DIR=str(home / "s3"),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LAMBDA_EXECUTOR="local",
        SFN_WAIT_SCALE=str(wait_scale),
        TMPDIR=str(home / "tmp"),
        # With an engine on the machine the emulator would start containers behind our back,
        # and behave otherwise than on a machine without.
        DOCKER_HOST=f"unix://{home}/no-container-engine",
        # Workers of functions are many and small; an arena for each thread is a waste.
        MALLOC_ARENA_MAX="2",
    )
    environment.setdefault("LOG_LEVEL", "WARNING")


async def save_regularly(app: Any, changed: asyncio.Event) -> None:
    """Save the emulator's state while it runs, so that a kill loses seconds at most."""
    from ministack.core.persistence import save_all

    pause = SAVE_SECONDS
    while True:
        await asyncio.sleep(pause)
        if changed.is_set():
            changed.clear()
            began = time.monotonic()
            # On the loop's own thread: no request can change the state while it is copied.
            save_all(app._build_persistence_save_dict())  # noqa: SLF001
            # A large state is saved less often: at most a twentieth of the time goes into it.
            pause = max(SAVE_SECONDS, 20 * (time.monotonic() - began))


async def keep_going(work: Work) -> None:
    """Do some endless work, and begin again after an error of it, which goes to the log."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("%s failed and begins again", work)
            await asyncio.sleep(1)


def noting_changes(application: Any, changed: asyncio.Event) -> Any:
    """Wrap the ASGI application so that every request but a read sets the event."""

    async def noting(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await application(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
            changed.set()

    return noting


def access_logger(path: Path) -> logging.Logger:
    """Return the logger of requests: one line each, in two files of limited size."""
    access = logging.getLogger("glue.local.access")
    access.propagate = False
    access.setLevel(logging.INFO)
    kept = RotatingFileHandler(path, maxBytes=ACCESS_LOG_BYTES, backupCount=1, encoding="utf-8")
    access.handlers = [kept]
    return access


async def serve(port: int, access_log: Path, background: Sequence[Work] = ()) -> None:
    """Serve the emulator until SIGTERM or SIGINT; its state is saved on the way out.

    `access_log` is a file that gets a line for each request. `background` is work to be done
    meanwhile; if one of these fails, the log says so and the emulator goes on.
    """
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.asyncio import tcp_server
    from hypercorn.config import Config
    from ministack import app

    tcp_server.MAX_RECV = READ_BYTES
    configuration = Config()
    configuration.bind = [f"{HOST}:{port}"]
    configuration.keep_alive_timeout = KEEP_ALIVE_SECONDS
    configuration.graceful_timeout = GRACE_SECONDS
    configuration.loglevel = "WARNING"
    configuration.accesslog = access_logger(access_log)
    configuration.access_log_format = '%(t)s "%(R)s" %(s)s %(b)s'
    configuration.h11_max_incomplete_size = 64 * 1024

    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)

    changed = asyncio.Event()
    works: list[Work] = [functools.partial(save_regularly, app, changed), *background]
    tasks = [asyncio.create_task(keep_going(work)) for work in works]
    try:
        await hypercorn_serve(
            noting_changes(app.app, changed), configuration, shutdown_trigger=ending.wait
        )
    finally:
        for task in tasks:
            task.cancel()


def end_workers() -> None:
    """End the processes that still run functions; they have nothing to save."""
    import psutil

    workers = psutil.Process().children(recursive=True)
    for worker in workers:
        worker.kill()
    psutil.wait_procs(workers, timeout=GRACE_SECONDS)


def raise_file_limit() -> None:
    """Allow as many open files as the system lets us: bursts of connections need them."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def keep_freed_memory() -> None:
    """Use memory again that was freed, as the C library does not do by itself with large blocks.

    Each part of an upload would be received into pages that the system has to clear first, and
    gives back a moment later: that took a third of the time.
    """
    import ctypes

    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(MALLOC_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
        library.mallopt(MALLOC_TRIM_THRESHOLD, KEPT_BYTES)


def main(arguments: list[str] | None = None) -> int:
    """Run the emulator until it is told to end; the exit code is 0 then."""
    parser = argparse.ArgumentParser(prog="glue.local.launcher", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--wait-scale", type=float, default=1.0, help="of state machines' waits")
    parser.add_argument("--kubernetes-port", type=int, help="of the stand-in behind clusters")
    options = parser.parse_args(arguments)

    prepare_environment(os.environ, options.home, options.port, options.wait_scale)
    for name in ("state", "s3", "tmp"):
        (options.home / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    raise_file_limit()
    keep_freed_memory()

    from glue.local import mends
    from glue.local.mends import eks_endpoint

    eks_endpoint.serve_from(options.kubernetes_port)
    background = mends.apply_all(options.home)
    try:
        asyncio.run(serve(options.port, options.home / "access.log", background))
    finally:
        end_workers()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The stand-in as a program: `python -m glue.local.kubernetes --home … --port … --sts …`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue.errors import InputError
from glue.local.configuration import HOST
from glue.local.kubernetes.access import Access, from_eks
from glue.local.kubernetes.api import Api
from glue.local.kubernetes.cluster import Cluster
from glue.local.kubernetes.identity import Identities
from glue.local.kubernetes.nodes import standard_groups
from glue.local.kubernetes.runtimes import WORDS, choose
from glue.local.kubernetes.shipping import Shipper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glue.local.kubernetes.access import Entry

GRACE_SECONDS = 2


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="glue.local.kubernetes", description="A stand-in for a Kubernetes cluster."
    )
    parser.add_argument("--home", type=Path, required=True, help="folder for state and pods")
    parser.add_argument("--images", type=Path, help="folder with images.json; default: --home")
    parser.add_argument("--port", type=int, required=True, help=f"on {HOST}; nowhere else")
    parser.add_argument("--sts", required=True, help="address of the local cloud")
    parser.add_argument("--account", default="test", help="access key that reads the local EKS")
    parser.add_argument("--cluster", required=True, help="name that tokens are signed for")
    parser.add_argument("--gpu-nodes", type=int, default=4, help="how many there may be")
    parser.add_argument("--gpus", type=int, default=4, help="of each of these nodes")
    parser.add_argument("--gpu-node-cpus", type=int, help="default: as many as are asked for")
    parser.add_argument("--gpu-node-memory-gib", type=int, help="default: as much as is asked for")
    parser.add_argument("--gpu-start-seconds", type=float, default=1.0)
    parser.add_argument(
        "--runtime",
        choices=WORDS,
        default=os.environ.get("RUNTIME") or WORDS[0],
        help="what containers run as; default: what RUNTIME says, as for the local Batch",
    )
    parser.add_argument("--scale", type=float, default=1.0, help="of all waits and deadlines")
    parser.add_argument(
        "--no-logs",
        action="store_true",
        help="do not send what containers print to the local cloud's CloudWatch Logs",
    )
    parser.add_argument("--log-group", help="for pods without the label `log-group`")
    return parser.parse_args(words)


def eks_entries(endpoint: str, account: str, cluster: str) -> Callable[[], list[Entry]]:
    """Return what reads a cluster's access entries from the local EKS."""
    from glue.local.clients import LocalSession

    client = LocalSession(endpoint, access_key=account).client("eks")
    return lambda: from_eks(client, cluster)


def shipper(endpoint: str, account: str, group: str | None) -> Shipper:
    """Return what sends the containers' output to the local CloudWatch Logs."""
    from glue.local.clients import LocalSession

    return Shipper(lambda: LocalSession(endpoint, access_key=account).client("logs"), group)


async def serve(api: Api, port: int, until: Callable[[], Any]) -> None:
    """Serve the API and move the cluster on until `until()` has been waited for."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    configuration = Config()
    configuration.bind = [f"{HOST}:{port}"]
    configuration.graceful_timeout = GRACE_SECONDS
    configuration.loglevel = "CRITICAL"  # answers that are cut on purpose would fill the log
    moving = asyncio.create_task(api.cluster.run())
    try:
        await hypercorn_serve(api, configuration, shutdown_trigger=until)  # type: ignore[arg-type]
    finally:
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)
        await api.identities.close()


async def run(options: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    groups = standard_groups(
        options.gpu_nodes, options.gpus, options.gpu_start_seconds,
        cpus=options.gpu_node_cpus, memory_gib=options.gpu_node_memory_gib,
    )  # fmt: skip
    logs = None if options.no_logs else shipper(options.sts, options.account, options.log_group)
    # Before the cluster: what an earlier one left is removed.
    runtime = choose(options.runtime, options.home, options.images or options.home, options.sts)
    cluster = Cluster(options.home, groups, scale=options.scale, shipper=logs, runtime=runtime)
    identities = Identities(options.sts, options.cluster, cluster.store.clock)
    access = Access(options.home, eks_entries(options.sts, options.account, options.cluster))
    address = f"http://{HOST}:{options.port}"
    print(f"stand-in for Kubernetes: cluster {options.cluster} at {address}", flush=True)
    await serve(Api(cluster, identities, access), options.port, ending.wait)


def main(words: Sequence[str] | None = None) -> int:
    """Run the stand-in; the exit code is 0 once it was told to end, 1 when it cannot begin."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        asyncio.run(run(arguments(words)))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0

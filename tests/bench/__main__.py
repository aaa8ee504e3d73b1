"""`make bench`: bring up a platform of its own, measure, and print (or write) a table."""

from __future__ import annotations

import argparse
import fcntl
import os
import platform as machine
import shutil
import sys
from datetime import UTC, datetime

import psutil
from rich.console import Console
from rich.table import Table

from tests.bench import (
    backlog,
    checks,
    code,
    deploy,
    growth,
    latency,
    leaderboard,
    query,
    ship,
)
from tests.bench.measure import Figure
from tests.platform import ROOT, new_platform

SUBJECTS = {
    "ship": ship,
    "latency": latency,
    "query": query,
    "code": code,
    "backlog": backlog,
    "deploy": deploy,
    "checks": checks,
    "growth": growth,
    "leaderboard": leaderboard,
}
PAGE = ROOT / "docs" / "benchmarks.md"


def _page(figures: dict[str, list[Figure]]) -> str:
    memory = psutil.virtual_memory().total / 2**30
    lines = [
        "# Benchmarks",
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d} by `make bench WRITE=1` on {os.cpu_count()} cores",
        f"({machine.machine()}), {memory:.0f} GiB of memory, Python {machine.python_version()},",
        "against the local cloud on the same machine. Ratios compare with a peer of the same run;",
        "absolute times say more about the machine and the emulator than about AWS. The local",
        "PostgreSQL does not wait for the disk (fsync is off).",
        "",
    ]
    for subject, measured in figures.items():
        lines += [f"## {subject}", "", (sys.modules[SUBJECTS[subject].__name__].__doc__ or ""), ""]
        lines += ["| what | measured | aimed at |", "|---|---|---|"]
        lines += [f"| {one.subject} | {one.measured} | {one.target} |" for one in measured]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Measure the chosen subjects; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="one subject; repeatable")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    chosen = arguments.only or list(SUBJECTS)
    console = Console()
    bench = new_platform(ROOT / "build" / "bench")
    # A second one would empty the cloud of the first, and neither would measure anything.
    lock = (bench.build / ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        console.print("another benchmark is running in this folder: let it finish first")
        return 1
    console.print("bringing up a platform for the benchmarks")
    bench.up()
    figures: dict[str, list[Figure]] = {}
    try:
        for subject in chosen:
            console.print(f"measuring: {subject}")
            figures[subject] = SUBJECTS[subject].measure(bench)
            for one in figures[subject]:
                console.print(f"  {one.subject}: {one.measured}", highlight=False)
    finally:
        bench.down()
        # The recordings of a run must not be there in the next one; the snapshot is kept.
        bench.glue("local", "reset")
        shutil.rmtree(bench.build / "bench", ignore_errors=True)
        shutil.rmtree(bench.build / "journal", ignore_errors=True)
        shutil.rmtree(bench.build / "profiles", ignore_errors=True)
    table = Table("what", "measured", "aimed at", "holds")
    for one in [figure for measured in figures.values() for figure in measured]:
        holds = {None: "", True: "yes", False: "NO"}[one.holds]
        table.add_row(one.subject, one.measured, one.target, holds)
    console.print(table)
    if arguments.write:
        PAGE.write_text(_page(figures))
    missed = [one for measured in figures.values() for one in measured if one.holds is False]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

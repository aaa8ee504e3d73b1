"""`glue local`: start, stop and look at the local cloud."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from glue.errors import InputError
from glue.local.cloud import Cloud
from glue.local.coverage import COVERAGE

app = typer.Typer(
    name="local",
    help="The local cloud: an AWS emulator, PostgreSQL and stand-ins on this machine.",
    no_args_is_help=True,
)
console = Console()
errors = Console(stderr=True)

MEGABYTE = 1_000_000
COLOURS = {"proven": "green", "simulated": "yellow", "not covered": "red"}


def _fail(error: InputError) -> typer.Exit:
    errors.print(f"error: {error.field}: {error.message}", markup=False, soft_wrap=True)
    errors.print(f"  what to do: {error.remedy}", markup=False, soft_wrap=True)
    return typer.Exit(1)


@app.command()
def up() -> None:
    """Start the local cloud; nothing happens when it runs already."""
    began = time.monotonic()
    try:
        facts = Cloud().up()
    except InputError as error:
        raise _fail(error) from error
    server = facts["postgres"]
    console.print(f"local cloud: {facts['endpoint']} (process {facts['pid']})")
    console.print(f"PostgreSQL:  {server['host']}:{server['port']} (process {server['pid']})")
    for key, name, address in (
        ("kubernetes", "Kubernetes", "endpoint"),
        ("evalai", "EvalAI", "url"),
    ):
        if key in facts:
            found = facts[key]
            label = f"{name}:".ljust(12)
            console.print(f"{label} {found[address]}, a stand-in (process {found['pid']})")
    console.print(f"ready after {time.monotonic() - began:.1f} s")


@app.command()
def down() -> None:
    """Stop the local cloud; its state is kept and the next start takes it up."""
    try:
        stopped = Cloud().down()
    except InputError as error:
        raise _fail(error) from error
    console.print("stopped; the state is kept" if stopped else "it was not running")


@app.command()
def reset() -> None:
    """Empty the local cloud. Snapshots are kept; it runs afterwards if it ran before."""
    try:
        Cloud().reset()
    except InputError as error:
        raise _fail(error) from error
    console.print("emptied")


@app.command()
def snapshot(
    key: Annotated[str, typer.Argument(help="Name of the snapshot; one of another name goes.")],
    restore: Annotated[bool, typer.Option("--restore", help="Take up a kept state.")] = False,
) -> None:
    """Keep the state of the local cloud under a name, or go back to it."""
    try:
        cloud = Cloud()
        if not restore:
            cloud.save_snapshot(key)
            console.print(f"kept as {key}")
        elif cloud.restore_snapshot(key):
            console.print(f"restored {key}")
        else:
            kept = ", ".join(cloud.status()["snapshots"]) or "none is kept"
            raise _fail(InputError("key", f"there is no snapshot {key!r}", f"kept: {kept}"))
    except InputError as error:
        raise _fail(error) from error


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether the local cloud runs, where, and what it can and cannot prove.

    The exit code is 0 when it runs and 1 when it does not.
    """
    try:
        found = Cloud().status()
    except InputError as error:
        raise _fail(error) from error
    if as_json:
        coverage = [entry._asdict() for entry in COVERAGE]
        typer.echo(json.dumps({**found, "coverage": coverage}, indent=2))
    else:
        _print_status(found)
    if not found["running"]:
        raise typer.Exit(1)


def _print_status(found: dict[str, Any]) -> None:
    emulator, server = found["emulator"], found["postgres"]
    table = Table(title=f"local cloud in {found['home']}", title_justify="left")
    for heading in ("part", "address", "process", "memory"):
        table.add_column(heading)
    rows = [
        ("emulator", found["endpoint"], emulator),
        ("PostgreSQL", f"{server.get('host', '127.0.0.1')}:{server['port']}", server),
    ]
    for key, name in (("kubernetes", "stand-in for Kubernetes"), ("evalai", "stand-in for EvalAI")):
        if key in found:
            rows.append((name, found[key]["url"], found[key]))
    for part, address, facts in rows:
        pid = facts["pid"]
        memory = f"{facts['memory_bytes'] / MEGABYTE:.0f} MB" if pid else "-"
        table.add_row(part, str(address), str(pid) if pid else "not running", memory)
    console.print(table)

    covered = Table(title="what a test against it shows", title_justify="left")
    for heading in ("subject", "state", "note"):
        covered.add_column(heading, overflow="fold")
    for entry in COVERAGE:
        colour = COLOURS[entry.state]
        covered.add_row(entry.subject, f"[{colour}]{entry.state}[/{colour}]", entry.note)
    console.print(covered)

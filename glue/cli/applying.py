"""What a terminal, or a log, shows while Terraform works."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from glue.deploy.plans.summary import Summary

DONE = re.compile(r"^(?P<address>\S.*): (Creation|Modifications|Destruction) complete after")
# What a destroy does before Terraform.
DRAINED = "drain: "


def steps_of(summary: Summary) -> int:
    """Return how many resources Terraform will report as done; a replacement counts twice."""
    return sum(2 if change.action == "replace" else 1 for change in summary.changes)


@contextmanager
def watched(console: Console, title: str, total: int | None) -> Iterator[Callable[[str], None]]:
    """Yield a receiver of Terraform's lines: a bar on a terminal, a line each elsewhere."""
    if not console.is_terminal:

        def report(line: str) -> None:
            if DONE.match(line) or line.startswith(DRAINED):
                console.out(f"  {line}", highlight=False)

        yield report
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=total, last="")

        def advance(line: str) -> None:
            if found := DONE.match(line):
                progress.update(task, advance=1, last=found["address"])
            elif line.startswith(DRAINED):
                progress.console.out(line, highlight=False)

        yield advance

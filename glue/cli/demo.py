"""`glue demo`: bring the platform up on this machine and send real work through it."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(add_completion=False)
console = Console()
if not console.is_terminal:
    # A log has no width of its own; a reason broken after every word helps nobody.
    console.width = 140

# The shipper's journal of a demonstration must not mix with the user's own.
JOURNAL_VARIABLE = "PROVING_GROUND_JOURNAL"


@app.command()
def demo(
    size: Annotated[
        float, typer.Option(help="Total size of the recordings in MB.", min=0.1, max=20_000)
    ] = 24.0,
    patience: Annotated[
        float, typer.Option(help="Seconds that the events may take after the last byte.", min=1)
    ] = 90.0,
    submission_patience: Annotated[
        float, typer.Option(help="Seconds that the submissions may take.", min=1)
    ] = 300.0,
) -> None:
    """Bring up the local cloud; send recordings and submissions through it, checking each step.

    Ends with 0 only when everything is as expected. The cloud stays up afterwards.
    """
    import os

    from glue.cli.up import Step, bring_up
    from glue.demo.devices import profile_of
    from glue.demo.fabricate import NUMBER_OF_RECORDINGS
    from glue.demo.leaderboards import LeaderboardsStory
    from glue.demo.leaderboards_ground import open_ground
    from glue.demo.story import Story
    from glue.deploy.project import Project

    project, began = Project.here(), time.monotonic()
    folder = project.build / "demo"
    shutil.rmtree(folder / "rigs", ignore_errors=True)
    shutil.rmtree(folder / "fetched", ignore_errors=True)
    os.environ[JOURNAL_VARIABLE] = str(folder / "journal")

    def report(step: Step) -> None:
        console.print(f"{step.seconds:6.1f} s  {step.text}", highlight=False, soft_wrap=True)

    console.print("[bold]bringing up the platform on this machine[/bold]")
    bring_up(project, report, console, verify=True)
    now = datetime.now(UTC)
    story = Story(
        console, folder, lambda device, group: profile_of(project, device, group), patience
    )
    story.tell(
        f"{now:%Y%m%dT%H%M%S}", int(size * 1e6 / NUMBER_OF_RECORDINGS), now - timedelta(hours=2)
    )
    LeaderboardsStory(console, open_ground(project), submission_patience).tell()
    console.print(f"\nall as expected, in {time.monotonic() - began:.0f} s. Look around:")
    for command, what in (
        (".venv/bin/glue recordings find --where 'subject_fatigue >= 3'", "ask a question"),
        (".venv/bin/glue recordings show 20210229_161221", "one recording, whole"),
        (".venv/bin/glue recordings quarantined", "what went wrong, and why"),
        (".venv/bin/glue leaderboard submissions leaderboard-10", "the submissions to one board"),
        (".venv/bin/glue local status", "what runs, what it proves"),
        ("make down", "end it; what it holds is kept"),
    ):
        console.print(f"  {command:66} # {what}", markup=False, highlight=False, soft_wrap=True)

"""`glue rehearse`: staging and prod played through, side by side, in a cloud on this machine."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from glue.cli.output import print_json

if TYPE_CHECKING:
    from rich.status import Status

    from glue.rehearsal.play import Play
    from glue.rehearsal.report import Told
    from glue.rehearsal.verbs import Outcome

app = typer.Typer(add_completion=False)

LOG_WIDTH = 140
INTERRUPTED = 130


@app.command()
def rehearse(
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Destroy nothing at the end; leave the cloud running."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a report as JSON.")] = False,
) -> None:
    """Bring up staging and prod in two accounts of a local cloud, by the usual verbs.

    Planned, applied, planned again, checked, changed, drifted, mended, destroyed, and neither
    ever touches the other. Ends with 0 only when every step went as it should.
    """
    from glue.deploy.project import Project
    from glue.rehearsal.play import Play

    console = Console(stderr=as_json)
    if not console.is_terminal:
        # A log has no width of its own; a reason broken after every word helps nobody.
        console.width = LOG_WIDTH
    play = Play(Project.here(), Teller(console), is_kept=keep)
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C does: the verbs and the cloud are ended on the way out.
        signal.signal(number, signal.default_int_handler)
    report = play.run()
    if as_json:
        print_json(report.to_dict())
    else:
        console.print()
        console.print(report.to_table())
    if keep:
        look_around(console, play)
    if report.failure is not None:
        console.print(
            f"error: {report.failure['field']}: {report.failure['message']}\n"
            f"  what to do: {report.failure['remedy'] or 'see ' + str(play.folder / 'logs')}",
            style="red", markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
    elif not as_json:
        console.print(f"all as expected, in {report.seconds:.0f} s")
    raise typer.Exit(0 if report.is_ok else 1)


def look_around(console: Console, play: Play) -> None:
    """Say how to use the cloud that was left running, and how to end it."""
    stage = play.stage
    if stage is None:
        return
    console.print("\nThe cloud is left running. To be in one of its accounts:")
    for account in stage.accounts:
        settings = account.credentials() | account.folders()
        words = " ".join(f"{name}={value}" for name, value in settings.items())
        console.print(
            f"  {account.environment}: export {words}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    home = play.folder / "local"
    for command, what in (
        (f"cd {play.sources}", "the copy that was rehearsed: plans are made from its commit"),
        ("glue deploy drift --env staging", "any of the usual verbs"),
        (f"PROVING_GROUND_LOCAL_HOME={home} glue local down", "end it"),
    ):
        console.print(f"  {command}  # {what}", markup=False, highlight=False, soft_wrap=True)


class Teller:
    """Tells a rehearsal as it happens: a clock on a terminal, a line for each verb elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None

    def begins(self, told: Told) -> None:
        """Print the title of a step."""
        self._say(f"\n[bold]{told.name}[/bold]: {told.title}", markup=True)
        if self._console.is_terminal:
            self._status = self._console.status(told.title)
            self._status.start()

    def runs(self, outcome: Outcome) -> None:
        """Print a verb that has ended."""
        told = f"{outcome.seconds:6.1f} s  {outcome.environment:8} {outcome.command}"
        self._say(f"  {told}  → {outcome.code}", style="dim")

    def sees(self, sentence: str) -> None:
        """Print what a step has seen."""
        self._say(f"  {sentence}")

    def ends(self, told: Told) -> None:
        """Print how long a step took."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        self._say(f"  {'done' if told.is_ok else 'failed'} in {told.seconds:.1f} s", style="dim")

    def _say(self, text: str, *, markup: bool = False, style: str = "") -> None:
        self._console.print(text, markup=markup, style=style, highlight=False, soft_wrap=True)

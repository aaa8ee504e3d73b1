"""`glue leaderboard`: submissions and their results."""

from __future__ import annotations

import typer

from glue.cli.leaderboard_parse import parse

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Submissions to leaderboards, and results."
)


@app.callback()
def _group() -> None:
    """Keep `parse` a subcommand: an application of one command would be that command."""


app.command()(parse)

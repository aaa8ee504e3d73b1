"""`glue leaderboard`: submissions and their results."""

from __future__ import annotations

import typer

from glue.cli.leaderboard_connect import connect
from glue.cli.leaderboard_parse import parse
from glue.cli.leaderboard_submissions import list_leaderboards, rerun, show, submissions

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Submissions to leaderboards, and results."
)

app.command(name="list")(list_leaderboards)
app.command()(submissions)
app.command()(show)
app.command()(rerun)
app.command()(parse)
app.command()(connect)

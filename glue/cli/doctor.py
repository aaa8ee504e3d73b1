"""`glue doctor`: find what would make a plan or an apply fail, before either is begun."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from glue.cli.output import print_json

app = typer.Typer(add_completion=False)
errors = Console(stderr=True)
# Reports in a log are never cut.
LOG_WIDTH = 160


@app.command()
def doctor(
    env: Annotated[
        str,
        typer.Option(
            "--env", "-e", help="An environment; without one, this machine and all tfvars files."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print what is good, too, check by check.")
    ] = False,
) -> None:
    """Find what would make a plan or an apply fail; nothing is changed.

    Exit code 0: nothing failed, 2: something did, 1: it could not be looked at.
    """
    from glue.checks.run import run
    from glue.checks.table import print_report
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project
    from glue.doctor.context import Context
    from glue.doctor.subjects import subjects

    project = Project.here()
    deployment = Environment.load(env, project) if env else None
    context = Context.of(project, deployment)
    with errors.status("looking"):
        report = run(subjects(has_environment=deployment is not None), context)
    if as_json:
        print_json(report.to_dict() | {"counts": report.counts, "seconds": report.seconds})
    else:
        console = Console()
        if not console.is_terminal:
            console.width = LOG_WIDTH
        print_report(report, console, verbose=verbose)
    raise typer.Exit(report.exit_code)

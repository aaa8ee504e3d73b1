"""`glue deploy drift`: what changed behind Terraform's back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from glue.cli.output import print_json

FOUND = 2
errors = Console(stderr=True)


def drift(
    env: Annotated[
        str, typer.Option("--env", "-e", help="The environment: local, staging or prod.")
    ] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare an environment with its state, and look for what no state knows.

    Exit code 0: nothing found, 2: findings, 1: error. Nothing is changed.
    """
    from glue.deploy.drift import detection
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    environment = Environment.load(env, Project.here())
    with errors.status(f"reading {env}"):
        report = detection.detect(environment)
    if as_json:
        print_json(report.to_dict())
    else:
        print(report.to_markdown())
    raise typer.Exit(0 if report.is_clean else FOUND)

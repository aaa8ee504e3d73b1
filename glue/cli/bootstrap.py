"""`glue deploy bootstrap`: what an account has once, before its platform."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from glue.cli.applying import steps_of, watched
from glue.cli.options import AsJson, Confirm, asked
from glue.cli.output import print_json, say

if TYPE_CHECKING:
    from glue.deploy.bootstrap.ground import Outcome

errors = Console(stderr=True)


def bootstrap(
    env: Annotated[str, typer.Option("--env", "-e", help="The environment: staging or prod.")],
    repository: Annotated[
        str | None,
        typer.Option(help="GitHub repository (owner/name) that gets roles for CI; none: no roles."),
    ] = None,
    branch: Annotated[
        str | None, typer.Option(help="Its branch that may plan beside pull requests: main.")
    ] = None,
    confirm: Confirm = "",
    unlock: Annotated[
        str | None, typer.Option(help="Id of a lock that a dead run left on this state.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an account's bucket of Terraform states and its roles for CI; again at any time."""
    from glue.deploy.bootstrap import ground
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    began = time.monotonic()
    environment = Environment.load(env, Project.here())
    prepared = ground.prepare(environment, repository=repository, branch=branch, unlock=unlock)
    for address in prepared.adopted:
        say(f"found and taken into the state: {address}")
    if not prepared.summary.is_empty:
        if not as_json:
            print(prepared.summary.to_markdown())
        asked(env, confirm, f"apply this to account {environment.facts.account_id}")
    with watched(errors, f"bootstrapping {env}", steps_of(prepared.summary)) as on_line:
        outcome = ground.apply(prepared, on_line)
    if as_json:
        print_json(outcome.model_dump() | {"summary": prepared.summary.to_dict()})
        return
    word = "nothing to do" if prepared.is_done else f"done in {time.monotonic() - began:.0f} s"
    print(f"{env}: {word}")
    _print_outcome(outcome)


def _print_outcome(outcome: Outcome) -> None:
    """Print where things are, and what GitHub has to be told."""
    if outcome.moved:
        print("  the state of this ground has moved into the bucket")
    print(f"  states: s3://{outcome.state['bucket']}")
    if outcome.ci is None:
        print("  no roles for CI (--repository owner/name makes them)")
        return
    name = outcome.environment
    print(f"  in the settings of https://github.com/{outcome.ci['repository']}:")
    print(
        f"    variable {name.upper().replace('-', '_')}_PLAN_ROLE = {outcome.ci['plan_role_arn']}"
    )
    print(f"    environment {name}: required reviewers; branch {outcome.ci['branch']} only;")
    print(f"      variable APPLY_ROLE = {outcome.ci['apply_role_arn']}")

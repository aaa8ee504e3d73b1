"""`glue deploy`: packages, plans, apply and destroy, and the whole platform in one verb."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from glue.cli.applying import steps_of, watched
from glue.cli.output import print_json
from glue.errors import InputError

app = typer.Typer(
    name="deploy",
    help="Packages, plans and what is made of them: an environment at a time.",
    add_completion=False,
    no_args_is_help=True,
)
errors = Console(stderr=True)

CHANGES = 2

EnvironmentName = Annotated[
    str, typer.Option("--env", "-e", help="The environment: local, staging or prod.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def package(env: EnvironmentName = "local", as_json: AsJson = False) -> None:
    """Build the Lambda packages of an environment; nothing happens when nothing changed."""
    from glue.deploy import packages
    from glue.deploy.project import Project

    began = time.monotonic()
    built = packages.build("local" if env == "local" else "aws", Project.here())
    if as_json:
        print_json(asdict(built.packages) | {"built": built.is_new})
        return
    word = f"built in {time.monotonic() - began:.1f} s" if built.is_new else "unchanged"
    for path in (built.code, built.layer):
        print(f"{path.name}  {path.stat().st_size / 1e6:.1f} MB  {word}")


@app.command()
def plan(env: EnvironmentName = "local", as_json: AsJson = False) -> None:
    """Save a plan and print what it would do. Exit code 0: nothing, 2: changes, 1: error."""
    from glue.deploy import plans
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    planned = plans.plan(Environment.load(env, Project.here()))
    if as_json:
        print_json(planned.summary.to_dict())
    else:
        print(planned.summary.to_markdown())
        print(f"saved in {planned.folder}")
    raise typer.Exit(0 if planned.summary.is_empty else CHANGES)


@app.command()
def apply(
    env: EnvironmentName = "local",
    verify: Annotated[
        bool, typer.Option("--verify", help="Plan again; a plan that is not empty is an error.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Apply the saved plan, exactly that one, and keep the outputs."""
    from glue.deploy import plans
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    began = time.monotonic()
    environment = Environment.load(env, Project.here())
    total = steps_of(plans.saved_plan(environment).summary)
    with watched(errors, f"applying to {env}", total) as on_line:
        values = plans.apply(environment, on_line)
    if verify:
        plans.verify(environment)
    if as_json:
        print_json(values)
        return
    print(f"{env}: {total} done in {time.monotonic() - began:.0f} s")


@app.command()
def outputs(env: EnvironmentName = "local") -> None:
    """Print the outputs of the last apply, as JSON."""
    from glue.deploy.environments import read_outputs
    from glue.deploy.project import Project

    print_json(read_outputs(env, Project.here()))


@app.command()
def destroy(
    env: EnvironmentName = "local",
    erase_raw: Annotated[
        list[str] | None,
        typer.Option(help="A bucket whose recordings are erased too, for ever; may be repeated."),
    ] = None,
    confirm: Annotated[
        str, typer.Option(help="The environment's name again; asked for when missing.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Destroy an environment; a bucket of recordings stops it unless it is named."""
    from glue.deploy import destroy as removal
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    environment = Environment.load(env, Project.here())
    if not environment.is_local and (confirm or typer.prompt(f"Type {env}")) != env:
        raise InputError("confirm", "that is not its name", f"say `--confirm {env}`")
    with watched(errors, f"destroying {env}", None) as on_line:
        report = removal.destroy(environment, erase_raw or [], on_line)
    if as_json:
        print_json(report.model_dump())
        return
    print(f"{env}: {report.destroyed} resources destroyed")
    for name, count in report.erased_objects.items():
        print(f"  {name}: {count} object versions erased")
    print(f"  {report.revoked_keys} API keys revoked")
    for arn in report.left:
        print(f"  still there: {arn}")


@app.command()
def up(
    verify: Annotated[
        bool, typer.Option("--verify", help="Plan again; a plan that is not empty is an error.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring up the whole platform in the local cloud, from a snapshot if it fits."""
    from glue.cli.up import Step, bring_up
    from glue.deploy.project import Project

    steps: list[Step] = []

    def report(step: Step) -> None:
        steps.append(step)
        if not as_json:
            print(f"{step.seconds:6.1f} s  {step.text}")

    values = bring_up(Project.here(), report, errors, verify=verify)
    if as_json:
        done = [step._asdict() for step in steps]
        print_json({"steps": done, "outputs": values})

"""`glue deploy`: packages, plans, apply and destroy, and the whole platform in one verb."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from glue.cli import state as state_commands
from glue.cli.applying import steps_of, watched
from glue.cli.bootstrap import bootstrap
from glue.cli.drift import drift
from glue.cli.options import Allow, AsJson, Confirm, EnvironmentName, asked, somebody_is_there
from glue.cli.output import print_json

app = typer.Typer(
    name="deploy",
    help="Packages, plans and what is made of them: an environment at a time.",
    add_completion=False,
    no_args_is_help=True,
)
errors = Console(stderr=True)

CHANGES = 2


@app.command()
def package(env: EnvironmentName = "local", as_json: AsJson = False) -> None:
    """Build the Lambda packages of an environment; nothing happens when nothing changed."""
    from glue.deploy.packages import builder
    from glue.deploy.project import Project

    began = time.monotonic()
    built = builder.build("local" if env == "local" else "aws", Project.here())
    if as_json:
        print_json(asdict(built.packages) | {"built": built.is_new})
        return
    word = f"built in {time.monotonic() - began:.1f} s" if built.is_new else "unchanged"
    for path in (built.code, built.layer):
        print(f"{path.name}  {path.stat().st_size / 1e6:.1f} MB  {word}")


@app.command()
def plan(env: EnvironmentName = "local", as_json: AsJson = False) -> None:
    """Save a plan and print what it would do. Exit code 0: nothing, 2: changes, 1: error."""
    from glue.deploy.environments import Environment
    from glue.deploy.plans import deployment
    from glue.deploy.project import Project

    planned = deployment.plan(Environment.load(env, Project.here()))
    if as_json:
        print_json(planned.summary.to_dict())
    else:
        print(planned.summary.to_markdown())
        print(f"saved in {planned.folder}")
    raise typer.Exit(0 if planned.summary.is_empty else CHANGES)


@app.command()
def apply(
    env: EnvironmentName = "local",
    allow: Allow = None,
    confirm: Confirm = "",
    verify: Annotated[
        bool, typer.Option(help="Plan again; a plan that is not empty is an error.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Apply the saved plan, exactly that one, keep the outputs, and plan again.

    Refuses, with every reason at once, what does not fit the plan's seal, what would lose data
    that is not named with --allow, and prod without its name.
    """
    from glue.deploy import evalai_secrets
    from glue.deploy.environments import Environment
    from glue.deploy.kubernetes import workloads
    from glue.deploy.plans import deployment
    from glue.deploy.plans.refusals import Refused, is_guarded
    from glue.deploy.project import Project

    began = time.monotonic()
    environment = Environment.load(env, Project.here())
    names = tuple(allow or ())
    try:
        if is_guarded(env) and not confirm and somebody_is_there():
            # Nobody types a name for a plan that is refused for another reason.
            print(deployment.examine(environment, allow=names, confirm=env).summary.to_markdown())
            confirm = asked(env, confirm, f"apply this to {env}")
        total = steps_of(deployment.saved_plan(environment).summary)
        with watched(errors, f"applying to {env}", total) as on_line:
            values = deployment.apply(environment, on_line, allow=names, confirm=confirm)
    except Refused as refused:
        if as_json:
            reasons = [one.to_dict() for one in refused.refusals]
            print_json({"environment": env, "refused": reasons})
        raise
    if verify:
        with errors.status("planning again"):
            deployment.verify(environment)
    if as_json:
        print_json(values)
        return
    done = "the second plan is empty" if verify else "not verified by a second plan"
    print(f"{env}: {total} done in {time.monotonic() - began:.0f} s, {done}")
    for remind in (workloads.reminder, evalai_secrets.reminder):
        if todo := remind(environment, values):
            print(f"next: {todo}")


@app.command()
def outputs(env: EnvironmentName = "local") -> None:
    """Print the outputs of the last apply, as JSON."""
    from glue.deploy.environments import read_outputs
    from glue.deploy.project import Project

    print_json(read_outputs(env, Project.here()))


@app.command()
def destroy(
    env: EnvironmentName = "local",
    erase: Annotated[
        list[str] | None,
        typer.Option(
            "--erase",
            "--erase-raw",
            help="A bucket, table, registry, user pool, cluster … that is erased too, for ever; "
            "may be repeated.",
        ),
    ] = None,
    confirm: Confirm = "",
    as_json: AsJson = False,
) -> None:
    """Destroy an environment; recordings and what is protected stop it unless named."""
    from glue.deploy import destroy as removal
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    environment = Environment.load(env, Project.here())
    if confirm or not environment.is_local:
        asked(env, confirm, f"destroy {env}")
    with watched(errors, f"destroying {env}", None) as on_line:
        report = removal.destroy(environment, erase or [], on_line)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print(report.to_text())


@app.command()
def up(
    allow: Allow = None,
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

    values = bring_up(Project.here(), report, errors, allow=tuple(allow or ()), verify=verify)
    if as_json:
        done = [step._asdict() for step in steps]
        print_json({"steps": done, "outputs": values})


for command in (
    bootstrap,
    drift,
    state_commands.lock,
    state_commands.unlock,
    state_commands.backups,
    state_commands.restore,
):
    app.command()(command)

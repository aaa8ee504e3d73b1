"""`glue kubernetes`: what lives inside the cluster, which Terraform does not touch."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from glue.cli.output import print_json
from glue.errors import InputError

app = typer.Typer(
    name="kubernetes",
    help="What lives inside the cluster: render it, compare it, apply it.",
    add_completion=False,
    no_args_is_help=True,
)
progress = Console(stderr=True)

DIFFERENT = 2

EnvironmentName = Annotated[
    str, typer.Option("--env", "-e", help="The environment: staging or prod.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def render(env: EnvironmentName, as_json: AsJson = False) -> None:
    """Print what the cluster is to run, checked against the schemas of its version."""
    from glue.deploy.environments import Environment, read_outputs
    from glue.deploy.kubernetes import workloads
    from glue.deploy.project import Project

    project = Project.here()
    rendered = workloads.render(Environment.load(env, project), read_outputs(env, project))
    if as_json:
        print_json(list(rendered.documents))
        return
    print(rendered.text, end="")


@app.command()
def diff(env: EnvironmentName, as_json: AsJson = False) -> None:
    """Print how the cluster differs. Exit code 0: not at all, 2: it does, 1: error."""
    from glue.deploy.environments import Environment, read_outputs
    from glue.deploy.kubernetes import workloads
    from glue.deploy.project import Project

    project = Project.here()
    found = workloads.diff(Environment.load(env, project), read_outputs(env, project))
    if as_json:
        print_json({"diff": found.text, "deleted": [str(name) for name in found.deleted]})
    else:
        print(found.text, end="")
        for name in found.deleted:
            print(f"- {name} (no longer in kubernetes/)")
    raise typer.Exit(0 if found.is_empty else DIFFERENT)


@app.command()
def apply(
    env: EnvironmentName,
    confirm: Annotated[
        str, typer.Option(help="The environment's name again; asked for when missing in prod.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Take over fields that somebody else has set.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Apply it, wait until it runs, and delete what is no longer in kubernetes/."""
    from glue.deploy.environments import Environment, read_outputs
    from glue.deploy.kubernetes import workloads
    from glue.deploy.project import Project

    project = Project.here()
    environment = Environment.load(env, project)
    outputs = read_outputs(env, project)
    if env == "prod" and (confirm or typer.prompt(f"Type {env}")) != env:
        raise InputError("confirm", "that is not its name", f"say `--confirm {env}`")

    def say(line: str) -> None:
        progress.out(f"  {line}", highlight=False)

    done = workloads.apply(environment, outputs, say, force=force)
    if as_json:
        names = {"objects": done.objects, "deleted": done.deleted, "left": done.left}
        print_json({key: [str(name) for name in found] for key, found in names.items()})
        return
    print(f"{env}: {len(done.objects)} objects applied, {len(done.deleted)} deleted")
    for name in done.left:
        print(f"  still there, and no longer in kubernetes/: {name}")

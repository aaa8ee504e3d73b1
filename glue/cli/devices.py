"""glue devices: add, list, revoke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glue.cli.output import print_json, print_table, say
from glue.errors import InputError

if TYPE_CHECKING:
    from glue.devices import Directory

app = typer.Typer(no_args_is_help=True, help="Credentials of rigs and people (operators).")

EnvironmentName = Annotated[
    str, typer.Option("--env", "-e", help="The environment: local, staging or prod.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def _directory(env: str) -> Directory:
    from glue.deploy.environments import Environment, read_outputs
    from glue.deploy.project import Project
    from glue.devices import Directory

    project = Project.here()
    environment = Environment.load(env, project)
    environment.require_credentials()
    outputs = read_outputs(env, project)
    account = environment.client("sts").get_caller_identity()["Account"]
    if account != environment.facts.account_id:
        raise InputError(
            "credentials",
            f"they are for account {account}, and {env} is {environment.facts.account_id}",
            "log in to the environment's account (AWS_PROFILE)",
        )
    return Directory(environment.client("cognito-idp"), environment.client("apigateway"), outputs)


@app.command()
def add(
    name: str,
    group: Annotated[
        str, typer.Option("--group", help="shippers, researchers, hosts or operators.")
    ],
    profile: Annotated[
        Path | None,
        typer.Option("--profile", metavar="FILE", help="Write the credentials to this file."),
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Give a device that is there new credentials.")
    ] = False,
    env: EnvironmentName = "local",
    as_json: Json = False,
) -> None:
    """Make a device or person and show the secret, this once."""
    made = _directory(env).add(name, group, rotate=rotate)
    if profile is not None:
        made.save(profile)
        say(f"{name} ({group}): the credentials are in {profile}")
        return
    if as_json:
        print_json(made.to_dict())
        return
    print_table(("", "value"), made.to_dict().items())
    say("The secret is shown only now. As a profile file: --profile FILE")


@app.command(name="list")
def list_devices(env: EnvironmentName = "local", as_json: Json = False) -> None:
    """List devices and people with their groups."""
    devices = _directory(env).list()
    if as_json:
        print_json({"devices": [device.to_dict() for device in devices]})
        return
    print_table(
        ("device", "groups", "enabled", "key"),
        [
            (
                device.device,
                ", ".join(device.groups),
                "yes" if device.enabled else "no",
                "yes" if device.has_key else "no",
            )
            for device in devices
        ],
        "no devices",
    )


@app.command()
def revoke(name: str, env: EnvironmentName = "local", as_json: Json = False) -> None:
    """Lock a device out, at once; its recordings stay."""
    _directory(env).revoke(name)
    if as_json:
        print_json({"device": name, "enabled": False})
    else:
        print(f"{name} is locked out")

"""`glue deploy lock | unlock | backups | restore`: the state of an environment."""

from __future__ import annotations

from typing import Annotated

import typer

from glue.cli.options import AsJson, Confirm, EnvironmentName, asked
from glue.cli.output import print_json, print_table


def lock(env: EnvironmentName = "local", as_json: AsJson = False) -> None:
    """Say who holds the state of an environment. Exit code 0: nobody, 2: somebody, 1: error."""
    from glue.deploy import state
    from glue.deploy.environments import Environment
    from glue.deploy.holder import liveness
    from glue.deploy.project import Project

    held = state.lock(Environment.load(env, Project.here()))
    if as_json:
        document = held.model_dump(mode="json") if held else None
        if held and document is not None:
            document |= {
                "age_seconds": round(held.age_seconds, 1),
                "liveness": liveness(held),
                "explanation": state.explain(held),
                "unlock": state.unlock_command(held),
            }
        print_json({"environment": env, "lock": document})
    elif held:
        print(f"{env} is locked: {state.explain(held)}.")
        print(f"If it is dead: {state.unlock_command(held)}")
    else:
        print(f"nobody holds the state of {env}")
    raise typer.Exit(2 if held else 0)


def unlock(
    lock_id: Annotated[str, typer.Option("--id", help="The lock's id, as `lock` prints it.")],
    env: EnvironmentName = "local",
    confirm: Annotated[
        str,
        typer.Option(help="The environment's name: unlock although the holder may be alive."),
    ] = "",
) -> None:
    """Take the lock of a state from a holder that is gone."""
    from glue.deploy import state
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    environment = Environment.load(env, Project.here())
    confirmed = bool(confirm) and bool(asked(env, confirm, f"unlock {env}"))
    held = state.unlock(environment, lock_id, confirmed=confirmed)
    print(f"{env}: the lock of {held.who} for {held.verb} is taken away")
    print(f"see what the interrupted run left: glue deploy plan --env {env}")


def backups(env: EnvironmentName = "local", as_json: AsJson = False) -> None:
    """List the backups of an environment's state, newest first."""
    from glue.deploy import state
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    found = state.backups(Environment.load(env, Project.here()))
    if as_json:
        print_json({"environment": env, "backups": [one.model_dump(mode="json") for one in found]})
        return
    rows = [(one.name, f"{one.created:%Y-%m-%d %H:%M:%S}", one.serial, one.size) for one in found]
    print_table(("backup", "made (UTC)", "serial", "bytes"), rows, empty="there are no backups")


def restore(
    backup: Annotated[str, typer.Argument(help="The backup's name, as `backups` lists it.")],
    env: EnvironmentName = "local",
    confirm: Confirm = "",
) -> None:
    """Put a backup of the state in the place of the present one, which becomes a backup."""
    from glue.deploy import state
    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

    environment = Environment.load(env, Project.here())
    asked(env, confirm, f"replace the state of {env}")
    serial = state.restore(environment, backup)
    print(f"{env}: the state is that of {backup} again, as serial {serial}")
    print(f"see how what exists differs from it: glue deploy plan --env {env}")

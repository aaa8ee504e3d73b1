"""Options that several commands of operators take."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from glue.errors import InputError

EnvironmentName = Annotated[
    str, typer.Option("--env", "-e", help="The environment: local, staging or prod.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Confirm = Annotated[
    str, typer.Option("--confirm", help="The environment's name again; asked for when missing.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        help="An address whose data may be lost, as the summary writes it; may be repeated.",
    ),
]


def somebody_is_there() -> bool:
    """Tell whether there is a terminal at which something can be typed."""
    return sys.stdin.isatty()


def asked(environment: str, confirm: str, what: str) -> str:
    """Return the environment's name as given again: by --confirm, or typed when somebody is there.

    Raises InputError when it is another name, and when there is nobody to ask.
    """
    remedy = f"say `--confirm {environment}`"
    if not confirm:
        if not somebody_is_there():
            text = f"to {what}, its name must be given again, and nobody is here to type it"
            raise InputError("confirm", text, remedy, "not_confirmed")
        confirm = typer.prompt(f"To {what}, type {environment}")
    if confirm != environment:
        text = f"{confirm!r} is not the environment's name"
        raise InputError("confirm", text, remedy, "not_confirmed")
    return confirm

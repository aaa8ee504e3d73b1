"""The `glue` program: its groups of commands, and what an error looks like.

A group is imported when one of its commands is run: a rig that ships recordings loads neither
Terraform's runner nor an AWS library.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from glue.cli.output import print_error, say
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130

# Name: where its Typer application is, and what the help says. The verbs that are one command are
# an application of one command.
GROUPS = {
    "recordings": ("glue.cli.recordings", "Ship recordings, find them, fetch them."),
    "leaderboard": ("glue.cli.leaderboard", "Submissions to leaderboards, and their results."),
    "devices": ("glue.cli.devices", "Credentials of rigs and people."),
    "local": ("glue.cli.local", "The whole platform on this machine."),
    "deploy": ("glue.cli.deploy", "Packages, plans and what follows from them."),
    "check": ("glue.cli.check", "Ask a deployed environment whether it is as it should be."),
    "doctor": ("glue.cli.doctor", "Find what would make a plan or an apply fail."),
    "kubernetes": ("glue.cli.kubernetes", "What lives inside the cluster: render, diff, apply."),
    "rehearse": ("glue.cli.rehearse", "Play staging and prod through, here, side by side."),
    "demo": ("glue.cli.demo", "Bring it all up here and send real work through it."),
}


class _Deferred(TyperGroup):
    """A group of commands whose module is imported when it is entered."""

    def __init__(self, name: str, module: str, text: str) -> None:
        super().__init__(name=name, help=text, short_help=text, add_help_option=False)
        self.module = module

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        try:
            app = importlib.import_module(self.module).app
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("glue"):
                raise
            raise InputError(
                f"glue {self.name}",
                f"the package {error.name} is not installed",
                "install the operators' tools: pip install 'glue[operators]'",
                "not_installed",
            ) from error
        command = typer.main.get_command(app)
        return command.make_context(info_name, args, parent=parent, **extra)


class _Program(TyperGroup):
    """The top of the command line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, (module, text) in GROUPS.items():
            self.add_command(_Deferred(name, module, text), name)


app = typer.Typer(
    cls=_Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Recordings from rigs to researchers, and the platform that carries them.",
)


@app.callback()
def _top(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Say what every command can be given; `main` takes --debug out before it comes here."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code, having printed any error."""
    debug = "--debug" in arguments or bool(os.environ.get("PROVING_GROUND_DEBUG"))
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        app_command = typer.main.get_command(app)
        app_command.main(args=list(arguments), prog_name="glue")
    except InputError as error:
        print_error(error)
        if debug:
            raise
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last place where it can become one readable line
        if debug:
            raise
        say(f"error: {type(error).__name__}: {error}")
        say("  what to do: run the command with --debug for the traceback, and report it")
        return 1
    return 0


def main() -> NoReturn:
    """Run `glue` and end the process."""
    code = run(sys.argv[1:])
    if code == INTERRUPTED:
        say("stopped")
    if threading.active_count() > 1:
        # A thread may be in the middle of a transfer that nobody waits for any more. What it
        # has done is on disk or in S3 already, and what it is doing counts only when done.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()

"""A stand-in for a participant's agent: it drives every route it is asked for, at once.

`python -m glue.local.carla.agent`, with AGENT_PORT and OUTPUT_FOLDER. It answers
`hello TRACK` with `ready` and `route ROUTE` with `driven ROUTE`. `--crash 3,16` dies on those
routes, every time; `--hang 3` never answers for them. For each route it leaves a line in
OUTPUT_FOLDER/agent.log.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from glue.local.carla import lines
from glue.local.carla.environment import port, route_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG = "agent.log"
CRASHED = 1


class Agent:
    """What it answers, and how it ends."""

    def __init__(
        self,
        folder: Path,
        dies_on: frozenset[int] = frozenset(),
        hangs_on: frozenset[int] = frozenset(),
    ) -> None:
        self.folder, self.dies_on, self.hangs_on = folder, dies_on, hangs_on

    def reply(self, question: str) -> str:
        """Return the answer to a line."""
        word, _, subject = question.partition(" ")
        if word == "hello":
            self.log(f"asked to drive on track {subject}")
            return "ready"
        if word != "route" or not subject:
            return "what?"
        numbers = route_numbers(subject)
        if numbers & self.dies_on:
            self.log(f"{subject}: RuntimeError: the car is not where it should be")
            sys.stdout.flush()
            os._exit(CRASHED)
        if numbers & self.hangs_on:
            self.log(f"{subject}: thinks")
            threading.Event().wait()
        self.log(f"{subject}: driven")
        return f"driven {subject}"

    def log(self, text: str) -> None:
        """Write a line to the output and to the log file."""
        print(f"stand-in agent: {text}", flush=True)
        if self.folder.is_dir():
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                print(text, file=file)


def main(arguments: Sequence[str] | None = None) -> None:
    """Listen until somebody ends it."""
    parser = argparse.ArgumentParser(prog="agent", description=__doc__)
    parser.add_argument("--crash", default="", metavar="ROUTES", help="die on these, as in 3,16")
    parser.add_argument("--hang", default="", metavar="ROUTES", help="do not answer for these")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = lines.listen(port("AGENT_PORT", 3000))
    agent = Agent(
        Path(os.environ.get("OUTPUT_FOLDER", "/output")),
        route_numbers(options.crash),
        route_numbers(options.hang),
    )
    agent.log(f"listens on port {listener.getsockname()[1]}")
    lines.answer(listener, agent.reply)


if __name__ == "__main__":
    main()

"""A stand-in for CARLA's simulator: it listens, loads nothing, and writes a log of it.

`python -m glue.local.carla.simulator`, with CARLA_PORT. It answers `load ROUTE` with
`loaded ROUTE`. The log goes to its output, and to OUTPUT_FOLDER/simulator.log where that folder
is there.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from glue.local.carla import lines
from glue.local.carla.environment import port, route_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG = "simulator.log"


class Simulator:
    """What is said to it, and its log; it dies on routes it is made to die on."""

    def __init__(self, folder: Path, dies_on: frozenset[int] = frozenset()) -> None:
        self.dies_on = dies_on
        self.file: TextIO | None = None
        if folder.is_dir():
            self.file = (folder / LOG).open("a", encoding="utf-8", buffering=1)

    def reply(self, question: str) -> str:
        """Return the answer to a line."""
        word, _, route = question.partition(" ")
        if word != "load" or not route:
            return "what?"
        self.log(f"load world for {route}")
        if route_numbers(route) & self.dies_on:
            self.log("Signal 11 caught.")
            sys.stdout.flush()
            os._exit(139)
        return f"loaded {route}"

    def log(self, text: str) -> None:
        """Write a line to the output and to the log file."""
        print(f"stand-in simulator: {text}", flush=True)
        if self.file is not None:
            print(text, file=self.file)


def main(arguments: Sequence[str] | None = None) -> None:
    """Listen until somebody ends it."""
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--crash", default="", metavar="ROUTES", help="die on these, as in 3,16")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = lines.listen(port("CARLA_PORT", 2000))
    simulator = Simulator(
        Path(os.environ.get("OUTPUT_FOLDER", "/output")), route_numbers(options.crash)
    )
    simulator.log(f"listens on port {listener.getsockname()[1]}")
    lines.answer(listener, simulator.reply)


if __name__ == "__main__":
    main()

"""A stand-in for CARLA's evaluator: it plays a recorded run back, route by route.

`python -m glue.local.carla.evaluator`, with CARLA_VERSION, ROUTES_SUBSET, REPETITIONS,
RESULTS_FILE, CARLA_PORT, AGENT_PORT and CHALLENGE_TRACK_CODENAME. For each route the simulator
is asked to load it and the agent to drive it; what comes out of it was recorded before.

It ends with 0 when every route has been driven, with 1 and a sentence when agent or simulator
would not, with 2 when it was told nonsense. An agent that ends is waited for and asked again.
Options can stand in the environment, too: ROUTE_SECONDS for `--route-seconds`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from glue.local.carla import lines
from glue.local.carla.environment import port, whole, word
from glue.local.carla.recording import Recording, Unfit
from glue.local.carla.results import ResultsFile

if TYPE_CHECKING:
    from collections.abc import Sequence

FINISHED, CRASHED, UNFIT = 0, 1, 2
ATTEMPTS = 3  # at one route, with an agent that ends or goes silent
PAUSE = 0.5  # seconds before the next, so that one that is about to end is not asked again
# Where Kubernetes reads what a container says last.
TERMINATION_LOG = Path("/dev/termination-log")


class Other:
    """The agent or the simulator: called when it is needed, and again when it was lost."""

    def __init__(self, name: str, number: int, greeting: tuple[str, str] | None = None) -> None:
        self.name, self.port, self.greeting = name, number, greeting
        self._line: lines.Line | None = None

    def ask(self, question: str, answer: str, seconds: float) -> None:
        """Ask for something; `seconds` is for it to listen, and again to answer. Raises Lost."""
        try:
            if self._line is None:
                self._line = lines.call(self.port, seconds)
                if self.greeting is not None:
                    self._line.ask(*self.greeting, seconds)
            self._line.ask(question, answer, seconds)
        except lines.Lost:
            self.close()
            raise

    def close(self) -> None:
        """Leave it alone."""
        if self._line is not None:
            self._line.close()
        self._line = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Play a run back; return the program's exit code."""
    options = _parser().parse_args(arguments)
    try:
        recording = Recording(word("CARLA_VERSION"))
        subset = os.environ.get("ROUTES_SUBSET", "")
        records = recording.records(subset, whole("REPETITIONS", 1, 100))
    except Unfit as error:
        return _end(str(error), UNFIT)
    path = Path(word("RESULTS_FILE"))
    results = ResultsFile(path, recording.version, len(records), recording.sensors)
    track = word("CHALLENGE_TRACK_CODENAME", "SENSORS")
    simulator = Other("simulator", port("CARLA_PORT", 2000))
    agent = Other("agent", port("AGENT_PORT", 3000), (f"hello {track}", "ready"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_end("it was told to end", CRASHED)))
    results.clear()
    _say(f"{len(records)} routes of version {recording.version} on track {track}")
    for number, record in enumerate(records, start=1):
        route = record["route_id"]
        results.begin(number)
        if lost := _drive(route, simulator, agent, options):
            results.crash()
            return _end(lost, CRASHED)
        time.sleep(options.route_seconds)
        results.add(record)
        _say(f"{number} of {len(records)}: {route}: {record['status']}")
    results.finish()
    _say(f"finished: {results.document['entry_status']}")
    return FINISHED


def _drive(route: str, simulator: Other, agent: Other, options: argparse.Namespace) -> str | None:
    """Have a route driven. Return why that came to nothing."""
    try:
        simulator.ask(f"load {route}", f"loaded {route}", options.simulator_seconds)
    except lines.Lost as lost:
        return f"the simulator failed on {route}: {lost}"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            agent.ask(f"route {route}", f"driven {route}", options.agent_seconds)
        except lines.Lost as lost:
            reason = str(lost)
            _say(f"agent on {route}, attempt {attempt} of {ATTEMPTS}: {reason}")
            time.sleep(PAUSE)
        else:
            return None
    return f"the agent failed on {route} {ATTEMPTS} times: {reason}"


def _say(text: str) -> None:
    print(f"stand-in evaluator: {text}", flush=True)


def _end(reason: str, code: int) -> int:
    """Say why the run ends, where people and Kubernetes look; return the exit code."""
    print(f"stand-in evaluator: {reason}", file=sys.stderr, flush=True)
    with contextlib.suppress(OSError):
        if TERMINATION_LOG.is_file():
            TERMINATION_LOG.write_text(reason, encoding="utf-8")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluator", description=__doc__)
    add = parser.add_argument
    given = os.environ.get
    add("--route-seconds", type=float, default=given("ROUTE_SECONDS", "0.1"),
        help="how long a route takes")  # fmt: skip
    add("--agent-seconds", type=float, default=given("AGENT_SECONDS", "120"),
        help="patience with an agent that does not listen or does not answer")  # fmt: skip
    add("--simulator-seconds", type=float, default=given("SIMULATOR_SECONDS", "120"),
        help="patience with the simulator")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())

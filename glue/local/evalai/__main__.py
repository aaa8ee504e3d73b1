"""Run the stand-in: `python -m glue.local.evalai --port 4520`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from glue.errors import InputError
from glue.local.configuration import HIGHEST_PORT, home_from_environment
from glue.local.evalai.application import NAME
from glue.local.evalai.callers import CALLS_A_MINUTE
from glue.local.evalai.server import Server

STATE = "evalai.sqlite"


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m glue.local.evalai", description=NAME)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free port")
    parser.add_argument("--state", type=Path, help=f"its file; {STATE} of the local cloud's home")
    parser.add_argument("--calls-a-minute", type=int, default=CALLS_A_MINUTE)
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= HIGHEST_PORT or options.calls_a_minute < 1:
        parser.error("write a port between 0 and 65535, and at least one call a minute")
    for number in (signal.SIGTERM, signal.SIGINT):  # werkzeug's loop ends by Ctrl-C
        signal.signal(number, signal.default_int_handler)
    state = options.state or home_from_environment() / STATE
    try:
        server = Server(state, options.port, options.calls_a_minute)
    except InputError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return 1
    print(f"{NAME} on {server.url}, state in {state}", flush=True)
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make test-containers`: what only a container can prove, with podman or Docker.

Without an engine, or without a base image, nothing is run and the last line says why. That is
no failure unless CONTAINERS_REQUIRED is set, as it is where an engine is known to be.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.containers import engine

REQUIRED = "CONTAINERS_REQUIRED"


def main() -> int:
    """Run the tests; 0 when all passed, or when they were left out and need not be run."""
    try:
        found = engine.find()
    except engine.Missing as missing:
        print(f"container tests SKIPPED: {missing}")
        return 1 if os.environ.get(REQUIRED) else 0
    print(f"container tests with {found.name}, base image {found.base}", flush=True)
    command = [sys.executable, "-m", "pytest", "tests/containers", *sys.argv[1:]]
    return subprocess.run(command, cwd=engine.ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

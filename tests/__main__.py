"""`make test`: every test there is, with branch coverage of the code that ships."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MINIMUM_BRANCH_COVERAGE_PERCENT = 90


def main() -> int:
    """Run pytest over all of `tests/`; further arguments are handed on to pytest."""
    (ROOT / "build" / "coverage").mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    # Settings of a developer's shell must not decide what a test sees.
    for name in list(environment):
        if name.startswith(("PROVING_GROUND_", "AWS_", "POWERTOOLS_")) and name != "AWS_CA_BUNDLE":
            del environment[name]
    coverage = ["--cov", "--cov-report=term-missing:skip-covered"]
    if len(sys.argv) == 1:
        coverage.append(f"--cov-fail-under={MINIMUM_BRANCH_COVERAGE_PERCENT}")
    command = [sys.executable, "-m", "pytest", "--durations=15", *coverage, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

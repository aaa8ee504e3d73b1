"""`make test`: every test there is, with branch coverage of the code that ships.

Four lanes go side by side on two cores: the tests of the parts, which are measured for coverage,
and those on local clouds of their own, which often wait. With arguments, one pytest run with just
these.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "build" / "tests"
MINIMUM_BRANCH_COVERAGE_PERCENT = 90
# Of a reason, the first lines say what was tried and the last ones how it ended.
FIRST_LINES, LAST_LINES = 2, 8
# By name: what is run, and in which folder of tests/ it lies.
RUNS = {
    "whole": ("pytest", "tests/local"),
    "parts": ("coverage", "run", "-m", "pytest", "tests/unit"),
    "modules": ("pytest", "tests/modules"),
    "ground": ("pytest", "tests/ground"),
    "play": ("pytest", "tests/rehearsal"),
}
# Side by side; the runs of a lane one after another.
LANES = (("whole",), ("parts",), ("play",), ("modules", "ground"))
LONGEST = "whole"  # goes before the others, which are done in time anyway


def clean_environment() -> dict[str, str]:
    """Return the environment without what a developer's shell may hold and a test must not see."""
    foreign = ("PROVING_GROUND_", "AWS_", "POWERTOOLS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    if bundle := os.environ.get("AWS_CA_BUNDLE"):  # where the package index is behind a proxy
        kept["AWS_CA_BUNDLE"] = bundle
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def follow(name: str, process: subprocess.Popen[str]) -> None:
    """Print each line of a run as it comes, behind the run's name."""
    assert process.stdout is not None
    for line in process.stdout:
        print(f"{name:7} | {line}", end="", flush=True)


def count(name: str) -> tuple[int, int, int]:
    """Return how many tests of a run passed, failed, and were skipped."""
    report = REPORTS / f"{name}.xml"
    suite = ET.parse(report).getroot().find("testsuite") if report.is_file() else None
    if suite is None:
        return 0, 1, 0
    tests, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    return tests - failed - skipped, failed, skipped


def failures(name: str) -> Iterator[str]:
    """Name the failed tests of a run, each with the beginning and the end of its reason."""
    report = REPORTS / f"{name}.xml"
    if not report.is_file():
        yield f"{name}: ended before it could report"
        return
    for case in ET.parse(report).getroot().iter("testcase"):
        for fault in (*case.iter("failure"), *case.iter("error")):
            lines = [line for line in fault.attrib.get("message", "").splitlines() if line.strip()]
            if len(lines) > FIRST_LINES + LAST_LINES:
                lines[FIRST_LINES:-LAST_LINES] = ["..."]
            yield f"{case.attrib['classname']}::{case.attrib['name']}"
            yield from (f"    {line[:300]}" for line in lines)


def start(name: str, temporary: str, *command: str) -> subprocess.Popen[str]:
    """Start a pytest run; its result goes into a file named after it.

    Each has a temporary folder of its own. The one that pytest runs share by default is closed
    to other users whenever a run begins, and a PostgreSQL that root started is another user.
    """
    (REPORTS / f"{name}.xml").unlink(missing_ok=True)
    behind = () if name == LONGEST else ("nice", "-n", "5")
    return subprocess.Popen(
        [
            *behind, sys.executable, "-m", *command, "--durations=12",
            f"--junit-xml={REPORTS / name}.xml", f"--basetemp={Path(temporary) / name}",
        ],
        cwd=ROOT, env=clean_environment(), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def coverage(*arguments: str) -> int:
    """Run a command of coverage and return its exit code."""
    command = [sys.executable, "-m", "coverage", *arguments]
    return subprocess.run(command, cwd=ROOT, env=clean_environment(), check=False).returncode


def main() -> int:
    """Run the tests; 0 when all passed and enough is covered."""
    if arguments := sys.argv[1:]:
        command = [sys.executable, "-m", "pytest", *arguments]
        return subprocess.run(command, cwd=ROOT, env=clean_environment(), check=False).returncode
    REPORTS.mkdir(parents=True, exist_ok=True)
    (ROOT / "build" / "coverage").mkdir(parents=True, exist_ok=True)
    coverage("erase")
    began = time.monotonic()
    codes: dict[str, int] = {}

    def drive(lane: tuple[str, ...], temporary: str) -> None:
        for name in lane:
            process = start(name, temporary, *RUNS[name])
            follow(name, process)
            codes[name] = process.wait()

    with tempfile.TemporaryDirectory(prefix="proving-ground-") as temporary:
        drivers = [threading.Thread(target=drive, args=(lane, temporary)) for lane in LANES]
        for driver in drivers:
            driver.start()
        for driver in drivers:
            driver.join()
    coverage("combine", "--quiet")
    covered = coverage("report", f"--fail-under={MINIMUM_BRANCH_COVERAGE_PERCENT}")
    passed, failed, skipped = (sum(column) for column in zip(*map(count, RUNS), strict=True))
    print(f"\n{time.monotonic() - began:.0f} s; branch coverage of the tests of the parts above")
    # Last, because the end of a long log is what people and CI look at.
    for name in RUNS:
        for line in failures(name):
            print(line)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if any(codes.values()) or covered or failed else 0


if __name__ == "__main__":
    sys.exit(main())

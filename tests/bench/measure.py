"""Measuring: processes with their peak memory, percentiles, and the table at the end."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Run:
    """How one command went: wall time and processor time in seconds, peak memory in MiB."""

    seconds: float
    processor_seconds: float
    peak_mebibytes: float
    output: str


# Linux counts the memory of the process that forked as the peak of the one that was forked, and
# a benchmark with its AWS library is larger than what it measures. So a bare interpreter of a few
# MiB starts the command, takes the time, and reports in JSON to the file descriptor it is given.
_STARTER = """
import json, os, sys, time
report = int(sys.argv[1])
os.set_inheritable(report, False)
began = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - began
facts = os.waitstatus_to_exitcode(status), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss
os.write(report, json.dumps(facts).encode())
"""


def run(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Run:
    """Run a command, its program given by path; raises RuntimeError with its output if it fails."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as report:
        try:
            result = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _STARTER, str(writing), *map(str, command)],
                env=dict(environment), cwd=folder, text=True, check=False, pass_fds=[writing],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        finally:
            os.close(writing)
        facts = report.read()
    code, seconds, processor, kibibytes = json.loads(facts) if facts else (None, 0, 0, 0)
    if code != 0:
        raise RuntimeError(f"{command} ended with {code}:\n{result.stdout[-4000:]}")
    return Run(seconds, processor, kibibytes / 1024, result.stdout)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of some values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


@dataclass(frozen=True)
class Figure:
    """One line of the closing table: what was measured, what came out, what was aimed at."""

    subject: str
    measured: str
    target: str = ""
    holds: bool | None = None

"""Measuring: processes with their peak memory, percentiles, and the table at the end."""

from __future__ import annotations

import math
import os
import subprocess
import time
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


def run(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Run:
    """Run a command to its end; raises RuntimeError with its output when it fails."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=dict(environment), cwd=folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        output = process.stdout.read()
        # wait4 tells the peak memory of this very child, which subprocess does not.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{output[-4000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


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

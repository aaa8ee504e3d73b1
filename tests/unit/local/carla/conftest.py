from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from glue.local.configuration import is_free
from tests.platform import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Seconds. So long nothing here takes on the busiest machine: beyond it something hangs.
PATIENCE = 60.0


class Stage:
    """Programs of one pod, as processes that share ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        simulator, agent = free_ports(2)
        self.results = folder / "simulation_results.json"
        self.output = folder / "output"
        self.output.mkdir()
        self.variables = {
            "CARLA_PORT": str(simulator), "AGENT_PORT": str(agent), "CARLA_VERSION": "2.0",
            "RESULTS_FILE": str(self.results), "OUTPUT_FOLDER": str(self.output),
            "ROUTE_SECONDS": "0", "AGENT_SECONDS": "60", "SIMULATOR_SECONDS": "60",
        }  # fmt: skip
        self.running: list[subprocess.Popen[str]] = []

    def start(self, program: str, *words: str, **variables: str) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            [sys.executable, "-m", f"glue.local.carla.{program}", *words],
            env=self.variables | variables, text=True, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.running.append(started)
        return started

    def end(self, program: subprocess.Popen[str]) -> tuple[int, str]:
        """Wait for a program's own end; return its exit code and what it said."""
        said, _ = program.communicate(timeout=PATIENCE)
        return program.returncode, said

    def until(self, probe: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not probe():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    def until_listening(self, variable: str) -> None:
        """Wait until something listens on the port that a variable names."""
        self.until(lambda: not is_free(int(self.variables[variable])))

    def close(self) -> None:
        for program in self.running:
            program.kill()
            program.communicate()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()

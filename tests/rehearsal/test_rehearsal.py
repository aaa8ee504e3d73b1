"""The rehearsal, once and whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil

from tests.platform import GLUE, ROOT, new_platform

STEPS = [
    "cloud", "bootstrap", "package", "plan", "apply", "plan again", "connect", "check", "change",
    "drift", "refusals", "mend", "destroy staging", "prod unmoved", "destroy prod", "nothing left",
]  # fmt: skip


def rehearse(build: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as anybody would, in a build folder of its own."""
    # It finds its own ports.
    variables = {
        name: value
        for name, value in new_platform(build).variables.items()
        if not name.startswith("PROVING_GROUND_LOCAL")
    }
    return subprocess.run(
        [*GLUE, "rehearse", "--json"], cwd=ROOT, env=variables, text=True, capture_output=True,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def processes_in(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(folder) in line:
            found.append(line)
    return found


def test_the_whole_rehearsal() -> None:
    build = ROOT / "build" / "test-rehearsal"
    result = rehearse(build)
    assert result.returncode == 0, f"{result.stdout[-6000:]}\n{result.stderr[-6000:]}"
    report = json.loads(result.stdout)
    sys.stdout.write(result.stderr)  # with the seconds, for whoever reads the log
    assert report["ok"]
    assert report["failure"] is None
    assert [step["name"] for step in report["steps"]] == STEPS
    said = {step["name"]: "\n".join(step["found"]) for step in report["steps"]}

    for name in ("staging", "prod"):
        assert f"{name}: no changes; state serial" in said["plan again"]
        assert f"{name}: nothing but what the bootstrap made" in said["nothing left"]
    assert "staging did not move" in said["change"]
    assert "days changes" in said["change"]
    assert "log groups alone" in said["change"]
    assert "found both, exit code 2: the log group (" in said["drift"]
    assert "prod: no drift, exit code 0" in said["drift"]
    refused = said["refusals"].splitlines()
    assert sum("credentials of account" in line or "these credentials" in line for line in refused)
    assert any("staging's plan applied in prod" in line for line in refused)
    assert "it holds recordings" in said["destroy staging"]
    # The very same evidence of prod: before staging's troubles, and after staging is gone.
    (before,) = (line for line in refused if line.startswith("prod did not move: "))
    assert before in said["mend"]
    assert before in said["prod unmoved"]

    codes = Counter(
        (one["environment"], one["command"].split()[2], one["code"])
        for step in report["steps"]
        for one in step["commands"]
    )
    assert codes["staging", "apply", 1] == 1, "refused: the wrong account"
    assert codes["prod", "apply", 1] == 1, "refused: another environment's plan"
    assert codes["staging", "drift", 2] == 1
    assert codes["prod", "drift", 2] == 0
    assert processes_in(build) == []

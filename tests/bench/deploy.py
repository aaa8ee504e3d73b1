"""(f) Plan and apply of the whole platform; the peer is terraform alone with the same files."""

from __future__ import annotations

import json
import re
import shutil
import time
from typing import TYPE_CHECKING

from glue.deploy.environments import LOCAL, Environment
from glue.deploy.project import Project
from tests.bench.measure import Figure
from tests.platform import ROOT, new_platform

if TYPE_CHECKING:
    from tests.platform import Platform

ROUNDS = 5
# What the summary, the seal and the packages may cost beside terraform's own plan.
LIMIT_OVERHEAD = 1.5


def _seconds(steps: list[dict[str, object]], name: str) -> float:
    """Return how long a step of `glue deploy up` took."""
    [found] = [step["seconds"] for step in steps if str(step["text"]).startswith(name)]
    return float(str(found))


def measure(platform: Platform) -> list[Figure]:
    """Bring up a platform that no snapshot knows, then plan it again both ways, by turns."""
    fresh = new_platform(platform.build / "deploy")
    shutil.rmtree(fresh.build / "local", ignore_errors=True)
    try:
        steps = json.loads(fresh.glue("deploy", "up", "--verify", "--json").stdout)["steps"]
        [counts] = [step["text"] for step in steps if step["text"].startswith("plan")]
        found = re.search(r"(\d+) to create", counts)
        assert found is not None, counts
        resources = int(found[1])
        project = Project(ROOT, fresh.build, fresh.build / "local")
        environment = Environment.load(LOCAL, project)
        terraform = environment.terraform()
        alone, ours = [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            terraform.plan(fresh.build / "alone.tfplan", environment.variable_files())
            alone.append(time.perf_counter() - began)
            began = time.perf_counter()
            fresh.glue("deploy", "plan", "--env", LOCAL)
            ours.append(time.perf_counter() - began)
    finally:
        fresh.down()
        shutil.rmtree(fresh.build / "local", ignore_errors=True)
    applying = _seconds(steps, "apply")
    ratio = min(ours) / min(alone)
    return [
        Figure("first plan", f"{_seconds(steps, 'plan'):.1f} s, {resources} resources"),
        Figure("apply", f"{applying:.0f} s, {resources / applying:.1f} resources a second"),
        Figure("second plan (empty)", f"{_seconds(steps, 'second plan'):.1f} s"),
        Figure("plan of what is there, terraform alone", f"{min(alone):.1f} s"),
        Figure("the same by glue: packages, summary, seal", f"{min(ours):.1f} s"),
        Figure("glue over terraform alone", f"{ratio:.2f} x", f"≤ {LIMIT_OVERHEAD:.2f} x",
               ratio <= LIMIT_OVERHEAD),
    ]  # fmt: skip

"""What GitHub runs: pinned, with no right that is not needed, and nothing but make verbs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # v\d+\.\d+\.\d+$")
VERBS = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
SUMMARY = 'cat "build/plans/$ENVIRONMENT/summary.md" >> "$GITHUB_STEP_SUMMARY"'


def workflow(name: str) -> dict[Any, Any]:
    text = (REPOSITORY / ".github" / "workflows" / name).read_text(encoding="utf-8")
    content: dict[Any, Any] = yaml.safe_load(text)
    return content


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_by_commit(file: Path) -> None:
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    used = [line.removeprefix("- ") for line in lines if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_an_action_has_one_version_everywhere() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in FILES)
    found = set(re.findall(r"uses: ([\w./-]+)@(\w+)", text))
    assert len(found) == len({action for action, _ in found})


def test_nothing_but_verbs_is_run() -> None:
    verbs = set(VERBS.findall((REPOSITORY / "Makefile").read_text(encoding="utf-8")))
    for step in steps("deploy.yml"):
        command = step.get("run", SUMMARY)
        if command != SUMMARY:
            assert command.split()[0] == "make"
            assert command.split()[1] in verbs
    assert [s["run"] for s in steps("ci.yml") if "run" in s] == ["bash .ci/run"]


def test_no_step_pastes_what_somebody_typed_into_a_command() -> None:
    for file in FILES:
        assert not [step for step in steps(file.name) if "${{" in step.get("run", "")]


def test_rights_are_few() -> None:
    assert workflow("ci.yml")["permissions"] == {"contents": "read"}
    deploy = workflow("deploy.yml")
    assert deploy["permissions"] == {}
    needed = {"contents": "read", "id-token": "write"}
    assert all(job["permissions"] == needed for job in deploy["jobs"].values())


def test_only_an_approved_job_applies_and_only_the_plan_that_was_read() -> None:
    jobs = workflow("deploy.yml")["jobs"]
    applying = [
        n for n, j in jobs.items() if any("make apply" in s.get("run", "") for s in j["steps"])
    ]
    assert applying == ["apply"]
    apply = jobs["apply"]
    assert apply["environment"] == "${{ inputs.environment }}"
    assert apply["needs"] == "plan"
    assert apply["if"] == "github.event_name == 'workflow_dispatch'"
    assert not any("make plan" in step.get("run", "") for step in apply["steps"])
    carried = [
        s["with"] for j in jobs.values() for s in j["steps"] if "artifact@" in s.get("uses", "")
    ]
    names = {re.sub(r"\$\{\{ \w+\.environment \}\}", "X", artefact["name"]) for artefact in carried}
    paths = {re.sub(r"\$\{\{ \w+\.environment \}\}", "X", artefact["path"]) for artefact in carried}
    assert (names, paths) == ({"plan-X"}, {"build/plans/X"})


def test_a_fork_is_never_planned() -> None:
    condition = workflow("deploy.yml")["jobs"]["plan"]["if"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in condition
    assert "pull_request_target" not in workflow("deploy.yml")[True]

"""Writing what the doctor reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from glue.checks.report import Result
from glue.deploy.project import Project

Ask = Callable[..., dict[str, Result]]


def write(project: Project, name: str, more: str = "", *, account: str, prefix: str = "") -> None:
    """Write an environment's tfvars file."""
    text = f'environment = "{name}"\naccount_id = "{account}"\nprefix = "{prefix or name + "-"}"\n'
    project.variables_file(name).write_text(text + more)


def save_plan(project: Project, *changes: dict[str, Any], name: str = "staging") -> None:
    """Write the JSON of a saved plan."""
    path = project.plan_folder(name) / "plan.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"resource_changes": list(changes)}))
    path.with_name("plan.tfplan").touch()

"""What the doctor looks at: this machine, an environment's files, and its account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.checks.context import Context as CheckContext
from glue.deploy.tagged import client as client_of
from glue.doctor import tfvars
from glue.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue.deploy.environments import Environment
    from glue.deploy.project import Project

EVERY = "every environment"


@dataclass(frozen=True, kw_only=True)
class Context(CheckContext):
    """A project and, where one is named, one of its environments.

    `deployment` is None when only this machine and the files of all environments are looked at.
    """

    project: Project
    deployment: Environment | None = None

    @classmethod
    def of(cls, project: Project, deployment: Environment | None = None) -> Context:
        """Return the context of an environment, or of the project alone."""
        from glue.local.coverage import COVERAGE

        def client(service: str, region: str = "") -> Any:
            if deployment is None:
                raise NotFound("environment", "none is named", "say `--env NAME`")
            return client_of(deployment, service, region)

        return cls(
            environment=deployment.name if deployment else EVERY,
            region=deployment.facts.region if deployment else "",
            account_id=deployment.facts.account_id if deployment else "",
            is_emulated=deployment.is_emulated if deployment else False,
            client=client,
            outputs={},
            coverage=COVERAGE,
            project=project,
            deployment=deployment,
        )

    @property
    def variables(self) -> Mapping[str, Any]:
        """What the environment's tfvars file sets; read once."""
        path = self.project.variables_file(self.environment)
        values: Mapping[str, Any] = self.once(("tfvars", path), lambda: tfvars.read(path))
        return values

    @property
    def plan(self) -> Mapping[str, Any] | None:
        """The JSON of the saved plan, or None when there is none."""
        path = self.project.plan_folder(self.environment) / "plan.json"

        def load() -> Any:
            return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

        content: Mapping[str, Any] | None = self.once(("plan", path), load)
        return content

    @property
    def plan_is_open(self) -> bool:
        """Whether the saved plan is still to be applied; applying takes its file away."""
        return (self.project.plan_folder(self.environment) / "plan.tfplan").is_file()

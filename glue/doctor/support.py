"""Versions with an end: Kubernetes, and the runtime of functions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from glue.checks.check import Check, Finding
from glue.checks.run import Subject
from glue.checks.runtimes import DEPRECATED_ON
from glue.deploy.packages.builder import Platform
from glue.doctor import tfvars
from glue.kubernetes_versions import SUPPORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.report import Result
    from glue.doctor.context import Context

NAME = "support"
WARNING = timedelta(days=90)

KUBERNETES = Check(
    NAME, "kubernetes-support", "high",
    f"standard support of cluster.kubernetes.version lasts more than {WARNING.days} days",
    "raise cluster.kubernetes.version and cluster.addons by one minor version; extended support "
    "costs six times as much",
)  # fmt: skip
RUNTIME = Check(
    NAME, "runtime-support", "high",
    f"AWS patches the functions' runtime for more than {WARNING.days} days",
    "raise the runtime in glue/deploy/packages/builder.py, run the tests, plan and apply",
)  # fmt: skip
CHECKS = (KUBERNETES, RUNTIME)


def ask(context: Context) -> Iterator[Result]:
    """Compare what is configured with AWS's calendar."""
    versions = {
        name: version
        for name, values in tfvars.environments(context.project).items()
        if context.deployment is None or name == context.environment
        if (version := ((values.get("cluster") or {}).get("kubernetes") or {}).get("version"))
    }
    yield from KUBERNETES.each(context, versions, lambda version: _kubernetes(context, version))
    runtime = Platform.of("aws").runtime
    yield from RUNTIME.each(context, [runtime], lambda name: _runtime(context, name))


def _kubernetes(context: Context, version: str) -> Finding:
    support = SUPPORT.get(version)
    if support is None:
        return Finding(False, f"{version}, which is none of those known here: {', '.join(SUPPORT)}")
    end = support.standard_until
    return Finding(context.now().date() + WARNING < end, f"{version}, supported until {end}")


def _runtime(context: Context, name: str) -> Finding:
    end = DEPRECATED_ON.get(name)
    if end is None:
        return Finding(False, f"{name}, of which nobody here knows how long it is supported")
    return Finding(context.now().date() + WARNING < end, f"{name}, patched until {end}")


SUBJECT = Subject(NAME, "Ends of support of Kubernetes and of the functions' runtime.", ask, CHECKS)

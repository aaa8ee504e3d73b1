"""This machine: the programs and the room that a deployment needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from glue.checks.check import Check, Finding
from glue.checks.run import Subject
from glue.deploy import mirror

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glue.checks.report import Result
    from glue.doctor.context import Context

NAME = "machine"
PYTHON = ((3, 11), (3, 14))
TERRAFORM = (1, 11)
NODE = (18, 0)
FREE_GB = 3.0
SECONDS = 30

PYTHON_VERSION = Check(
    NAME, "python", "critical", "Python 3.11 to 3.13",
    "make the virtual environment with one of them: `rm -r .venv`, then make again",
)  # fmt: skip
TERRAFORM_VERSION = Check(
    NAME, "terraform", "critical", "Terraform 1.11 or newer is on PATH",
    "install it: https://developer.hashicorp.com/terraform/install",
)  # fmt: skip
KUBECTL = Check(
    NAME, "kubectl", "medium", "kubectl is on PATH: what lives in a cluster is applied with it",
    "install kubectl, at most one minor version away from the cluster's",
)  # fmt: skip
NODE_VERSION = Check(
    NAME, "node", "low", "Node.js 18 or newer, which only further regions need",
    "install Node.js 18 or newer",
)  # fmt: skip
PROVIDERS = Check(
    NAME, "providers", "high",
    "a mirror on this machine, or the registry, has the locked version of each provider",
    "name a mirror in TF_PLUGIN_MIRROR, or let this machine reach registry.terraform.io",
)  # fmt: skip
LOCK_FILE = Check(
    NAME, "lock-file", "high", "the lock file holds checksums for this platform and the others",
    "`terraform -chdir=terraform/platform providers lock -platform=linux_amd64 "
    "-platform=linux_arm64 -platform=darwin_arm64`",
)  # fmt: skip
DISK = Check(
    NAME, "disk", "high", f"{FREE_GB:.0f} GB are free where packages and providers are built",
    "make room, or name another folder in PROVING_GROUND_BUILD",
)  # fmt: skip
CHECKS = (PYTHON_VERSION, TERRAFORM_VERSION, KUBECTL, NODE_VERSION, PROVIDERS, LOCK_FILE, DISK)


def ask(context: Context) -> Iterator[Result]:
    """Look at this machine."""
    version = sys.version_info[:2]
    low, high = PYTHON
    text = ".".join(map(str, sys.version_info[:3]))
    yield PYTHON_VERSION.result(context, "", Finding(low <= version < high, text))
    yield TERRAFORM_VERSION.result(context, "", _terraform())
    yield _optional(context, KUBECTL, "kubectl", ("version", "--client", "-o", "json"), (1, 0))
    yield _optional(context, NODE_VERSION, "node", ("--version",), NODE)
    yield from PROVIDERS.each(
        context,
        {one.address: one for one in mirror.locked_providers(context.project.lock_file)},
        _provider,
    )
    yield from _lock_file(context)
    folder = next(p for p in (context.project.build, *context.project.build.parents) if p.exists())
    free = shutil.disk_usage(folder).free / 1e9
    yield DISK.result(context, "", Finding(free >= FREE_GB, f"{free:.1f} GB free in {folder}"))


def output_of(command: Sequence[str]) -> str | None:
    """Return what a program prints, or None when it is not there or fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=True, env=os.environ
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def numbers(text: str) -> tuple[int, ...]:
    """Return the first version in a text, such as (1, 11, 4)."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def _terraform() -> Finding:
    answer = output_of(("terraform", "version", "-json"))
    if answer is None:
        return Finding(False, "none")
    version = str(json.loads(answer)["terraform_version"])
    return Finding(numbers(version)[:2] >= TERRAFORM, version)


def _optional(
    context: Context, check: Check, program: str, arguments: Sequence[str], least: tuple[int, int]
) -> Result:
    """Ask a program that not everybody needs for its version."""
    answer = output_of((program, *arguments))
    if answer is None:
        return check.uncovered(context, "", f"{program} is not on PATH; all else goes without it")
    version = numbers(answer)
    text = ".".join(map(str, version)) or answer.strip()
    return check.result(context, "", Finding(version[:2] >= least, text))


def _provider(provider: mirror.Provider) -> Finding:
    found = [m for m in mirror.mirrors(os.environ) if mirror.holds(m, provider, _platform())]
    if found:
        return Finding(True, f"{provider.version} in {found[0]}")
    # Whether the registry can be reached shows at init.
    return Finding(True, f"{provider.version} comes from the registry, no mirror here has it")


def _lock_file(context: Context) -> Iterator[Result]:
    path = context.project.lock_file
    if not path.is_file():
        yield LOCK_FILE.result(context, "", Finding(False, f"there is no {path.name}"))
        return
    text = path.read_text(encoding="utf-8")
    for block in re.finditer(r'^provider "([^"]+)" \{(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        whole, unpacked = block[2].count('"zh:'), block[2].count('"h1:')
        # One zh: checksum for each archive of a release; h1: ones are added platform by platform.
        found = f"{whole} checksums of archives, {unpacked} of unpacked providers"
        yield LOCK_FILE.result(context, block[1], Finding(whole > 1 or unpacked > 1, found))


def _platform() -> str:
    return mirror.platform_name()


SUBJECT = Subject(NAME, "Programs, providers and room on this machine.", ask, CHECKS)

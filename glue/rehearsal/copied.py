"""A copy of the repository to play in, with a commit of its own.

Prod is applied from commits only, and no plan survives a change of its sources. So the play has
its own: whoever rehearses may have uncommitted work, which is then rehearsed too, and may go on
working meanwhile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from glue.deploy.checkout import STEERING

if TYPE_CHECKING:
    from pathlib import Path

NOT_SOURCES = (".git", ".venv", "build", "__pycache__", ".terraform")
COMMIT = (
    "-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost",
    "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null",
    "commit", "--quiet", "--message", "What is rehearsed",
)  # fmt: skip


def copy_sources(repository: Path, target: Path) -> None:
    """Copy what git knows, or would take, to an empty folder and commit it there.

    Outside git everything is copied that is not built, and nothing committed.
    """
    shutil.rmtree(target, ignore_errors=True)
    listed = _git(repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        shutil.copytree(repository, target, ignore=shutil.ignore_patterns(*NOT_SOURCES))
        return
    for name in filter(None, listed.split("\0")):
        source = repository / name
        if source.is_file():  # a file that was deleted and not yet committed is still listed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    target.mkdir(parents=True, exist_ok=True)
    for arguments in (("init", "--quiet", "--template="), ("add", "--all", "--force"), COMMIT):
        _git(target, *arguments)


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what a git command prints, or None when it fails or git is not there."""
    variables = {name: value for name, value in os.environ.items() if name not in STEERING}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None

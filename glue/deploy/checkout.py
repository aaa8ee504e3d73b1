"""The git commit that a plan is made from."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

# Set while git runs a hook: they would make us look at another repository than the one asked for.
STEERING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
PATIENCE_SECONDS = 60


class Checkout(NamedTuple):
    """The commit that is checked out; both are None outside git."""

    commit: str | None = None
    # Whether there is anything that is in no commit, files that git does not know among them.
    is_dirty: bool | None = None


def checkout(repository: Path) -> Checkout:
    """Return what is checked out in a folder; outside git, and without git, nothing."""
    commit = _git(repository, "rev-parse", "--verify", "--quiet", "HEAD")
    if commit is None:
        return Checkout()
    # What git ignores, such as everything built, is no part of the source.
    status = _git(repository, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return Checkout(commit.strip(), bool(status) if status is not None else True)


def _git(repository: Path, *arguments: str) -> str | None:
    """Return what a git command prints, or None when it fails."""
    variables = {name: value for name, value in os.environ.items() if name not in STEERING}
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments],
            env=variables | {"GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

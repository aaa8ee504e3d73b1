"""What `make` says when the machine lacks something: one sentence that says what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "sh", "make", "grep", "awk", "sort", "test", "env", "mkdir", "touch")


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment with the usual tools, and neither terraform nor any Python."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    return {"PATH": str(tools), "HOME": str(tmp_path)}


def make(folder: Path, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    result = subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, text=True, capture_output=True,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return result.returncode, result.stdout + result.stderr


def test_without_terraform(bare: dict[str, str]) -> None:
    code, said = make(ROOT, bare, "check-terraform")
    assert code != 0
    assert "terraform is not installed: install Terraform 1.11 or newer" in said


def test_without_a_python_that_will_do(bare: dict[str, str], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    (clone / "requirements").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements/uv.txt", "requirements/dev.txt"):
        shutil.copy(ROOT / name, clone / name)
    code, said = make(clone, bare, "venv")
    assert code != 0
    assert "install Python 3.11 or newer" in said
    old = Path(bare["PATH"]) / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    code, said = make(clone, bare, "venv")
    assert code != 0
    assert "install Python 3.11 or newer" in said


def test_help_names_every_verb() -> None:
    code, said = make(ROOT, dict(os.environ), "help")
    assert code == 0
    for verb in ("demo", "test", "up", "down", "plan", "apply", "destroy", "lint", "bench"):
        assert f" {verb} " in said.replace("\x1b[36m", " ").replace("\x1b[0m", " "), verb
    assert "ENV is now: local" in said

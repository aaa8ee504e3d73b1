"""The root of an account's ground: its own tests, in a copy of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glue.deploy.bootstrap import adoption
from tests.modules.workbench import LOCK_FILE, REPOSITORY

if TYPE_CHECKING:
    from tests.modules.workbench import Workbench

ROOT = REPOSITORY / "terraform" / "bootstrap"
TESTS = ROOT / "tests" / "bootstrap.tftest.hcl"


@pytest.fixture(scope="module")
def root(workbench: Workbench) -> Path:
    """The copy of the root, with its tests."""
    copied = workbench.folder / "terraform" / "bootstrap"
    shutil.copytree(TESTS.parent, copied / "tests")
    workbench.prepare(copied)
    return copied


def test_its_own_tests_pass(workbench: Workbench, root: Path) -> None:
    runs = len(re.findall(r'^run "', TESTS.read_text(encoding="utf-8"), re.MULTILINE))
    assert f"{runs} passed, 0 failed" in workbench.run(root, "test", "-no-color")


def test_no_workspace_but_the_default_one(workbench: Workbench, root: Path) -> None:
    header = TESTS.read_text(encoding="utf-8").partition('\nrun "')[0]
    run = 'run "x" {\n  command = plan\n  expect_failures = [data.aws_caller_identity.current]\n}\n'
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "workspace.tftest.hcl").write_text(f"{header}\n{run}", encoding="utf-8")
    arguments = ("test", "-no-color", "-test-directory=elsewhere")
    printed = workbench.run(root, *arguments, workspace="staging")
    # Other tests look at the form of everything in this working copy.
    shutil.rmtree(root / "elsewhere")
    assert "1 passed, 0 failed" in printed


def test_every_rule_is_broken_by_a_test() -> None:
    variables = (ROOT / "variables.tf").read_text(encoding="utf-8")
    bodies = re.split(r'^variable "', variables, flags=re.MULTILINE)[1:]
    ruled = {body.partition('"')[0] for body in bodies if "validation {" in body}
    broken = set(re.findall(r"var\.(\w+)", " ".join(
        re.findall(r"expect_failures\s*=\s*\[(.*?)\]", TESTS.read_text(encoding="utf-8"))
    )))  # fmt: skip
    assert ruled == broken
    for message in re.findall(r'error_message = "(\w+)', variables):
        assert message in ruled


def test_the_provider_is_the_platforms() -> None:
    assert (ROOT / LOCK_FILE.name).read_text() == LOCK_FILE.read_text()


def test_what_can_be_adopted_is_what_the_root_makes() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*.tf"))
    made = {
        ".".join(found) for found in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE)
    }
    adoptable = {
        adoption.KEY, adoption.PROVIDER, *adoption.ROLES.values(),
    }  # fmt: skip
    assert {address.partition("[")[0] for address in adoptable} <= made
    assert adoption.PROVIDER_HOST in text
    assert f"{adoption.TAG} " in text

"""The workbench, set up once for all Terraform tests."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.modules.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as a test that runs terraform."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.terraform)


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Copies of the modules and the root to work on."""
    return Workbench.at(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def example_root(workbench: Workbench) -> Path:
    """A root made of the examples of all READMEs."""
    return workbench.make_examples()


@pytest.fixture(scope="session")
def example_diagnostics(workbench: Workbench, example_root: Path) -> list[dict[str, Any]]:
    """What `terraform validate` has to say about the examples."""
    answer = workbench.run_json(example_root, "validate", "-json")
    diagnostics: list[dict[str, Any]] = answer["diagnostics"]
    return diagnostics


@pytest.fixture(scope="session")
def own_tests_printed(workbench: Workbench) -> Iterator[dict[str, Future[str]]]:
    """What the modules' own tests print: begun all together, one on each processor."""
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as workers:
        yield workbench.run_own_tests(workers)
        workers.shutdown(cancel_futures=True)

"""`pytest --env staging tests/deployment`: the deployment checks as tests, one for each result.

Without `--env` they are skipped: a test run must never speak to an account nobody named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from glue.checks.report import Result

ABSENT = "name an environment: pytest --env staging tests/deployment"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("deployment checks")
    group.addoption("--env", metavar="NAME", help="the environment to check")
    group.addoption(
        "--subject", action="append", default=[], metavar="S", help="only this subject; repeatable"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the checks once, and make a test of each result, named by the check's id."""
    if "result" not in metafunc.fixturenames:
        return
    # Not known where pytest found this file only after it had read its options.
    environment = metafunc.config.getoption("--env", None)
    if not environment:
        skipped = pytest.param(None, id="no-environment", marks=pytest.mark.skip(ABSENT))
        metafunc.parametrize("result", [skipped])
        return
    results = _results(environment, metafunc.config.getoption("--subject"))
    metafunc.parametrize("result", results, ids=[result.id for result in results])


def _results(environment: str, subjects: list[str]) -> list[Result]:
    from glue.cli.check import chosen_subjects, context_of, run_checks
    from glue.errors import InputError

    try:
        return list(run_checks(context_of(environment), chosen_subjects(subjects)).checks)
    except InputError as error:
        pytest.exit(str(error), returncode=1)

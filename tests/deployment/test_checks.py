"""Each result of `glue check` as a test."""

from __future__ import annotations

import pytest

from glue.checks.report import Result


def test_check(result: Result) -> None:
    """Fail as the check failed; what an emulator cannot show is skipped with the reason."""
    if result.status == "fail":
        pytest.fail(
            f"{result.severity}: expected {result.expected}; found {result.found}\n"
            f"what to do: {result.remedy}",
            pytrace=False,
        )
    if result.status != "pass":
        pytest.skip(f"{result.status}: {result.found}")

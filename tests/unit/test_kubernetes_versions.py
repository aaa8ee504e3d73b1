"""The table of Kubernetes versions, and that everything which names one agrees with it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from glue.kubernetes_versions import READ_ON, SUPPORT, days_of_standard_support, supported

REPOSITORY = Path(__file__).resolve().parents[2]
AUTOSCALER = REPOSITORY / "kubernetes" / "base" / "cluster-autoscaler" / "kustomization.yaml"
VERSION = re.compile(r'\bversion\s*=\s*"(1\.\d+)"')


def test_support_ends_later_for_later_versions() -> None:
    numbers = [int(version.split(".")[1]) for version in SUPPORT]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    ends = [support.standard_until for support in SUPPORT.values()]
    assert ends == sorted(set(ends))
    for support in SUPPORT.values():
        assert support.extended_until - support.standard_until in (
            timedelta(days=365),
            timedelta(days=366),
        ), "extended support lasts a year"


def test_what_was_supported_when_the_table_was_read() -> None:
    assert supported(READ_ON) == ["1.34", "1.35", "1.36"]
    assert supported(date(2026, 12, 2)) == ["1.34", "1.35", "1.36"], "the last day counts"
    assert supported(date(2026, 12, 3)) == ["1.35", "1.36"]


def test_days_left() -> None:
    assert days_of_standard_support("1.34", READ_ON) == 12
    assert days_of_standard_support("1.33", READ_ON) == -114
    assert days_of_standard_support("1.99", READ_ON) is None


def test_the_autoscaler_is_of_a_known_version() -> None:
    tag = re.search(r"newTag: v(1\.\d+)\.\d+", AUTOSCALER.read_text(encoding="utf-8"))
    assert tag
    assert tag[1] in SUPPORT


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_environments_run_what_is_supported_and_rendered_for(environment: str) -> None:
    folder = REPOSITORY / "terraform" / "platform" / "environments"
    text = (folder / f"{environment}.tfvars").read_text(encoding="utf-8")
    found = VERSION.search(text)
    if found is None:
        pytest.skip(f"{environment} has no cluster")
    assert found[1] in supported(READ_ON)
    assert f"newTag: v{found[1]}." in AUTOSCALER.read_text(encoding="utf-8")

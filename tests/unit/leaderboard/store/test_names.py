"""Names: legal, as long as they may be, different for what is different."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.leaderboard.kubernetes.values import DNS_LABEL
from glue.leaderboard.names import (
    attempt_prefix,
    execution_arn,
    execution_name,
    job_name,
    submission_prefix,
    worker_results,
)
from glue.leaderboard.times import seconds_of, utc_text

leaderboards = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
numbers = st.integers(1, 2**63 - 1)
attempts = st.integers(1, 10_000)


def test_as_they_look() -> None:
    assert job_name("leaderboard-10", 99, 1) == "leaderboard-10-submission-99-attempt-1"
    assert execution_name(99, 1) == "submission-99-attempt-1"
    assert execution_name(99, 2, 3) == "submission-99-attempt-2-part-3"
    machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:local-leaderboard-10"
    assert execution_arn(machine, "submission-99-attempt-1") == (
        "arn:aws:states:eu-central-1:123456789012:execution:"
        "local-leaderboard-10:submission-99-attempt-1"
    )
    assert submission_prefix(99) == "99/"
    assert attempt_prefix(99, 1) == "99/attempt-1/"
    assert worker_results(99, 1, 2) == "99/attempt-1/worker-2/results/simulation_results.json"


@given(leaderboards, numbers, attempts)
def test_a_job_name_is_a_label(leaderboard: str, submission: int, attempt: int) -> None:
    name = job_name(leaderboard, submission, attempt)
    assert re.fullmatch(DNS_LABEL, name)
    assert name.endswith(f"-submission-{submission}-attempt-{attempt}")


@given(st.lists(st.tuples(leaderboards, numbers, attempts), min_size=2, max_size=2, unique=True))
def test_different_attempts_have_different_jobs(keys: list[tuple[str, int, int]]) -> None:
    assert job_name(*keys[0]) != job_name(*keys[1])


def test_long_names_that_begin_alike_differ() -> None:
    first, second = (job_name("l" * 38 + end, 2**63 - 1, 9999) for end in ("-a", "-b"))
    assert first != second


@given(numbers, attempts, st.integers(1, 1000))
def test_an_execution_name_is_legal(submission: int, attempt: int, part: int) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", execution_name(submission, attempt, part))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1_795_000_000.1234, "2026-11-18T11:06:40.123Z")],
)
def test_times(seconds: float, text: str) -> None:
    assert utc_text(seconds) == text
    assert seconds_of(text) == pytest.approx(seconds, abs=0.001)


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_times_sort_as_text(first: float, second: float) -> None:
    earlier, later = sorted((first, second))
    assert utc_text(earlier) <= utc_text(later)

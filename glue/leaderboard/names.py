"""Names that are made from a submission's number and its attempt.

Whoever knows the two finds the Job, the execution and the files; so a step that is repeated
finds what it made the first time instead of making another.
"""

from __future__ import annotations

import hashlib

LONGEST_JOB_NAME = 63  # a DNS label; Kubernetes copies the name into labels and host names
DIGEST = 8  # characters
RESULTS_FILE = "simulation_results.json"


def job_name(leaderboard: str, submission: int, attempt: int) -> str:
    """Return the name of an attempt's Job: a DNS label of at most 63 characters.

    A leaderboard's name that is too long for that is cut, and told apart by a digest.
    """
    end = f"-submission-{submission}-attempt-{attempt}"
    if len(leaderboard) + len(end) > LONGEST_JOB_NAME:
        digest = hashlib.sha256(leaderboard.encode()).hexdigest()[:DIGEST]
        kept = leaderboard[: LONGEST_JOB_NAME - len(end) - DIGEST - 1].rstrip("-")
        leaderboard = f"{kept}-{digest}"
    return leaderboard + end


def execution_name(submission: int, attempt: int, part: int = 1) -> str:
    """Return the name of an attempt's execution; `part` counts those that carry it on."""
    name = f"submission-{submission}-attempt-{attempt}"
    return name if part == 1 else f"{name}-part-{part}"


def execution_arn(state_machine_arn: str, name: str) -> str:
    """Return the ARN of a state machine's execution of this name."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def submission_prefix(submission: int) -> str:
    """Return where in the bucket everything of a submission lies."""
    return f"{submission}/"


def attempt_prefix(submission: int, attempt: int) -> str:
    """Return where in the bucket an attempt's pod may write."""
    return f"{submission}/attempt-{attempt}/"


def worker_results(submission: int, attempt: int, worker: int) -> str:
    """Return the key of the results file of one worker, counted from 1."""
    return f"{attempt_prefix(submission, attempt)}worker-{worker}/results/{RESULTS_FILE}"

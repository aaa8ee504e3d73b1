"""What must hold of a submission, whatever was broken while it was under way."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from glue.leaderboard.names import job_name
from glue.leaderboard.results.merge import merge
from glue.leaderboard.states import State

if TYPE_CHECKING:
    from glue.leaderboard.table import SubmissionItem
    from tests.local.leaderboards import Leaderboards, Submission

VERSIONS: dict[str, Literal["1.0", "2.0"]] = {"leaderboard-10": "1.0", "leaderboard-20": "2.0"}
WORKERS = {"leaderboard-10": 1, "leaderboard-20": 2}
ROUTES = {"leaderboard-10": 36, "leaderboard-20": 25}
SLACK = timedelta(seconds=30)


def check(
    leaderboards: Leaderboards, submission: Submission, state: State | None = None
) -> SubmissionItem:
    """Closed in time, everywhere alike, nothing lost, told once.

    An answer that was lost may have made us say the very same thing again.
    """
    item = leaderboards.item(submission)
    assert item is not None
    assert item.state.is_closed, f"it is open: {item}"
    assert state in (None, item.state), f"{item.state}: {item.reason}"
    held = leaderboards.ground.held(submission.number)
    assert held["status"] == item.evalai_status == item.state.value
    _told_once(leaderboards, submission, item)
    _nothing_lost(leaderboards, submission, item)
    assert item.launched_at is None or _lasted(item) <= _longest(leaderboards, submission)
    name = job_name(submission.leaderboard, submission.number, item.attempt)
    leaderboards.until(
        lambda: name not in leaderboards.jobs(submission.leaderboard), f"the Job {name} is gone"
    )
    return item


def _told_once(leaderboards: Leaderboards, submission: Submission, item: SubmissionItem) -> None:
    told = leaderboards.ground.final_words(submission.number)
    words = {json.dumps(one, sort_keys=True) for one in told}
    expected = 0 if item.state is State.CANCELLED else 1
    assert len(words) == expected, f"EvalAI was told the end in {len(words)} ways: {told}"
    if item.state is State.FAILED:
        assert item.reason
        assert told[0]["stderr"].strip() == item.reason.strip()


def _nothing_lost(leaderboards: Leaderboards, submission: Submission, item: SubmissionItem) -> None:
    name, prefix = submission.leaderboard, f"{submission.number}/"
    keys = leaderboards.ground.keys(name, submission.number)
    workers, routes = WORKERS[name], ROUTES[name]
    sent = [
        f"{prefix}attempt-{item.attempt}/worker-{worker}/results/simulation_results.json"
        for worker in range(1, workers + 1)
    ]
    files = [_object(leaderboards, name, key) for key in sent if key in keys]
    merged = merge(files, workers, routes, VERSIONS[name]) if files else None
    is_complete = merged is not None and merged.trusted and len(files) == workers
    if item.state is State.FINISHED:
        assert is_complete, f"finished without complete results: {merged}"
        assert item.routes_done == item.routes_expected == routes
        for file in ("results.json", "evalai/results.json", "evalai/stdout.txt"):
            assert f"{prefix}{file}" in keys
        (score,) = leaderboards.ground.held(submission.number)["scores"].values()
        assert score["accuracies"]["Driving score"] == item.metrics["driving_score"] > 0
    elif item.state is State.FAILED and item.reason_code != "rejected_by_evalai":
        assert not is_complete, f"complete results, and it failed: {item.reason}"
        assert f"{prefix}results.json" not in keys


def _object(leaderboards: Leaderboards, name: str, key: str) -> bytes:
    bucket = leaderboards.outputs(name)["bucket"]
    s3 = leaderboards.platform.client("s3")
    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def _longest(leaderboards: Leaderboards, submission: Submission) -> timedelta:
    client = leaderboards.platform.client("lambda")
    name = leaderboards.outputs(submission.leaderboard)["functions"]["run_submission"]
    told = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    pod = json.loads(told["PROVING_GROUND_POD"])
    deadlines = ("waiting_seconds", "run_seconds", "grace_seconds")
    return timedelta(seconds=sum(pod[name] for name in deadlines)) + SLACK


def _lasted(item: SubmissionItem) -> timedelta:
    assert item.launched_at is not None
    assert item.ended_at is not None
    return datetime.fromisoformat(item.ended_at) - datetime.fromisoformat(item.launched_at)

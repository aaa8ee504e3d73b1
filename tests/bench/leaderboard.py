"""(i) Submissions: from the message to the Job, from the run's end to EvalAI, and 500 at once.

EvalAI's limit of 60 calls a minute is lifted for all of it, at the stand-in and in our own budget:
with it 500 submissions take as many calls as it allows in about an hour, whatever we do. The
polling design looks at the queue and at the Jobs every 60 seconds; its times are those of the same
submissions, each put off to the next minute. State machines wait a fraction of their time here, so
what a look every 30 seconds adds on AWS is computed in the same way, and said.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from glue.leaderboard.states import State
from glue.local.configuration import DEFAULT_WAIT_SCALE
from tests.bench.measure import Figure, percentile
from tests.local.leaderboards import EVALUATOR, FINAL, TRACK, Leaderboards

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.local.leaderboards import Submission
    from tests.platform import Platform

LAUNCHED, ENDED, AT_ONCE = 100, 30, 500
POLL_SECONDS, WATCH_SECONDS = 60.0, 30.0
LIMIT_SECONDS = 5400
BATCH = 10  # messages that SQS takes in one call
STAMPED = Path(__file__).with_name("stamped_evaluator.py")


def measure(platform: Platform) -> list[Figure]:
    """Measure one by one, then all at once."""
    leaderboards = Leaderboards(platform)
    leaderboards.mend()
    try:
        with leaderboards.without_limit():
            return [
                *_launched(leaderboards),
                *_told(leaderboards),
                *_all_at_once(leaderboards),
            ]
    finally:
        leaderboards.leave()


def _launched(leaderboards: Leaderboards) -> list[Figure]:
    """Send messages one by one; there is no GPU, so that nothing else keeps the machine busy."""
    leaderboards.break_cluster(gpu_nodes=0)
    sent, taken = [], []
    for _ in range(LAUNCHED):
        submission = leaderboards.prepare()
        began = time.time()
        leaderboards.deliver(submission)
        item = leaderboards.until_in(submission, State.WAITING)
        sent.append(began)
        taken.append(_seconds(item.launched_at) - began)
        leaderboards.cancel(submission)
        leaderboards.until_closed(submission)
    leaderboards.break_cluster(gpu_nodes=None)
    return [
        *_percentiles(f"message → Job created, of {LAUNCHED}", taken),
        *_percentiles(
            "the same, polling the queue every 60 s (computed)",
            [_next(at, POLL_SECONDS) + seconds for at, seconds in zip(sent, taken, strict=True)],
        ),
    ]


def _told(leaderboards: Leaderboards) -> list[Figure]:
    """Let runs end one by one; what the uploader still has to send is part of the time."""
    stamp = leaderboards.platform.build / "bench" / "evaluator-ended"
    stamp.parent.mkdir(parents=True, exist_ok=True)
    leaderboards.evaluator([sys.executable, str(STAMPED), str(stamp)])
    ended, taken = [], []
    for _ in range(ENDED):
        stamp.unlink(missing_ok=True)
        submission = leaderboards.submit()
        leaderboards.until_closed(submission)
        leaderboards.assert_sound(submission, State.FINISHED)
        ended.append(float(stamp.read_text()))
        taken.append(_told_at(leaderboards, submission) - ended[-1])

    def seen_every(period: float) -> list[float]:
        return [_next(at, period) + took for at, took in zip(ended, taken, strict=True)]

    return [
        *_percentiles(f"run's end → EvalAI told, of {ENDED}", taken),
        *_percentiles("the same with a look every 30 s, as on AWS (computed)", seen_every(30.0)),
        *_percentiles("the same, polling the Jobs every 60 s (computed)", seen_every(POLL_SECONDS)),
    ]


def _all_at_once(leaderboards: Leaderboards) -> list[Figure]:
    """Queue them all, let go, and wait for the last; the watch looks every 30 s, as on AWS."""
    leaderboards.evaluator([*EVALUATOR[:-1], "0"])

    before = _closed(leaderboards)
    with leaderboards.without_queue():
        made = [leaderboards.submit(TRACK) for _ in range(AT_ONCE)]
    with leaderboards.settings(
        "run_submission",
        watch_seconds=round(WATCH_SECONDS / DEFAULT_WAIT_SCALE),
        waiting_seconds=LIMIT_SECONDS,
    ):
        with leaderboards.held_back():
            _queue(leaderboards, made)
        began = time.perf_counter()
        _until(lambda: _closed(leaderboards) - before == AT_ONCE, LIMIT_SECONDS)
        seconds = time.perf_counter() - began
    finished = sum(
        (item := leaderboards.item(one)) is not None and item.state is State.FINISHED
        for one in made
    )
    for one in made[:: AT_ONCE // 20]:
        leaderboards.assert_sound(one, State.FINISHED)
    return [
        Figure(
            f"{AT_ONCE} submissions queued at once, finished",
            f"{finished} in {seconds:.0f} s",
            f"all {AT_ONCE}",
            finished == AT_ONCE,
        ),
        Figure("the same, for each submission", f"{seconds / AT_ONCE:.2f} s"),
    ]


def _queue(leaderboards: Leaderboards, made: Sequence[Submission]) -> None:
    client = leaderboards.platform.client("sqs")
    queue = leaderboards.outputs("leaderboard-10")["queue_url"]
    for start in range(0, len(made), BATCH):
        entries = [
            {"Id": str(one.number), "MessageBody": one.message}
            for one in made[start : start + BATCH]
        ]
        answer = client.send_message_batch(QueueUrl=queue, Entries=entries)
        assert not answer.get("Failed"), answer


def _closed(leaderboards: Leaderboards) -> int:
    """Return how many submissions are over; counted where they are, for looking costs time too."""
    client = leaderboards.platform.client("dynamodb")
    return sum(
        page["Count"]
        for state in (State.FINISHED, State.FAILED, State.CANCELLED)
        for page in client.get_paginator("query").paginate(
            TableName=leaderboards.outputs("leaderboard-10")["table"],
            IndexName="by-state",
            Select="COUNT",
            KeyConditionExpression="#state = :state",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":state": {"S": str(state)}},
        )
    )


def _told_at(leaderboards: Leaderboards, submission: Submission) -> float:
    """Return when EvalAI was told the final result, in seconds since 1970."""
    (told,) = [
        one
        for one in leaderboards.ask("GET", f"{leaderboards.evalai}/stand-in/told")
        if one["path"].endswith(FINAL)
        and one["method"] == "PUT"
        and (one["body"] or {}).get("submission") == submission.number
    ]
    return _seconds(told["at"])


def _until(true: Callable[[], bool], limit: float) -> None:
    deadline = time.monotonic() + limit
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all submissions are over after {limit:.0f} s")
        time.sleep(5)


def _percentiles(subject: str, values: Sequence[float]) -> list[Figure]:
    p50, p95 = percentile(values, 50), percentile(values, 95)
    return [Figure(f"{subject}: p50 / p95", f"{p50:.2f} / {p95:.2f} s")]


def _next(at: float, period: float) -> float:
    """Return the seconds until whoever looks once in a period looks again."""
    return period - at % period


def _seconds(text: str | None) -> float:
    assert text is not None
    return datetime.fromisoformat(text).timestamp()

"""From a participant's submission to EvalAI's board, and how often each is done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from glue.leaderboard.states import State
from tests.local.leaderboards import EVALUATOR, TRACK, Leaderboards
from tests.platform import Platform


@pytest.mark.parametrize("track", ["leaderboard-10-SENSORS", "leaderboard-20-MAP"])
def test_to_the_end(leaderboards: Leaderboards, track: str) -> None:
    submission = leaderboards.submit(track)
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.FINISHED)
    assert item.reason == item.finding == ""
    held = leaderboards.ground.held(submission.number)
    assert held["job_name"] == [item.job_name]
    best = leaderboards.ground.board(track)
    assert [row["team"] for row in best].count(item.team) == 1


def test_delivered_five_times_it_runs_once(leaderboards: Leaderboards) -> None:
    submission = leaderboards.prepare()
    with ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(leaderboards.deliver, submission) for _ in range(5)]:
            done.result()
    leaderboards.until_closed(submission)
    for _ in range(5):
        leaderboards.deliver(submission)
    queue = leaderboards.outputs("leaderboard-10")["queue_url"]
    leaderboards.until(lambda: is_empty(leaderboards.platform, queue), "all messages were read")
    item = leaderboards.assert_sound(submission, State.FINISHED)
    assert item.attempt == 1
    assert leaderboards.ends(submission) == ["SUCCEEDED"]


def is_empty(platform: Platform, queue: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    held = platform.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return not any(int(held["Attributes"][name]) for name in names)


def test_a_failed_one_is_run_again(leaderboards: Leaderboards) -> None:
    leaderboards.spoil_results("empty")
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    leaderboards.assert_sound(submission, State.FAILED)
    leaderboards.evaluator(EVALUATOR)
    leaderboards.platform.glue("leaderboard", "rerun", "leaderboard-10", str(submission.number))
    item = leaderboards.until_in(submission, State.FINISHED)
    assert item.attempt == 2
    assert leaderboards.ground.held(submission.number)["status"] == "finished"
    assert len(leaderboards.ground.final_words(submission.number)) == 2, "each attempt has its end"
    assert leaderboards.ends(submission) == ["SUCCEEDED", "SUCCEEDED"]


def test_evalais_limit_holds_for_all_of_them_together(platform: Platform) -> None:
    leaderboards = Leaderboards(platform)
    leaderboards.mend()
    before = len(leaderboards.answers())
    made = [leaderboards.submit(TRACK) for _ in range(4)]
    made += [leaderboards.submit("leaderboard-20-SENSORS") for _ in range(2)]
    for submission in made:
        leaderboards.until_closed(submission, seconds=600)
    assert 429 not in leaderboards.answers()[before:], "EvalAI had to turn us away"
    for submission in made:
        leaderboards.assert_sound(submission, State.FINISHED)


def test_the_reconciler_finds_nothing_to_do(leaderboards: Leaderboards) -> None:
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    for name in ("leaderboard-10", "leaderboard-20"):
        done = leaderboards.reconcile(name)
        assert not {"failed", "unmended", "stuck", "started", "told"} & done.keys(), done
    leaderboards.assert_sound(submission, State.FINISHED)

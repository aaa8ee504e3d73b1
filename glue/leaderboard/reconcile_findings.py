"""What keeps a submission from getting on, and what a person does about it.

A finding is written to the submission's item as it is, so it says when something began and never
how long ago that was: an unchanged finding is written once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from glue.leaderboard.states import State

if TYPE_CHECKING:
    from glue.leaderboard.table import SubmissionItem
    from glue.settings import Pod

LONGEST_PATIENCE = 900.0  # seconds that a submission may stand still before somebody is told
LONGEST_SLACK = 3600.0  # seconds beyond all deadlines that its own execution has for closing it

# For each reason why a pod waits: what somebody can do.
WAITING_REMEDIES = {
    "no_gpu_node": (
        "raise `max` of the GPU node groups or add instance types to them; if the account's "
        "quota for GPU instances is used up, ask AWS for more"
    ),
    "unschedulable": "compare `containers` and `node_labels` of the leaderboard with the nodes",
    "quota": "let other Jobs of the namespace end, or raise its quota in kubernetes/base/jobs",
    "rejected": "mend what the namespace's rules object to, then run it again",
    "image_pull": (
        "see that the image is in its registry and that the nodes' role may pull it; a "
        "participant's image that is gone has to be submitted anew"
    ),
    "configuration": "delete the Job; its next attempt makes Job and Secret anew",
    "crashing": "read the log of the container that ends again and again, and mend its image",
    "suspended": "set `suspend` of the Job to false",
}
WAITING_REMEDY = "look at the events of the Job's pod with kubectl describe"


class Finding(NamedTuple):
    """What is wrong with a submission, and the remedy; both are empty when nothing is."""

    what: str = ""
    remedy: str = ""


NOT_CLOSED = Finding(
    "its run has ended and its results are not closed: EvalAI, S3 or the cluster does not answer",
    "see that EvalAI answers and that the secret `evalai` is right (`glue leaderboard connect`); "
    "the execution tries again by itself, and nothing is lost",
)
NOT_PREPARED = Finding(
    "its execution does not get EvalAI's word on it",
    "see that EvalAI answers and that the secret `evalai` is right (`glue leaderboard connect`); "
    "the execution tries again by itself",
)
NOT_LAUNCHED = Finding(
    "its execution does not get its Job made",
    "see that the cluster's API answers and that run_submission's role may make Jobs; the "
    "execution tries again by itself",
)


def parse(time: str | None) -> datetime | None:
    """Return one of the table's times, which are UTC in ISO 8601."""
    if not time:
        return None
    return datetime.fromisoformat(time).astimezone(UTC)


def patience(pod: Pod) -> float:
    """Return for how many seconds a submission may stand still before it counts as stuck."""
    return min(LONGEST_PATIENCE, pod.waiting_seconds / 4)


def slack(pod: Pod) -> float:
    """Return the seconds that an execution has, after all deadlines, to close its submission."""
    return min(LONGEST_SLACK, float(pod.waiting_seconds))


def deadline(item: SubmissionItem, begun: datetime | None, pod: Pod) -> datetime | None:
    """Return when a submission must have been closed, whatever happened to it.

    `begun` is when its execution began. None as long as nothing is known that it counts from.
    """
    run = pod.run_seconds + pod.grace_seconds
    for since, seconds in (
        # A pod that lost its node waits for another, so even a started one may wait once more.
        (parse(item.launched_at), pod.waiting_seconds + run),
        (begun, pod.waiting_seconds),
    ):
        if since is not None:
            return since + timedelta(seconds=seconds + slack(pod))
    return None


def explain(item: SubmissionItem, begun: datetime | None, now: datetime, longest: float) -> Finding:
    """Return what to say of a submission whose execution, begun then, is at work.

    Nothing is said of a state that has lasted less than `longest` seconds. Of a running one
    nothing is said at all: its watch looks after its deadline.
    """

    def lasts(since: datetime | None) -> bool:
        return since is not None and (now - since).total_seconds() > longest

    match item.state:
        case State.WAITING if lasts(parse(item.launched_at)):
            said = f": {item.reason}" if item.reason else ""
            return Finding(
                f"its pod waits since {item.launched_at} "
                f"({item.reason_code or 'no reason is known'}){said}",
                WAITING_REMEDIES.get(item.reason_code, WAITING_REMEDY),
            )
        # Writing the finding changes the item's time, so it is recognised the next time.
        case State.FINISHING if item.finding == NOT_CLOSED.what or lasts(parse(item.updated_at)):
            return NOT_CLOSED
        case State.SUBMITTED | State.PREPARING if lasts(begun):
            return NOT_PREPARED
        case State.LAUNCHING if lasts(begun):
            return NOT_LAUNCHED
    return Finding()

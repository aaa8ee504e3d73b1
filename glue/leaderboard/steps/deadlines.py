"""When an attempt has waited or run for longer than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.leaderboard import reasons
from glue.leaderboard.times import seconds_of

if TYPE_CHECKING:
    from glue.leaderboard.run import Failure
    from glue.leaderboard.services import Services
    from glue.leaderboard.steps.cluster import Sight
    from glue.leaderboard.table import SubmissionItem

# Kubernetes ends what runs too long by itself. Only when it does not for so long, we do.
SLACK_SECONDS = 120
# A pod that has a node holds a GPU, and an image that is not there will not appear.
PULLING_SECONDS = 1800


def passed(services: Services, item: SubmissionItem, sight: Sight) -> Failure | None:
    """Return why an attempt that is not over has to end now, or None."""
    now, pod = services.clock(), services.pod
    if sight.phase.state == "waiting":
        since, begun = sight.waits_since(item), sight.scheduled_at()
        if since is not None and now - since > pod.waiting_seconds:
            return reasons.waited(sight.phase, now - since)
        is_pulling = sight.phase.reason == "image_pull"
        if is_pulling and begun is not None and now - begun > PULLING_SECONDS:
            return reasons.waited(sight.phase, now - begun)
    launched = seconds_of(item.launched_at) if item.launched_at else now
    longest = pod.waiting_seconds + pod.run_seconds + pod.grace_seconds
    if now - launched > longest + SLACK_SECONDS:
        return reasons.overdue(now - launched)
    return None

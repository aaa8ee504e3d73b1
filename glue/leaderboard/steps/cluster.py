"""What the cluster shows of an attempt: its Job, its pods, and what its containers printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from glue.leaderboard.kubernetes import failures, sidecars, status
from glue.leaderboard.kubernetes.errors import Gone, KubernetesError
from glue.leaderboard.names import job_name
from glue.leaderboard.pod import log_containers
from glue.leaderboard.telemetry import logger
from glue.leaderboard.times import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glue.leaderboard.kubernetes.status import Phase
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem

Manifest = dict[str, Any]

# Of what EvalAI stores of a text, all workers together.
AGENTS_CHARACTERS = 60_000
OURS_CHARACTERS = 90_000
CLOCKS_SECONDS = 5  # that the cluster's clock may be ahead of ours


class Sight(NamedTuple):
    """An attempt's Job, None when there is none, and where it stands.

    `pod` is the newest pod, None as long as there is none.
    """

    job: Manifest | None
    phase: Phase
    pod: Manifest | None = None

    def waits_since(self, item: SubmissionItem) -> float | None:
        """Return since when its pod waits, in seconds since 1970; None if it does not know.

        The first pod has waited since the launch. One that takes a lost pod's place has since it
        was made; until then only the last deadline counts.
        """
        if item.started_at is None:
            return seconds_of(item.launched_at) if item.launched_at else None
        if self.pod is None or (self.pod.get("status") or {}).get("phase") == "Failed":
            return None
        return seconds_of(self.pod["metadata"]["creationTimestamp"])

    def doomed(self, now: float) -> Phase | None:
        """Return how the run has failed that still goes on, or None; `now` is seconds since 1970.

        Once one evaluator has ended badly the results cannot become complete, and Kubernetes lets
        the others go on to their own ends, hours and GPUs later.
        """
        if self.pod is None or self._is_being_ended(now):
            return None
        state = self.pod.get("status") or {}
        ends = [
            (container.get("state") or {}).get("terminated") or {}
            for container in state.get("containerStatuses") or ()
        ]
        if all(end.get("exitCode", 0) == 0 for end in ends):
            return None
        found = failures.explain({}, [self.pod | {"status": state | {"phase": "Failed"}}])
        return self.phase.model_copy(update={"state": "failed", **found._asdict()})

    def _is_being_ended(self, now: float) -> bool:
        """Tell whether the cluster is ending the pod: then it is no fault of an evaluator.

        A node that is drained, a deadline, somebody who deletes the Job: each asks the containers
        to end, and is told as what it is once they have.
        """
        pod = self.pod or {}
        status, spec = pod.get("status") or {}, pod.get("spec") or {}
        began, deadline = status.get("startTime"), spec.get("activeDeadlineSeconds")
        return (
            "deletionTimestamp" in pod["metadata"]
            or bool(status.get("reason"))
            or any(
                condition.get("type") == "DisruptionTarget" and condition.get("status") == "True"
                for condition in status.get("conditions") or ()
            )
            or bool(began and deadline and now > seconds_of(began) + deadline - CLOCKS_SECONDS)
        )

    def scheduled_at(self) -> float | None:
        """Return when its newest pod was given a node, in seconds since 1970."""
        conditions = ((self.pod or {}).get("status") or {}).get("conditions") or ()
        for condition in conditions:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "True":
                time = condition.get("lastTransitionTime")
                return seconds_of(time) if time else None
        return None


class Printed(NamedTuple):
    """The ends of what containers printed: the participant's, and ours."""

    agents: str = ""
    ours: str = ""


def see(services: Services, run: Run, item: SubmissionItem) -> Sight:
    """Return what the cluster shows; raises what the cluster's client raises."""
    kubernetes = services.kubernetes
    name = job_name(services.leaderboard, run.submission, run.attempt)
    try:
        job = kubernetes.job(name)
    except Gone:
        return Sight(None, status.read(None, ()))
    uid = job["metadata"].get("uid")
    if item.job_uid is not None and uid != item.job_uid:
        return Sight(None, status.read(None, ()))  # somebody made another one of its name
    pods = kubernetes.pods(name)
    phase = status.read(job, pods)
    pod = next((pod for pod in pods if pod["metadata"]["name"] == phase.pod), None)
    if phase.state == "waiting":
        events = [*kubernetes.events(name), *(kubernetes.events(phase.pod) if phase.pod else ())]
        phase = status.read(job, pods, events)
    return Sight(job, phase, pod)


def printed(services: Services, pod: str | None) -> Printed:
    """Return what the containers of a pod printed last, as far as it can be had.

    Nothing depends on it, so a cluster that does not answer is no reason to fail.
    """
    if pod is None:
        return Printed()
    containers = log_containers(services.pod.workers)
    ours = [*containers["evaluator"], *containers["simulator"], "uploader"]
    return Printed(
        _ends(services, pod, containers["agent"], AGENTS_CHARACTERS),
        _ends(services, pod, ours, OURS_CHARACTERS),
    )


def unsent(services: Services, item: SubmissionItem) -> str:
    """Return why not all that the run wrote may have been sent, empty if nothing is known of it.

    It only explains, so a cluster that does not answer is no reason to fail.
    """
    try:
        pods = services.kubernetes.pods(
            job_name(services.leaderboard, item.submission, item.attempt)
        )
    except KubernetesError as error:
        logger.info("the pod cannot be read", error=str(error))
        return ""
    found = (pod for pod in pods if pod["metadata"]["name"] == item.pod)
    return next(map(sidecars.unsent, found), "")


def _ends(services: Services, pod: str, containers: Iterable[str], characters: int) -> str:
    names = list(containers)
    ends = []
    for name in names:
        try:
            text = services.kubernetes.log(pod, name)
        except KubernetesError as error:
            logger.info("a log cannot be read", container=name, error=str(error))
            continue
        # A database may keep it, and none keeps a zero character.
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}").strip()
        if text:
            ends.append(f"--- {name} ---\n{text[-characters // len(names) :]}\n")
    return "\n".join(ends)

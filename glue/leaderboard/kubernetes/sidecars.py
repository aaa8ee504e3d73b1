"""Containers beside the main ones that ended before their time, and were started again.

A simulator or an agent that crashes does not end the run: Kubernetes starts it again, after ten
seconds first and after five minutes in the end. The run goes on, but how well is another thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from glue.leaderboard.kubernetes.values import UPLOADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Manifest = dict[str, Any]


class Crash(BaseModel):
    """A container that ended though nobody had ended it.

    `times` is how often, `exit_code` and `why` (Kubernetes' word, such as OOMKilled) are of the
    last time. `is_down` tells that it does not run at this moment.
    """

    model_config = ConfigDict(frozen=True)

    container: str
    times: int
    exit_code: int | None = None
    why: str = ""
    is_down: bool = False

    def __str__(self) -> str:
        code = "" if self.exit_code is None else f" with {self.exit_code}"
        why = f" ({self.why})" if self.why not in ("", "Error", "Completed") else ""
        often = f", {self.times} times in all" if self.times > 1 else ""
        return f"{self.container} ended{code}{why}{often}"


def names(pod: Manifest) -> set[str]:
    """Return the names of a pod's sidecars."""
    return {
        container["name"]
        for container in (pod.get("spec") or {}).get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    }


def crashes(pod: Manifest) -> tuple[Crash, ...]:
    """Return the sidecars of a pod that ended before its main containers had, worst first."""
    return tuple(sorted(_crashes(pod), key=lambda crash: (not crash.is_down, -crash.times)))


def sentence(found: Sequence[Crash]) -> str:
    """Return what there is to say of crashes, empty when there is nothing."""
    return "; ".join(
        f"{crash} and {'waits to be' if crash.is_down else 'was'} started again" for crash in found
    )


def unsent(pod: Manifest) -> str:
    """Return why not all that a pod's containers wrote may have been sent, empty if all was.

    The uploader ends with 0 only when it was. One that crashed and has not been started again
    when the run is over never is.
    """
    for entry in (pod.get("status") or {}).get("initContainerStatuses") or ():
        if entry["name"] == UPLOADER:
            state = entry.get("state") or {}
            last = (entry.get("lastState") or {}).get("terminated") or {}
            end = state.get("terminated") or last
            if state.get("running") or (end is not last and end.get("exitCode") == 0):
                return ""
            return str(
                Crash(
                    container=UPLOADER,
                    times=int(entry.get("restartCount") or 0) + (end is not last),
                    exit_code=end.get("exitCode"),
                    why=str(end.get("reason") or ""),
                )
            )
    return ""


def _crashes(pod: Manifest) -> Iterator[Crash]:
    status, beside = pod.get("status") or {}, names(pod)
    over = _over(pod)
    for entry in status.get("initContainerStatuses") or ():
        if entry["name"] not in beside:
            continue
        state, times = entry.get("state") or {}, int(entry.get("restartCount") or 0)
        last = (entry.get("lastState") or {}).get("terminated") or {}
        ended = state.get("terminated")
        # Once the main containers have ended Kubernetes ends the others: that is no crash.
        if ended and (over is None or str(ended.get("finishedAt") or "") < over):
            last, times = ended, times + 1
        if times:
            yield Crash(
                container=entry["name"],
                times=times,
                exit_code=last.get("exitCode"),
                why=str(last.get("reason") or ""),
                is_down=not state.get("running") and over is None,
            )


def _over(pod: Manifest) -> str | None:
    """Return when the last main container ended, None while one has yet to.

    Empty when the pod is ended from outside before any of them did: then nothing is a crash.
    """
    status = pod.get("status") or {}
    times = [_ended(entry) for entry in status.get("containerStatuses") or ()]
    is_ending = "deletionTimestamp" in pod["metadata"]
    if is_ending or status.get("phase") in ("Failed", "Succeeded"):
        return max(filter(None, times), default="")
    return max(filter(None, times)) if times and all(times) else None


def _ended(entry: Manifest) -> str | None:
    terminated = (entry.get("state") or {}).get("terminated")
    return str(terminated.get("finishedAt") or "") or None if terminated else None

"""Startup probes: what a sidecar is asked before whatever comes after it begins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Object = dict[str, Any]

LONGEST_OUTPUT = 500  # characters of what a probe printed, in its event


class Probe(NamedTuple):
    """A command that ends with 0 once its container has started, and times in seconds.

    After `failures` of its answers the container is ended, and started again.
    """

    command: tuple[str, ...]
    delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    failures: int = 3


class Answer(NamedTuple):
    """What a probe found: None for one that could not be asked, which counts for nothing."""

    is_good: bool | None
    said: str = ""

    def __str__(self) -> str:
        kind = "errored" if self.is_good is None else "failed"
        return f"Startup probe {kind}: {self.said}"


def startup(container: Object) -> Probe | None:
    """Return a container's startup probe, if it has one; what it does not say is Kubernetes'."""
    told = container.get("startupProbe")
    if told is None:
        return None
    words = {
        "initialDelaySeconds": "delay",
        "periodSeconds": "period",
        "timeoutSeconds": "timeout",
        "failureThreshold": "failures",
    }
    times = {name: told[word] for word, name in words.items() if word in told}
    return Probe(tuple(told["exec"]["command"]), **times)


async def ask(
    words: Sequence[str],
    variables: Mapping[str, str],
    folder: Path,
    seconds: float,
    not_run: frozenset[int] = frozenset(),
) -> Answer:
    """Run a probe's command; `not_run` are exit codes that say that it could not be run."""
    try:
        asked = await asyncio.create_subprocess_exec(
            *words, env=dict(variables), cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
    except OSError as error:
        return Answer(None, str(error))
    try:
        printed, _ = await asyncio.wait_for(asked.communicate(), seconds)
    except TimeoutError:
        return Answer(is_good=False, said=f"command timed out after {seconds:g}s")
    finally:
        if asked.returncode is None:
            asked.kill()
            await asked.wait()
    said = printed.decode(errors="replace").strip()[-LONGEST_OUTPUT:]
    return Answer(None if asked.returncode in not_run else asked.returncode == 0, said)

"""The heart of the local Batch: it keeps the state and runs the jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glue.local.batch import lifecycle, tasks
from glue.local.batch.lifecycle import Lifecycle
from glue.local.batch.outside import Refused
from glue.local.batch.scheduler import Scheduler
from glue.local.batch.store import ACTIVE, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glue.local.batch.outside import Outside
    from glue.local.batch.running import Running
    from glue.local.batch.runtimes import Runtime
    from glue.local.batch.store import Job, Region, Resource

logger = logging.getLogger("glue.local.batch")

SAVE_SECONDS = 1.0  # the least time between two savings
LOOK_SECONDS = 0.5  # how often deadlines are looked at when nothing else happens
STOP_SECONDS = 30.0  # between the wish that a task ends and its end, as on ECS
KEPT_OUTPUT = 4096  # bytes of the end of an output in which an engine's error is looked for


def milliseconds() -> int:
    """Return the time in milliseconds since 1970."""
    return int(time.time() * 1000)


@dataclass
class Attempt:
    """A job that runs: its task on the event loop, and why it is to end before its time."""

    region: Region
    job: Job
    worker: asyncio.Task[None] | None = None
    running: Running | None = None
    verdict: str | None = None


class Engine:
    """Runs jobs on the event loop that `run` is called on; `scale` shortens or lengthens time."""

    def __init__(  # noqa: PLR0913 - what tells one local cloud from another
        self,
        outside: Outside,
        runtime: Runtime,
        folder: Path,
        *,
        processes: int,
        scale: float = 1.0,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self.store = Store()
        self.outside, self.runtime, self.folder, self.scale = outside, runtime, folder, scale
        self.life = Lifecycle(outside, clock)
        self.scheduler = Scheduler(self.store, self.life, self._start, processes, scale)
        self.attempts: dict[str, Attempt] = {}
        self._stopping: set[asyncio.Future[None]] = set()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, save: Callable[[], None]) -> None:
        """Move jobs on for ever; `save` is called after changes that no request made."""
        self._loop = asyncio.get_running_loop()
        saved, next_save = self.life.changes, 0.0
        while True:
            self._wake.clear()
            self.recover()
            self.scheduler.tick()
            self._end_deleted()
            began = time.monotonic()
            if saved != self.life.changes and began >= next_save:
                saved = self.life.changes
                save()
                # A large state is saved less often: at most a twentieth of the time goes into it.
                next_save = began + max(SAVE_SECONDS, 20 * (time.monotonic() - began))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)

    def wake(self) -> None:
        """Have a look at the jobs soon."""
        self._wake.set()

    def recover(self) -> None:
        """End the attempts that nothing runs any more: they ran when the state was saved."""
        for region in self.store.regions():
            for job in region.jobs_in(*ACTIVE):
                if job.id not in self.attempts and region.size(job) is None:
                    self.life.finish(region, job, None, lifecycle.HOST_TERMINATED)

    def reset(self) -> None:
        """Forget everything, and end what runs. May be called from any thread."""
        self.store.clear()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._abandon)

    def terminate(self, region: Region, job: Job, reason: str) -> None:
        """Cancel what of a job, or of an array, waits, and stop what runs."""
        job.is_terminated = True
        for running in self.life.cancel(region, job, reason):
            running.is_terminated = True
            self._stop(running, reason)
        self.wake()

    def _abandon(self) -> None:
        for attempt in list(self.attempts.values()):
            if attempt.worker is not None:
                attempt.worker.cancel()

    def _end_deleted(self) -> None:
        for region in self.store.regions():
            for queue in region.queues.values():
                if queue["status"] != "DELETING":
                    continue
                for job in region.jobs_of(queue["jobQueueArn"]):
                    if not job.is_child and not job.is_terminated:
                        self.terminate(region, job, "JobQueue deleted")

    def _stop(self, job: Job, verdict: str) -> None:
        attempt = self.attempts.get(job.id)
        if attempt is None or attempt.verdict is not None:
            return
        attempt.verdict = verdict
        if attempt.running is not None:
            self._begin_stopping(attempt.running)

    def _begin_stopping(self, running: Running) -> None:
        stopping = asyncio.ensure_future(running.stop(STOP_SECONDS * self.scale))
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)

    def _start(self, region: Region, job: Job, environment: Resource) -> None:
        cluster = environment["ecsClusterArn"].rsplit("/", 1)[1]
        task = region.scope.arn("task", f"{cluster}/{uuid.uuid4().hex}", "ecs")
        self.life.start(region, job, environment["computeEnvironmentArn"], task)
        attempt = Attempt(region, job)
        self.attempts[job.id] = attempt
        attempt.worker = asyncio.ensure_future(self._attempt(attempt))

    async def _attempt(self, attempt: Attempt) -> None:
        """Run one attempt of a job from its first to its last moment."""
        region, job = attempt.region, attempt.job
        folder = self.folder / f"{job.id.replace(':', '-')}-{len(job.attempts) + 1}"
        try:
            try:
                given = tasks.grant(region, job, self.outside, self.life.clock)
            except Refused as error:
                self.life.finish(region, job, None, lifecycle.TASK_NOT_STARTED, str(error))
                return
            try:
                folder.mkdir(parents=True, exist_ok=True)
                await self._run(attempt, given, folder)
            except Refused as error:
                self.life.finish(region, job, None, lifecycle.TASK_NOT_STARTED, str(error))
            finally:
                tasks.revoke(given, self.outside)
        except Exception as error:
            logger.exception("job %s", job.id)
            if job.status in ACTIVE:
                self.life.finish(region, job, None, lifecycle.TASK_NOT_STARTED, str(error))
        finally:
            if attempt.running is not None:
                attempt.running.abandon()
            if self.attempts.get(job.id) is attempt:
                del self.attempts[job.id]
            shutil.rmtree(folder, ignore_errors=True)
            self.wake()

    async def _run(self, attempt: Attempt, given: tasks.Grant, folder: Path) -> None:
        region, job = attempt.region, attempt.job
        submission = region.submission(job)
        words = tasks.command(submission["container"]["command"], submission["parameters"])
        name = f"batch-{folder.name}"
        task = tasks.Task(name, submission["container"], words, given.variables, folder)
        attempt.running = await self.runtime.begin(task)
        job.log_stream = given.stream
        self.life.run(region, job)
        if attempt.verdict is not None:  # it was terminated while it started
            self._begin_stopping(attempt.running)
        deadline = self._deadline(submission)
        loop = asyncio.get_running_loop()
        alarm = deadline and loop.call_later(deadline, self._stop, job, lifecycle.TIMED_OUT)
        last = b""

        def write(chunk: bytes) -> None:
            nonlocal last
            last = (last + chunk)[-KEPT_OUTPUT:]
            if given.log is not None:
                given.log.write(chunk)

        try:
            code = await attempt.running.follow(write)
        finally:
            if alarm:
                alarm.cancel()
        if given.log is not None:
            given.log.close()
        ending = self.runtime.ending(task, code, last)
        if attempt.verdict is not None:
            self.life.finish(region, job, ending.code, attempt.verdict, final=True)
        elif ending.code is None:
            self.life.finish(region, job, None, lifecycle.TASK_NOT_STARTED, ending.reason)
        else:
            self.life.finish(region, job, ending.code, lifecycle.TASK_EXITED, ending.reason)

    def _deadline(self, submission: Resource) -> float | None:
        timeout = submission["timeout"]
        return timeout["attemptDurationSeconds"] * self.scale if timeout else None

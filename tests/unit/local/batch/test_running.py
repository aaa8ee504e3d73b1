"""Jobs that really run, as processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from glue.local.batch import lifecycle, running
from glue.local.batch.supervisor import AFTER
from tests.unit.local.batch.conftest import ROLE, SCOPE, definition, properties
from tests.unit.local.batch.test_jobs import submit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from glue.local.batch.engine import Engine
    from glue.local.batch.store import Job, Region
    from tests.unit.local.batch.conftest import World

LOG = "/aws/batch/job"
# Seconds. So long nothing here takes on the busiest machine: beyond it something hangs.
PATIENCE = 60.0


def work(engine: Engine, doing: Callable[[], Awaitable[None]]) -> None:
    """Run an engine while something is done with it."""

    async def both() -> None:
        loop = asyncio.create_task(engine.run(lambda: None))
        try:
            await asyncio.wait_for(doing(), PATIENCE)
        finally:
            loop.cancel()
            engine._abandon()
            await asyncio.gather(
                *(a.worker for a in engine.attempts.values() if a.worker), return_exceptions=True
            )

    asyncio.run(both())


async def until(probe: Callable[[], Any], pause: float = 0.01) -> None:
    while not probe():
        await asyncio.sleep(pause)


def ended(*found: Job) -> Callable[[], bool]:
    return lambda: all(job.status in ("SUCCEEDED", "FAILED") for job in found)


def run(engine: Engine, region: Region, *command: str, **changes: Any) -> Job:
    """Run one job to its end."""
    definition(region, name="run", containerProperties=properties(*command, **changes))
    job = submit(region, jobDefinition="run")
    work(engine, lambda: until(ended(job)))
    return job


def lines(world: World, job: Job, group: str = LOG) -> list[str]:
    return world.lines[group, str(job.log_stream)]


def test_a_job_prints_and_succeeds(engine: Engine, ready: Region, world: World) -> None:
    script = "printf 'one\\ntwo'; echo error >&2; exit 0"
    job = run(engine, ready, "sh", "-c", script)
    assert (job.status, job.exit_code) == ("SUCCEEDED", 0)
    assert lines(world, job) == ["one", "twoerror"]
    assert str(job.log_stream).startswith("run/default/")
    assert list(engine.folder.iterdir()) == []


def test_it_is_told_what_aws_tells_it(engine: Engine, ready: Region, world: World) -> None:
    world.secrets["arn:secret"] = "hidden"
    environment = [{"name": "OWN", "value": "1"}, {"name": "AWS_BATCH_JOB_ID", "value": "forged"}]
    job = run(
        engine, ready, "python", "-c",
        "import json, os; print(json.dumps({**os.environ}))",
        environment=environment, jobRoleArn=ROLE,
        secrets=[{"name": "S", "valueFrom": "arn:secret"}],
    )  # fmt: skip
    told = json.loads(lines(world, job)[0])
    assert told["AWS_BATCH_JOB_ID"] == job.id
    assert told["AWS_BATCH_JQ_NAME"] == "q"
    assert told["AWS_BATCH_CE_NAME"] == "cpu"
    assert told["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert told["AWS_EXECUTION_ENV"] == "AWS_ECS_FARGATE"
    assert told["AWS_REGION"] == told["AWS_DEFAULT_REGION"] == SCOPE.region
    assert told["AWS_ENDPOINT_URL"] == world.endpoint
    assert told["AWS_ACCESS_KEY_ID"] == ROLE
    assert (told["OWN"], told["S"]) == ("1", "hidden")
    assert "PYTHONPATH" not in told
    assert world.valid == []  # its credentials ended with it


def test_children_know_their_index(engine: Engine, ready: Region, world: World) -> None:
    script = "echo $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE"
    definition(ready, "sh", "-c", script, name="run")
    job = submit(ready, jobDefinition="run", arrayProperties={"size": 6})
    work(engine, lambda: until(ended(job)))
    assert job.status == "SUCCEEDED"
    found = [lines(world, child) for child in ready.children(job)]
    assert found == [[f"{index} of 6"] for index in range(6)]


def test_parameters_take_their_places(engine: Engine, ready: Region, world: World) -> None:
    definition(ready, "echo", "Ref::what", "s3://x/Ref::what", "Ref::gone", name="run")
    job = submit(ready, jobDefinition="run", parameters={"what": "all"})
    work(engine, lambda: until(ended(job)))
    assert lines(world, job) == ["all s3://x/all Ref::gone"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image": "nobody/knows:1"}, "CannotPullContainerError"),
        ({"command": ["no-such-program"]}, "CannotStartContainerError"),
        ({"jobRoleArn": "arn:aws:iam::000000000000:role/gone"}, "unable to assume the role"),
        ({"secrets": [{"name": "S", "valueFrom": "arn:none"}]}, "unable to pull secrets"),
        ({"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "none"}}},
         "no such group"),
    ],
)  # fmt: skip
def test_what_cannot_start_says_why(
    engine: Engine, ready: Region, world: World, changes: dict[str, Any], reason: str
) -> None:
    definition(ready, "true", name="run")
    held = ready.definitions["run"][0]["containerProperties"]
    held.update(changes)
    job = submit(ready, jobDefinition="run")
    work(engine, lambda: until(ended(job)))
    assert (job.status, job.reason) == ("FAILED", lifecycle.TASK_NOT_STARTED)
    assert reason in str(job.container_reason)
    assert world.valid == []
    assert "RUNNING" not in world.statuses(job.id)


def test_the_execution_role_has_to_allow_the_log(
    engine: Engine, ready: Region, world: World
) -> None:
    world.refused.add("logs:CreateLogStream")
    assert "not authorized" in str(run(engine, ready, "true").container_reason)


def test_secrets_need_an_execution_role(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine()
    region = engine.store.region(SCOPE)
    from tests.unit.local.batch.conftest import instances, queue

    instances(region)
    queue(region, "q", "gpu")
    container = properties("true", secrets=[{"name": "S", "valueFrom": "arn:x"}])
    del container["executionRoleArn"]
    definition(region, containerProperties=container, platformCapabilities=["EC2"])
    job = submit(region)
    work(engine, lambda: until(ended(job)))
    assert "secrets need an executionRoleArn" in str(job.container_reason)


def test_a_log_can_go_elsewhere_or_nowhere(engine: Engine, ready: Region, world: World) -> None:
    options = {
        "awslogs-group": "own", "awslogs-stream-prefix": "p", "awslogs-create-group": "true"
    }  # fmt: skip
    job = run(
        engine, ready, "echo", "x", logConfiguration={"logDriver": "awslogs", "options": options}
    )
    assert lines(world, job, "own") == ["x"]
    assert str(job.log_stream).startswith("p/default/")
    silent = run(engine, ready, "echo", "x", logConfiguration={"logDriver": "splunk"})
    assert (silent.status, silent.log_stream) == ("SUCCEEDED", None)


def test_a_job_that_takes_too_long_is_ended(
    make_engine: Callable[..., Engine], world: World
) -> None:
    engine = make_engine(scale=0.02)
    region = prepared(engine)
    definition(region, "sleep", "60", name="run", retryStrategy={"attempts": 3})
    job = submit(region, jobDefinition="run", timeout={"attemptDurationSeconds": 60})
    work(engine, lambda: until(ended(job)))
    assert (job.status, job.reason, len(job.attempts)) == ("FAILED", lifecycle.TIMED_OUT, 1)
    # On a busy machine both signals may reach it at once.
    assert job.exit_code in (128 + signal.SIGTERM, 128 + signal.SIGKILL)


def prepared(engine: Engine) -> Region:
    from tests.unit.local.batch.conftest import environment, queue

    region = engine.store.region(SCOPE)
    environment(region)
    queue(region)
    return region


def test_terminating_ends_what_runs(engine: Engine, ready: Region, world: World) -> None:
    definition(ready, "sleep", "60", name="run", retryStrategy={"attempts": 3})
    array = submit(ready, jobDefinition="run", arrayProperties={"size": 5})

    async def terminate() -> None:
        await until(lambda: [c.status for c in ready.children(array)].count("RUNNING") == 4)
        engine.terminate(ready, array, "not needed")
        engine.terminate(ready, array, "said twice")
        await until(ended(array))

    work(engine, terminate)
    assert {child.reason for child in ready.children(array)} == {"not needed"}
    assert [child.exit_code for child in ready.children(array)] == [143] * 4 + [None]
    assert array.is_terminated


def test_a_stubborn_job_is_killed(make_engine: Callable[..., Engine], world: World) -> None:
    engine = make_engine(scale=0.005)
    region = prepared(engine)
    code = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); "
        "print(1, flush=True); time.sleep(60)"
    )
    definition(region, "python", "-c", code, name="run")
    job = submit(region, jobDefinition="run")

    async def terminate() -> None:
        await until(lambda: job.log_stream and lines(world, job))
        engine.terminate(region, job, "go")
        await until(ended(job))

    work(engine, terminate)
    assert (job.reason, job.exit_code) == ("go", 137)


def test_a_job_terminated_while_it_starts_never_ends_well(
    engine: Engine, ready: Region, world: World
) -> None:
    definition(ready, "sleep", "60", name="run")
    job = submit(ready, jobDefinition="run")

    async def terminate() -> None:
        # It lasts for some rounds of the loop only, so every one is looked at.
        await until(lambda: job.status == "STARTING", pause=0)
        engine.terminate(ready, job, "too late")
        await until(ended(job))

    work(engine, terminate)
    assert (job.status, job.reason) == ("FAILED", "too late")


def test_a_deleted_queue_takes_its_jobs_along(engine: Engine, ready: Region) -> None:
    definition(ready, "sleep", "60", name="run")
    job = submit(ready, jobDefinition="run")

    async def delete() -> None:
        await until(lambda: job.status == "RUNNING")
        ready.queues["q"]["status"] = "DELETING"
        engine.wake()
        await until(lambda: "q" not in ready.queues)

    work(engine, delete)
    assert job.reason == "JobQueue deleted"


def test_nothing_that_a_job_started_outlives_it(
    engine: Engine, ready: Region, tmp_path: Path
) -> None:
    # A process of its own session would escape a signal to the group.
    code = (
        "import subprocess, sys; "
        "p = subprocess.Popen(['sleep', '60'], start_new_session=True); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid))"
    )
    job = run(engine, ready, "python", "-c", code)
    assert job.status == "SUCCEEDED"
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_jobs_of_a_lost_host_are_tried_again(engine: Engine, ready: Region, world: World) -> None:
    definition(ready, "true", name="run")
    again = submit(ready, jobDefinition="run", retryStrategy={"attempts": 2})
    once = submit(ready, jobDefinition="run")
    for job in (again, once):
        job.status = "RUNNING"  # as the state was saved
    work(engine, lambda: until(ended(again, once)))
    assert (once.status, once.reason) == ("FAILED", lifecycle.HOST_TERMINATED)
    assert (again.status, len(again.attempts)) == ("SUCCEEDED", 2)


def test_a_reset_ends_everything(engine: Engine, ready: Region) -> None:
    definition(ready, "sleep", "60", name="run")
    job = submit(ready, jobDefinition="run")

    async def reset() -> None:
        await until(lambda: job.status == "RUNNING")
        [attempt] = engine.attempts.values()
        assert attempt.running is not None
        engine.reset()
        await until(lambda: not engine.attempts)
        await attempt.running._process.wait()

    work(engine, reset)
    assert engine.store.regions() == []


@contextlib.contextmanager
def killed(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_everything_ends_when_the_launcher_is_killed(tmp_path: Path) -> None:
    # The launcher's place is taken by a program that starts a supervisor and is killed.
    code = (
        "import subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, {str(running.SUPERVISOR)!r}, {str(tmp_path)!r}, "
        "'sh', '-c', 'echo $$ > pid; sleep 60 & wait'], stdin=subprocess.PIPE); time.sleep(60)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code])
    with killed(launcher):
        pid = tmp_path / "pid"
        wait_for(lambda: pid.exists() and pid.read_text().strip())
        shell = psutil.Process(int(pid.read_text()))
        wait_for(shell.children)
        family = [shell, *shell.children(), psutil.Process(shell.ppid())]
    assert psutil.wait_procs(family, timeout=PATIENCE)[1] == []


def test_a_supervisor_that_is_asked_to_end_ends_its_program(tmp_path: Path) -> None:
    # `glue local down` asks whatever a killed launcher left behind.
    supervisor = subprocess.Popen(
        [sys.executable, "-I", "-S", running.SUPERVISOR, tmp_path,
         "--after", "echo", "afterwards", "--", "--after", "echo", "last", "--",
         "sh", "-c", "echo $$ > pid; exec sleep 60"],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    with killed(supervisor):
        pid = tmp_path / "pid"
        wait_for(lambda: pid.exists() and pid.read_text().strip())
        program = psutil.Process(int(pid.read_text()))
        supervisor.terminate()
        assert supervisor.wait(PATIENCE) == 128 + signal.SIGKILL
    assert not program.is_running()
    assert (tmp_path / AFTER).read_text() == "afterwards\nlast\n"


def wait_for(probe: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not probe():
        assert time.monotonic() < deadline
        time.sleep(0.01)

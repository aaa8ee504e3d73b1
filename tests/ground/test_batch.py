"""Batch of the local cloud, end to end over HTTP: nothing but `glue local up` and boto3."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.batch import SCALE, Bench
from tests.platform import new_platform

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    platform = new_platform(tmp_path_factory.mktemp("batch"))
    platform.variables |= SCALE
    made = Bench(platform)
    try:
        made.prepare()
        yield made
    finally:
        platform.down()


def test_an_array_of_twenty(bench: Bench) -> None:
    url = bench.told("array")
    identity = bench.submit(
        "import os; print('number', os.environ['AWS_BATCH_JOB_ARRAY_INDEX'])",
        arrayProperties={"size": 20},
    )
    parent = bench.wait(identity)
    assert parent["status"] == "SUCCEEDED"
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 20
    listed = bench.batch.list_jobs(arrayJobId=identity, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert {child["jobId"] for child in listed} == {f"{identity}:{n}" for n in range(20)}
    for number in (0, 7, 19):
        assert bench.lines(bench.job(f"{identity}:{number}")) == [f"number {number}"]
    events = bench.received(url)
    told = [e["detail"]["status"] for e in events if e["detail"]["jobId"] == f"{identity}:7"]
    assert told == ["PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    [last] = [e for e in events if e["detail"]["jobId"] == identity and
              e["detail"]["status"] == "SUCCEEDED"]  # fmt: skip
    assert last["resources"] == [parent["jobArn"]]
    assert last["detail"]["arrayProperties"]["size"] == 20


def test_a_failing_job_is_tried_again(bench: Bench) -> None:
    # The second attempt ends well.
    code = "import os, sys; sys.exit(os.environ['AWS_BATCH_JOB_ATTEMPT'] == '1' and 7)"
    job = bench.wait(bench.submit(code, retryStrategy={"attempts": 3}))
    assert job["status"] == "SUCCEEDED"
    assert [a["container"]["exitCode"] for a in job["attempts"]] == [7, 0]
    conditions = [{"onExitCode": "7", "action": "EXIT"}]
    strategy = {"attempts": 3, "evaluateOnExit": conditions}
    job = bench.wait(bench.submit(code, retryStrategy=strategy))
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 7)
    assert job["statusReason"] == "Essential container in task exited"


def test_a_job_that_takes_too_long_is_ended(bench: Bench) -> None:
    job = bench.wait(
        bench.submit(
            "print('began'); import time; time.sleep(600)",
            timeout={"attemptDurationSeconds": 100},
            retryStrategy={"attempts": 2},
        )
    )
    assert (job["status"], job["statusReason"]) == (
        "FAILED", "Job attempt duration exceeded timeout"
    )  # fmt: skip
    assert len(job["attempts"]) == 1
    assert bench.lines(job) == ["began"]


def test_what_waits_is_cancelled_and_what_runs_is_terminated(bench: Bench) -> None:
    running = bench.submit("import time; time.sleep(600)", arrayProperties={"size": 8})
    waiting = bench.submit("print(1)")
    bench.until(lambda: bench.job(running)["arrayProperties"]["statusSummary"].get("RUNNING") == 8)
    reason = bench.until(lambda: bench.job(waiting).get("statusReason"))
    assert reason.startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")
    bench.batch.cancel_job(jobId=waiting, reason="changed my mind")
    bench.batch.cancel_job(jobId=f"{running}:3", reason="it runs already")
    assert bench.job(waiting)["statusReason"] == "changed my mind"
    assert bench.job(f"{running}:3")["status"] == "RUNNING"
    bench.batch.terminate_job(jobId=running, reason="enough")
    job = bench.wait(running)
    assert (job["status"], job["arrayProperties"]["statusSummary"]["FAILED"]) == ("FAILED", 8)
    child = bench.job(f"{running}:3")
    assert (child["statusReason"], child["container"]["exitCode"]) == ("enough", 143)


def test_an_unknown_image_cannot_be_pulled(bench: Bench) -> None:
    container = {"image": "nobody/knows:1", "resourceRequirements": [
        {"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}
    ], "executionRoleArn": "arn:aws:iam::000000000000:role/execution"}  # fmt: skip
    bench.batch.register_job_definition(
        jobDefinitionName="unknown", type="container", platformCapabilities=["FARGATE"],
        containerProperties=container,
    )  # fmt: skip
    identity = bench.batch.submit_job(jobName="x", jobQueue="work", jobDefinition="unknown")
    job = bench.wait(identity["jobId"])
    assert job["container"]["reason"].startswith("CannotPullContainerError")


def test_a_restart_loses_no_job(bench: Bench, tmp_path: Any) -> None:
    url = bench.told("restart")
    first = tmp_path / "first"
    code = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(first)!r}).write_text(str(os.getpid()))\n"
        "if os.environ['AWS_BATCH_JOB_ATTEMPT'] == '1': time.sleep(600)\n"
        "print('second attempt')"
    )
    again = bench.submit(code, retryStrategy={"attempts": 2})
    once = bench.submit("import time; time.sleep(600)")
    after = bench.submit("print('waited')", dependsOn=[{"jobId": again}])
    bench.wait(once, "RUNNING")
    process = psutil.Process(int(bench.until(lambda: first.exists() and first.read_text())))
    bench.platform.glue("local", "down")
    assert not process.is_running()

    bench.up()
    assert bench.wait(once)["statusReason"].startswith("Host EC2")
    job = bench.wait(again)
    assert [a["statusReason"][:8] for a in job["attempts"]] == ["Host EC2", "Essentia"]
    assert bench.lines(job) == ["second attempt"]
    assert bench.lines(bench.wait(after)) == ["waited"]
    told = {e["detail"]["jobId"]: e["detail"]["status"] for e in bench.received(url)}
    assert (told[once], told[again]) == ("FAILED", "SUCCEEDED")


def test_no_job_outlives_a_launcher_that_was_killed(bench: Bench, tmp_path: Any) -> None:
    file = tmp_path / "pid"
    code = (
        "import os, pathlib, time; "
        f"pathlib.Path({str(file)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    identity = bench.submit(code)
    process = psutil.Process(int(bench.until(lambda: file.exists() and file.read_text())))
    # The state is saved by then, though no request made the last changes.
    bench.wait(identity, "RUNNING")
    status = bench.platform.glue_json("local", "status")
    saved = bench.platform.build / "local" / "state" / "batch.json"
    bench.until(lambda: f'"{identity}"' in saved.read_text() and '"RUNNING"' in saved.read_text())
    os.kill(status["emulator"]["pid"], signal.SIGKILL)
    assert psutil.wait_procs([process], timeout=60)[1] == []
    bench.up()
    assert bench.wait(identity)["statusReason"].startswith("Host EC2")


def test_deleting_goes_in_the_order_of_aws(bench: Bench) -> None:
    batch = bench.batch
    job = bench.submit("import time; time.sleep(600)")
    bench.wait(job, "RUNNING")
    with pytest.raises(ClientError, match="must be DISABLED"):
        batch.delete_job_queue(jobQueue="work")
    with pytest.raises(ClientError, match="must be DISABLED"):
        batch.delete_compute_environment(computeEnvironment="cpu")
    batch.update_compute_environment(computeEnvironment="cpu", state="DISABLED")
    with pytest.raises(ClientError, match="found existing JobQueue relationship"):
        batch.delete_compute_environment(computeEnvironment="cpu")
    batch.update_job_queue(jobQueue="work", state="DISABLED")
    with pytest.raises(ClientError, match="not ENABLED"):
        bench.submit("print(1)")
    batch.delete_job_queue(jobQueue="work")
    bench.until(lambda: batch.describe_job_queues(jobQueues=["work"])["jobQueues"] == [])
    assert bench.job(job)["status"] == "FAILED"
    batch.delete_compute_environment(computeEnvironment="cpu")
    bench.until(lambda: batch.describe_compute_environments()["computeEnvironments"] == [])

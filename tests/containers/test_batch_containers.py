"""Batch of the local cloud with RUNTIME=container: what only real containers can show."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.batch import TRUST, Bench
from tests.platform import new_platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.containers.engine import Engine

# A minute of Batch's timeouts is six seconds here, and the patience with a container that is
# asked to end is three.
VARIABLES = {"RUNTIME": "container", "BATCH_TIME_SCALE": "0.1"}
ACCOUNT = "000000000000"
IMAGE = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/local-job:1"
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
RUN useradd --uid 1500 --create-home job
USER job
ENTRYPOINT ["python3", "-u", "-c", "import sys; print('image', *sys.argv[1:])"]
CMD ["by itself"]
"""


class ContainerBench(Bench):
    """The bench of the processes' tests, with definitions for containers."""

    def __init__(self, platform: Any, engine: Engine) -> None:
        super().__init__(platform)
        self.engine = engine
        self.home = platform.build / "local"

    def define(self, name: str, image: str, *command: str, **changes: Any) -> None:
        """Register a definition for instances, which may have any size."""
        sizes = {"VCPU": "1", "MEMORY": "256"} | changes.pop("sizes", {})
        requirements = [{"type": kind, "value": value} for kind, value in sizes.items()]
        self.batch.register_job_definition(
            jobDefinitionName=name, type="container", platformCapabilities=["EC2"],
            containerProperties={"image": image, "command": list(command),
                                 "resourceRequirements": requirements, **changes},
        )  # fmt: skip

    def prepare(self) -> None:
        self.batch.create_compute_environment(
            computeEnvironmentName="cpu", type="MANAGED",
            computeResources={"type": "EC2", "maxvCpus": 8, "subnets": ["subnet-1"],
                              "securityGroupIds": ["sg-1"], "instanceTypes": ["c7i.large"],
                              "instanceRole": "profile"},
        )  # fmt: skip
        self.batch.create_job_queue(
            jobQueueName="work", priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "cpu"}],
        )  # fmt: skip
        self.define("python", self.engine.base, "python3", "-u", "-c", "Ref::code")

    def start(self, definition: str, code: str = "", **changes: Any) -> str:
        job = self.batch.submit_job(
            jobName="test", jobQueue="work", jobDefinition=definition,
            parameters={"code": code}, **changes,
        )  # fmt: skip
        identity: str = job["jobId"]
        return identity

    def do(self, definition: str, code: str = "", **changes: Any) -> dict[str, Any]:
        return self.wait(self.start(definition, code, **changes))

    def run(self, code: str, name: str = "changed", **changes: Any) -> dict[str, Any]:
        """Run Python code in the base image, with a definition that is a little different."""
        self.define(name, self.engine.base, "python3", "-u", "-c", "Ref::code", **changes)
        return self.do(name, code)

    def containers(self) -> list[str]:
        return self.engine.containers(self.home)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[ContainerBench]:
    platform = new_platform(tmp_path_factory.mktemp("batch"))
    platform.variables |= VARIABLES
    made = ContainerBench(platform, engine)
    try:
        made.prepare()
        yield made
    finally:
        platform.down()


@pytest.fixture(autouse=True)
def nothing_left(bench: ContainerBench) -> Iterator[None]:
    """After every test there is no container: a job that has ended has none any more."""
    yield
    bench.until(lambda: not bench.containers())


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[str]:
    """An image of our own, named as one in ECR."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    yield engine.build(folder, IMAGE)
    engine.run("rmi", "--force", IMAGE)


def test_a_job_runs_in_a_container_of_its_own(bench: ContainerBench) -> None:
    job = bench.run("import os; print(os.getpid(), os.path.exists('/work'), os.uname().sysname)")
    assert (job["status"], job["container"]["exitCode"]) == ("SUCCEEDED", 0)
    # Its first process is the container's number 1.
    assert bench.lines(job) == ["1 False Linux"]
    assert job["statusReason"] == "Essential container in task exited"


def test_output_of_both_kinds_reaches_the_log_whole(bench: ContainerBench) -> None:
    code = "import sys\nfor n in range(2000): print(n)\nprint('bad', file=sys.stderr)\nsys.exit(3)"
    job = bench.run(code)
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 3)
    stream = job["container"]["logStreamName"]
    pages = bench.logs.get_paginator("filter_log_events").paginate(
        logGroupName="/aws/batch/job", logStreamNames=[stream]
    )
    lines = [event["message"] for page in pages for event in page["events"]]
    expected = {*map(str, range(2000)), "bad"}
    assert (set(lines) - expected, expected - set(lines), len(lines)) == (set(), set(), 2001)


@pytest.mark.parametrize("code", [1, 125, 126, 127, 137, 255])
def test_an_exit_code_is_the_programs_own(bench: ContainerBench, code: int) -> None:
    job = bench.run(f"raise SystemExit({code})")
    assert job["container"]["exitCode"] == code
    # None of them is taken for the engine's own trouble, nor 137 for a lack of memory.
    assert "reason" not in job["container"]


def test_it_is_told_its_variables_and_the_path_is_the_images(bench: ContainerBench) -> None:
    own = {"OWN": "a b=c\nsecond line", "HOME": "/nowhere", "LD_LIBRARY_PATH": "/own"}
    environment = [{"name": name, "value": value} for name, value in own.items()]
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    job = bench.run(code, environment=environment)
    told = json.loads(bench.lines(job)[0])
    assert {name: told[name] for name in own} == own
    assert told["AWS_BATCH_JOB_ID"] == job["jobId"]
    assert told["AWS_ENDPOINT_URL"] == bench.platform.endpoint
    assert "/usr/bin" in told["PATH"]
    assert "venv" not in told["PATH"]
    assert not {"PROVING_GROUND_BUILD", "RUNTIME"} & set(told)


def test_it_reaches_the_cloud_with_the_credentials_of_its_role(bench: ContainerBench) -> None:
    iam = bench.platform.client("iam")
    role = iam.create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(TRUST))
    # No SDK is in the image: the request is signed by hand, as any SDK would.
    code = """
import datetime, hashlib, hmac, os, urllib.request
from urllib.parse import urlsplit
e = os.environ; host = urlsplit(e['AWS_ENDPOINT_URL']).netloc
body = b'Action=GetCallerIdentity&Version=2011-06-15'
now = datetime.datetime.utcnow().strftime('%Y%m%dT%H%M%SZ'); day = now[:8]
kind = 'application/x-www-form-urlencoded'
names = 'content-type;host;x-amz-date;x-amz-security-token'
sent = {'content-type': kind, 'host': host, 'x-amz-date': now,
        'x-amz-security-token': e['AWS_SESSION_TOKEN']}
lines = ''.join(f'{k}:{v}\\n' for k, v in sent.items())
digest = lambda b: hashlib.sha256(b).hexdigest()
request = '\\n'.join(['POST', '/', '', lines, names, digest(body)])
scope = f"{day}/{e['AWS_REGION']}/sts/aws4_request"
text = '\\n'.join(['AWS4-HMAC-SHA256', now, scope, digest(request.encode())])
key = ('AWS4' + e['AWS_SECRET_ACCESS_KEY']).encode()
for part in scope.split('/'): key = hmac.new(key, part.encode(), hashlib.sha256).digest()
signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
sent['authorization'] = (f"AWS4-HMAC-SHA256 Credential={e['AWS_ACCESS_KEY_ID']}/{scope}, "
                         f"SignedHeaders={names}, Signature={signature}")
print(urllib.request.urlopen(
    urllib.request.Request(e['AWS_ENDPOINT_URL'] + '/', body, sent)).read().decode())
"""
    job = bench.run(code, jobRoleArn=role["Role"]["Arn"])
    answer = "\n".join(bench.lines(job))
    assert job["status"] == "SUCCEEDED", answer
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/job/" in answer


def test_command_and_entry_point_of_an_image(bench: ContainerBench, image: str) -> None:
    bench.define("own", image)
    assert bench.lines(bench.do("own")) == ["image by itself"]
    bench.define("given", image, "Ref::code", "two words")
    assert bench.lines(bench.do("given", "one")) == ["image one two words"]


def test_an_image_that_is_not_here_is_not_fetched(bench: ContainerBench) -> None:
    bench.define("unknown", f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/nobody:1", "true")
    job = bench.do("unknown", retryStrategy={"attempts": 2})
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotPullContainerError: pull image manifest")
    assert "exitCode" not in job["container"]
    assert len(job["attempts"]) == 2


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"command": ["no-such-program"]}, "CannotStartContainerError"),
        ({"user": "nobody-knows"}, "CannotStartContainerError"),
        ({"privileged": True}, "CannotCreateContainerError"),
    ],
)
def test_a_container_that_cannot_start_says_why(
    bench: ContainerBench, changes: dict[str, Any], kind: str
) -> None:
    bench.define("broken", bench.engine.base, *changes.pop("command", ["true"]), **changes)
    job = bench.do("broken")
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith(kind)
    assert "exitCode" not in job["container"]


def test_user_and_read_only_root(bench: ContainerBench) -> None:
    code = """
import os
print(os.getuid())
for path in ('/file', '/tmp/file', '/scratch/file', '/kept/file'):
    try:
        open(path, 'w').close(); print(path)
    except OSError as error:
        print(error.strerror)
"""
    job = bench.run(
        code, user="1500", readonlyRootFilesystem=True,
        linuxParameters={"tmpfs": [{"containerPath": "/scratch", "size": 8,
                                    "mountOptions": ["mode=1777"]}]},
        volumes=[{"name": "kept"}],
        mountPoints=[{"sourceVolume": "kept", "containerPath": "/kept", "readOnly": True}],
    )  # fmt: skip
    refused = "Read-only file system"
    assert bench.lines(job) == ["1500", refused, refused, "/scratch/file", refused]


def test_memory_is_limited(bench: ContainerBench) -> None:
    code = "print('begins'); bytearray(300 << 20); print('never')"
    job = bench.run(code, sizes={"MEMORY": "64"})
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert job["statusReason"] == "Essential container in task exited"
    assert bench.lines(job) == ["begins"]


def test_a_lack_of_memory_can_be_told_apart_by_a_strategy(bench: ContainerBench) -> None:
    bench.define("small", bench.engine.base, "python3", "-c", "bytearray(300 << 20)",
                 sizes={"MEMORY": "64"})  # fmt: skip
    conditions = [
        {"onReason": "OutOfMemoryError*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ]
    job = bench.do("small", retryStrategy={"attempts": 2, "evaluateOnExit": conditions})
    assert len(job["attempts"]) == 2


def test_processes_and_open_files_are_limited(bench: ContainerBench) -> None:
    code = """
import os, resource, time
count = 0
try:
    while count < 3000:
        if os.fork() == 0:
            time.sleep(60); os._exit(0)
        count += 1
except BlockingIOError:
    pass
print(500 < count < 1024)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
os._exit(0)
"""
    limits = [{"name": "nofile", "softLimit": 128, "hardLimit": 256}]
    job = bench.run(code, sizes={"MEMORY": "2048"}, ulimits=limits)
    assert bench.lines(job) == ["True", "(128, 256)"]


def test_one_that_takes_too_long_is_asked_to_end(bench: ContainerBench) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: (print('asked'), sys.exit(9)))\n"
        "print('began'); time.sleep(600)"
    )
    job = bench.do("python", code, timeout={"attemptDurationSeconds": 60})
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    assert job["container"]["exitCode"] == 9
    assert bench.lines(job) == ["began", "asked"]


def test_one_that_does_not_listen_is_killed(bench: ContainerBench) -> None:
    # The first process of a container is not ended by a signal that it does not handle.
    identity = bench.start("python", "print('runs'); import time; time.sleep(600)")
    job = bench.wait(identity, "RUNNING")
    bench.until(lambda: bench.lines(bench.job(identity)) == ["runs"])
    assert len(bench.containers()) == 1
    bench.batch.terminate_job(jobId=identity, reason="enough")
    job = bench.wait(identity)
    assert (job["statusReason"], job["container"]["exitCode"]) == ("enough", 137)


def test_an_array_of_twenty_and_one_that_is_terminated(bench: ContainerBench) -> None:
    code = "import os; print('number', os.environ['AWS_BATCH_JOB_ARRAY_INDEX'])"
    parent = bench.do("python", code, arrayProperties={"size": 20})
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 20
    for number in (0, 11, 19):
        assert bench.lines(bench.job(f"{parent['jobId']}:{number}")) == [f"number {number}"]
    code = "import time; time.sleep(600)"
    identity = bench.start("python", code, arrayProperties={"size": 12})
    bench.until(lambda: len(bench.containers()) == 8)  # as many as the environment has room for
    bench.batch.terminate_job(jobId=identity, reason="enough")
    job = bench.wait(identity)
    assert job["arrayProperties"]["statusSummary"]["FAILED"] == 12


def beats(path: Path) -> bool:
    """Tell whether a file grows."""
    before = path.stat().st_size
    time.sleep(0.5)
    return path.stat().st_size > before


def test_no_container_outlives_a_launcher_that_was_killed(bench: ContainerBench) -> None:
    identity = bench.start("python", "import time; time.sleep(600)")
    bench.wait(identity, "RUNNING")
    bench.until(bench.containers)
    status = bench.platform.glue_json("local", "status")
    saved = bench.home / "state" / "batch.json"
    bench.until(lambda: f'"{identity}"' in saved.read_text() and '"RUNNING"' in saved.read_text())
    os.kill(status["emulator"]["pid"], signal.SIGKILL)
    bench.until(lambda: not bench.containers())
    bench.up()
    assert bench.wait(identity)["statusReason"].startswith("Host EC2")


def test_down_removes_what_runs_and_what_nobody_watches(bench: ContainerBench) -> None:
    identity = bench.start("python", "import time; time.sleep(600)")
    bench.wait(identity, "RUNNING")
    # One that a supervisor left when it was killed, too.
    label = f"glue.local.home={bench.home}"
    bench.engine.run("create", "--pull", "never", "--label", label, bench.engine.base, "true")
    bench.until(lambda: len(bench.containers()) == 2)
    bench.platform.glue("local", "down")
    assert bench.containers() == []
    bench.up()
    assert bench.wait(identity)["statusReason"].startswith("Host EC2")


def test_a_fresh_launcher_removes_what_it_finds(bench: ContainerBench) -> None:
    bench.platform.glue("local", "down")
    label = f"glue.local.home={bench.home}"
    bench.engine.run("create", "--pull", "never", "--label", label, bench.engine.base, "true")
    bench.up()
    assert bench.containers() == []

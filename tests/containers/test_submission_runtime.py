"""Submissions' pods that the stand-in for Kubernetes runs as real containers."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from glue.leaderboard.names import job_name
from glue.local.batch import engines as local_engines
from glue.local.cloud import Cloud
from glue.local.kubernetes.engine_pods import EnginePods
from tests.containers import engine as engines
from tests.containers.pod import ATTEMPT, SUBMISSION, manifest
from tests.containers.storage import Bucket
from tests.platform import free_ports
from tests.unit.local.kubernetes.standing import Standing, standing
from tests.unit.local.kubernetes.test_program import LocalCloud, cloud, program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.containers.engine import Engine

__all__ = ["LocalCloud", "cloud"]  # a fixture of the processes' tests

AGENT = "localhost/stand-in-agent:test"
JOB = job_name("leaderboard-20", SUBMISSION, ATTEMPT)
PREFIX = "99/attempt-1/"
RESULTS = f"{PREFIX}worker-1/results/simulation_results.json"
FOREVER = "import time\nprint('on', flush=True)\nwhile True: time.sleep(1)"
PATIENCE_SECONDS = 90.0


def until(found: Callable[[], Any]) -> Any:
    ending = time.monotonic() + PATIENCE_SECONDS
    while not (value := found()):
        assert time.monotonic() < ending
        time.sleep(0.2)
    return value


@pytest.fixture(scope="module", autouse=True)
def images(engine: Engine) -> None:
    for name in ("uploader", "stand-in-simulator", "stand-in-evaluator", "stand-in-agent"):
        engine.build(engines.ROOT / "images" / name, f"localhost/{name}:test", context=engines.ROOT)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    bucket = Bucket(tmp_path_factory.mktemp("cloud") / "home")
    yield bucket
    bucket.cloud.down()


class Ground:
    """The stand-in, and what it leaves in the engine."""

    def __init__(self, engine: Engine, stand_in: Standing, bucket: Bucket) -> None:
        self.engine, self.stand_in, self.bucket = engine, stand_in, bucket

    def containers(self) -> list[str]:
        return self.engine.containers(self.stand_in.home)

    def start(self, job: dict[str, Any]) -> None:
        """Create a Job, with a form for its results."""
        self.bucket.clear()
        form = json.dumps(self.bucket.storage.form(SUBMISSION, ATTEMPT))
        self.stand_in.client.put_secret(JOB, {"form.json": SecretStr(form)}, {})
        self.stand_in.client.create_job(job)

    def run(self, job: dict[str, Any]) -> Any:
        """Run a Job to its end and return what a watcher sees of it then."""
        self.start(job)
        return self.wait(lambda phase: phase.is_over)

    def wait(self, enough: Callable[[Any], bool]) -> Any:
        return until(lambda: (phase := self.stand_in.phase(JOB)) and enough(phase) and phase)

    def wait_reason(self, reason: str) -> Any:
        return self.wait(lambda phase: phase.reason == reason)

    def states(self) -> dict[str, Any]:
        """Return the states of the pod's containers by name."""
        (pod,) = self.stand_in.client.pods(JOB)
        status = pod["status"]
        every = (*status["initContainerStatuses"], *status["containerStatuses"])
        return {entry["name"]: entry for entry in every}

    def log(self, container: str) -> str:
        (pod,) = self.stand_in.client.pods(JOB)
        return self.stand_in.client.log(pod["metadata"]["name"], container)


@pytest.fixture(scope="module")
def stand_in(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine, bucket: Bucket
) -> Iterator[Standing]:
    home = tmp_path_factory.mktemp("kubernetes") / "home"
    pods = EnginePods(engine.engine, home, bucket.cloud.endpoint)
    with standing(home, scale=0.2, runtime=pods) as found:
        yield found


@pytest.fixture
def ground(engine: Engine, stand_in: Standing, bucket: Bucket) -> Iterator[Ground]:
    made = Ground(engine, stand_in, bucket)
    yield made
    stand_in.fault()
    for job in stand_in.client.jobs():
        stand_in.client.delete_job(job["metadata"]["name"])
    until(lambda: not stand_in.client.jobs())
    until(lambda: not made.containers())


def submission(image: str = AGENT, **containers: dict[str, Any]) -> dict[str, Any]:
    """Return a submission's Job whose evaluator is quick, with changes by container."""
    job = manifest(image)
    spec = job["spec"]["template"]["spec"]
    for container in (*spec["initContainers"], *spec["containers"]):
        if container["name"] == "evaluator-1":
            container["env"] += [
                {"name": "ROUTE_SECONDS", "value": "0.02"},
                {"name": "AGENT_SECONDS", "value": "60"},
            ]
        changes = containers.get(container["name"].replace("-", "_"), {})
        if "command" in changes:
            container.pop("startupProbe", None)  # which another program does not answer
        container.update(changes)
    return job


def impatient(job: dict[str, Any]) -> dict[str, Any]:
    """Return a Job whose containers have a second to end."""
    job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 5
    return job


def python(code: str) -> dict[str, Any]:
    return {"command": ["python3", "-u", "-c"], "args": [code]}


def test_a_submission_ends_with_results_that_are_trusted(ground: Ground) -> None:
    phase = ground.run(submission())
    assert phase.state == "succeeded", phase
    verdict = ground.bucket.verdict()
    assert verdict.trusted, verdict.reason
    assert verdict.metrics["Driving score"] == pytest.approx(95.533774)
    assert sorted(ground.bucket.sent()) == [
        f"{PREFIX}worker-1/{file}"
        for file in (
            "agent/agent.log", "results/simulation_results.json", "simulator/simulator.log"
        )
    ]  # fmt: skip
    assert {name: state["state"]["terminated"]["exitCode"] for name, state in
            ground.states().items()} == dict.fromkeys(ground.states(), 0)  # fmt: skip
    assert "everything that may be sent was sent" in ground.log("uploader")


CONFINED = """
import json, os, socket
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def attempt(do):
    try:
        return str(do())
    except OSError as error:
        return type(error).__name__
memory = [f"/sys/fs/cgroup/{n}" for n in ("memory.max", "memory/memory.limit_in_bytes")]
print(json.dumps({
    "user": os.getuid(), "groups": os.getgroups(), "process": os.getpid(),
    "capabilities": int(status["CapBnd"], 16), "no new": status["NoNewPrivs"].strip(),
    "write": attempt(lambda: open("/etc/x", "w")), "results": os.listdir("/results"),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "out": attempt(lambda: socket.create_connection(("192.0.2.1", 443), 5)),
    "cloud": attempt(lambda: socket.create_connection(("127.0.0.1", PORT), 5).close()),
    "form": os.path.exists("/form"), "given": os.environ["RESULTS_FILE"],
    "memory": [int(open(path).read()) for path in memory if os.path.exists(path)],
}))
"""


def test_what_a_manifest_says_of_a_container_holds(ground: Ground) -> None:
    code = CONFINED.replace("PORT", str(ground.bucket.cloud.port))
    assert ground.run(submission(evaluator_1=python(code))).state == "succeeded"
    told = json.loads(ground.log("evaluator-1"))
    assert told == {
        "user": 65532, "groups": [65532], "process": 1, "capabilities": 0, "no new": "1",
        "write": told["write"], "results": [], "interfaces": ["lo"], "out": "OSError",
        "cloud": "None", "form": False, "given": "/results/simulation_results.json",
        "memory": [256 * 1024**2],
    }  # fmt: skip
    assert told["write"] in ("OSError", "PermissionError")


def test_a_crash_is_the_containers_own(ground: Ground) -> None:
    code = "print('so far'); open('/results/so-far', 'x').write('1'); raise SystemExit(3)"
    phase = ground.run(submission(evaluator_1=python(code)))
    assert (phase.state, phase.reason, phase.exit_code) == ("failed", "program", 3)
    assert phase.container == "evaluator-1"
    assert ground.log("evaluator-1") == "so far\n"
    assert ground.states()["uploader"]["state"]["terminated"]["exitCode"] == 0
    # However short the run was: nothing of it began before the uploader heeded signals.
    assert f"{PREFIX}worker-1/results/so-far" in ground.bucket.sent()


def test_an_agent_that_crashes_is_started_again_in_a_fresh_container(ground: Ground) -> None:
    code = "open('/tmp/mark', 'x'); print('began'); raise SystemExit(9)"
    ground.start(impatient(submission(agent_1=python(code), evaluator_1=python(FOREVER))))
    agent = until(lambda: (s := ground.states()["agent-1"])["restartCount"] >= 2 and s)
    assert agent["lastState"]["terminated"]["exitCode"] == 9
    assert "FileExistsError" not in ground.log("agent-1")
    assert ground.log("agent-1").startswith("began\nbegan\n")


def test_more_memory_than_the_limit_is_the_end(ground: Ground) -> None:
    phase = ground.run(submission(evaluator_1=python("held = bytearray(1024**3)")))
    assert (phase.state, phase.reason) == ("failed", "out_of_memory"), phase
    assert ground.states()["evaluator-1"]["state"]["terminated"]["exitCode"] == 137


def test_an_image_that_is_nowhere_is_waited_for(ground: Ground) -> None:
    image = "localhost:9/agents/none:1"
    ground.start(submission(image))
    waiting = ground.wait_reason("image_pull")
    assert waiting.state == "waiting"
    assert image in waiting.message
    reason = ground.states()["agent-1"]["state"]["waiting"]["reason"]
    assert reason in ("ErrImagePull", "ImagePullBackOff")
    # Nothing of the main containers has begun, and it begins as soon as the image is there.
    assert "waiting" in ground.states()["evaluator-1"]["state"]
    ground.engine.run("tag", AGENT, image)
    try:
        assert ground.wait(lambda phase: phase.is_over).state == "succeeded"
    finally:
        ground.engine.run("rmi", image)


def test_registries_of_the_local_account_are_not_asked(ground: Ground) -> None:
    ground.start(submission("000000000000.dkr.ecr.eu-central-1.amazonaws.com/none:1"))
    assert "build it or tag it so on this machine" in ground.wait_reason("image_pull").message


def test_an_image_of_roots_does_not_run_where_it_must_not(ground: Ground) -> None:
    security = {
        "runAsNonRoot": True, "allowPrivilegeEscalation": False, "privileged": False,
        "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": False,
    }  # fmt: skip
    ground.start(submission(ground.engine.base, agent_1={"securityContext": security}))
    waiting = until(lambda: ground.states()["agent-1"]["state"].get("waiting", {}).get("message"))
    assert waiting == "container has runAsNonRoot and image will run as root"


def test_a_program_that_the_image_lacks(ground: Ground) -> None:
    phase = ground.run(submission(evaluator_1={"command": ["/not/there"]}))
    assert phase.state == "failed"
    ended = ground.states()["evaluator-1"]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "/not/there" in ended["message"]


def test_a_deadline_ends_all_containers(ground: Ground) -> None:
    job = impatient(submission(evaluator_1=python(FOREVER)))
    job["spec"]["template"]["spec"]["activeDeadlineSeconds"] = 20
    phase = ground.run(job)
    assert (phase.state, phase.reason) == ("failed", "deadline")
    assert ground.log("evaluator-1") == "on\n"
    until(lambda: not ground.containers())


@pytest.mark.parametrize(
    ("fault", "reason", "code"),
    [({"kind": "memory"}, "OOMKilled", 137), ({"kind": "crash", "exit_code": 7}, "Error", 7)],
)
def test_faults_on_request(ground: Ground, fault: Any, reason: str, code: int) -> None:
    ground.stand_in.fault(containers=[{"container": "evaluator-*", **fault}])
    assert ground.run(submission(evaluator_1=python(FOREVER))).state == "failed"
    ended = ground.states()["evaluator-1"]["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == (reason, code)


def test_one_that_hangs_is_deleted_all_the_same(ground: Ground) -> None:
    ground.stand_in.fault(containers=[{"container": "evaluator-*", "kind": "hang"}])
    ground.start(impatient(submission()))
    ground.wait(lambda phase: phase.state == "running")
    assert len(ground.containers()) == 5  # four of the manifest, and the network's
    ground.stand_in.client.delete_job(JOB)
    until(lambda: not ground.containers())
    assert RESULTS not in ground.bucket.sent()


def test_a_form_that_is_replaced_reaches_the_container(ground: Ground) -> None:
    code = (
        "import time\nseen = None\n"
        "while seen != 'second':\n"
        "    seen = open('/form/form.json').read()\n    time.sleep(0.1)\nprint(seen)"
    )
    ground.start(impatient(submission(uploader=python(code), evaluator_1=python(FOREVER))))
    ground.wait(lambda phase: phase.state == "running")
    ground.stand_in.client.put_secret(JOB, {"form.json": SecretStr("second")}, {})
    until(lambda: "second" in ground.log("uploader"))


def left_over(engine: Engine, home: Path) -> str:
    """Make a container that nobody watches, as a supervisor that was killed leaves it."""
    label = f"{local_engines.LABEL}={home}"
    return engine.run("create", "--pull", "never", "--label", label, engine.base, "true").strip()


def running(engine: Engine, home: Path) -> list[str]:
    label = f"label={local_engines.LABEL}={home}"
    return engine.run("ps", "--quiet", "--filter", label).split()


def is_swept(engine: Engine, home: Path) -> bool:
    local_engines.sweep(home)
    return not engine.containers(home)


def test_no_container_outlives_a_stand_in_that_was_killed(
    engine: Engine, tmp_path: Path, cloud: str
) -> None:
    home = tmp_path / "home"
    job = submission(evaluator_1=python(FOREVER), uploader=python(FOREVER))
    more = ("--runtime", "container", "--no-logs")
    with program(home, cloud, *more) as (process, client):
        client.put_secret(JOB, {"form.json": SecretStr("{}")}, {})
        client.create_job(job)
        until(lambda: [pod["status"]["phase"] for pod in client.pods(JOB)] == ["Running"])
        assert len(engine.containers(home)) == 5
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        until(lambda: not running(engine, home))
    # And what nobody watches is removed by the next one.
    left = left_over(engine, home)
    with program(home, cloud, *more) as (_, client):
        assert left not in engine.run("ps", "--all", "--quiet", "--no-trunc").split()
        until(lambda: client.pods(JOB))
    # It was killed, too, in the middle of a pod's beginning; what it leaves then is found as well.
    until(lambda: is_swept(engine, home))


def test_down_removes_what_is_left(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME", "container")
    port, postgres, kubernetes = free_ports(3)
    local = Cloud(tmp_path / "home", port, postgres, kubernetes)
    try:
        facts = local.up()
        assert local.kubernetes is not None
        left_over(engine, local.kubernetes.place)
        os.kill(facts["kubernetes"]["pid"], signal.SIGKILL)
    finally:
        local.down()
    assert engine.containers(local.kubernetes.place) == []

"""A submission's pod with our real images, a good agent, and one that means harm."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.containers import engine as engines
from tests.containers.pod import SUBMISSION, Pod, manifest
from tests.containers.storage import BUCKET, OTHERS, Bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.containers.engine import Engine
    from tests.containers.pod import End

OURS = ("uploader", "stand-in-simulator", "stand-in-evaluator", "stand-in-agent")
GOOD, HOSTILE = "localhost/stand-in-agent:test", "localhost/hostile:test"
PREFIX = "99/attempt-1/"
RESULTS = f"{PREFIX}worker-1/results/simulation_results.json"
MOST_FILES = 300
MEBIBYTE = 1024**2


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    bucket = Bucket(tmp_path_factory.mktemp("cloud") / "home")
    yield bucket
    bucket.cloud.down()


@pytest.fixture(scope="module", autouse=True)
def images(engine: Engine) -> None:
    for name in OURS:
        engine.build(engines.ROOT / "images" / name, f"localhost/{name}:test", context=engines.ROOT)
    engine.build(Path(__file__).with_name("hostile"), HOSTILE)


def make(engine: Engine, bucket: Bucket, image: str, **pod: Any) -> Pod:
    bucket.clear()
    variables = {
        "evaluator-1": {"ROUTE_SECONDS": "0.02", "AGENT_SECONDS": "60"},
        # Small enough to be used up soon.
        "uploader": {"MOST_FILES": str(MOST_FILES)},
        # Where the storage is may be known to everybody, and so it is to this agent.
        "agent-1": {"STORAGE": f"127.0.0.1 {bucket.cloud.port} {BUCKET}"},
    }
    form = bucket.storage.form(SUBMISSION, 1)
    grace = 8 if image == HOSTILE else 60
    return Pod(engine, manifest(image, **pod), form, bucket.cloud.port, variables, grace)


class TestGoodRun:
    """The four images do what the platform expects of them, with two workers."""

    def test_it_ends_with_results_that_are_trusted(self, engine: Engine, bucket: Bucket) -> None:
        pod = make(engine, bucket, GOOD, workers=2)
        try:
            pod.begin()
            codes = [pod.wait(f"evaluator-{worker}") for worker in (1, 2)]
            ends = pod.end()
        finally:
            pod.remove()
        assert codes == [0, 0]
        assert ends["uploader"].code == 0, ends["uploader"].lines
        assert {ends[f"{kind}-1"].code for kind in ("agent", "simulator")} == {0}
        verdict = bucket.verdict(workers=2)
        assert verdict.trusted, verdict.reason
        assert verdict.metrics["Driving score"] == pytest.approx(95.533774)
        assert sorted(bucket.sent()) == [
            f"{PREFIX}worker-{worker}/{file}"
            for worker in (1, 2)
            for file in (
                "agent/agent.log", "results/simulation_results.json", "simulator/simulator.log"
            )
        ]  # fmt: skip
        assert ends["uploader"].lines[-1] == "everything that may be sent was sent"

    def test_images_are_small_and_their_own(self, engine: Engine) -> None:
        for name in OURS:
            (found,) = json.loads(engine.run("image", "inspect", f"localhost/{name}:test"))
            assert found["Config"]["User"] == "65532:65532"
            code = (
                "import os; print(*(f'{place}/{n}' for place, _, names in "
                "os.walk('/opt/proving-ground') for n in names if n.endswith('.py')))"
            )
            ulimits = engine.engine.ulimits
            limits = [word for key, value in ulimits for word in ("--ulimit", f"{key}={value}")]
            files = engine.run(
                *engine.engine.options, "run", "--rm", "--network", "none", *limits,
                "--entrypoint", "python3", f"localhost/{name}:test", "-c", code,
            ).split()  # fmt: skip
            folders = {
                file.removeprefix("/opt/proving-ground/").rpartition("/")[0] for file in files
            }
            own = {"glue/uploader"} if name == "uploader" else {"glue/local", "glue/local/carla"}
            assert folders == {"glue"} | own


class HostileRun:
    """What came of a run with a hostile agent: looked at by many tests, made once."""

    def __init__(self, pod: Pod, bucket: Bucket) -> None:
        self.form = pod.form
        began = time.monotonic()
        try:
            pod.begin()
            self.code = pod.wait("evaluator-1", 90)
            self.ends: dict[str, End] = pod.end()
        finally:
            pod.remove()
        self.seconds = time.monotonic() - began
        self.uploader_peak = pod.peaks["uploader"]
        self.told: dict[str, Any] = {}
        for line in self.ends["agent-1"].lines:
            if line.startswith('{"attempt"'):
                entry = json.loads(line)
                self.told.setdefault(entry["attempt"], entry["got"])
        self.sent, self.others = bucket.sent(), bucket.others()
        self.contents = {key: bucket.read(key) for key in self.sent}
        self.results = self.contents[RESULTS]
        self.verdict = bucket.verdict()


@pytest.fixture(scope="module")
def hostile(engine: Engine, bucket: Bucket) -> HostileRun:
    return HostileRun(make(engine, bucket, HOSTILE), bucket)


class TestHostileAgent:
    def test_it_tried_everything(self, hostile: HostileRun) -> None:
        assert hostile.told.get("all") == "done", hostile.ends["agent-1"].lines[-20:]
        assert hostile.told["flooded"] == 10_000

    def test_it_finds_no_credential_in_its_environment_and_files(self, hostile: HostileRun) -> None:
        assert set(hostile.told["environment"]) <= {
            "AGENT_PORT", "CHALLENGE_TRACK_CODENAME", "OUTPUT_FOLDER", "SUBMISSION_WORKERS",
            "WORKER_ID", "STORAGE", "PATH", "HOME", "HOSTNAME", "TERM", "container", "LC_CTYPE",
        }  # fmt: skip
        assert hostile.told["files"] == {}
        secrets = [*hostile.form["fields"].values()]
        everything = "\n".join(hostile.ends["agent-1"].lines)
        assert not [secret for secret in secrets if secret in everything]

    def test_it_cannot_read_the_form_nor_anybody_elses_folder(self, hostile: HostileRun) -> None:
        # As root of a user namespace, where the kernel lets it make one, it sees no more.
        own = hostile.told["user namespace"]
        for paths in (hostile.told["paths"], own["paths"]):
            there = {
                path: got
                for path, got in paths.items()
                if not str(got).startswith(("FileNotFoundError", "PermissionError"))
            }
            assert set(there) <= {"/run/secrets"}  # some engines make an empty one
            assert not there.get("/run/secrets")
        for name in ("init", "killed", "owner", "device"):
            assert "Error" in own[name], name
        assert not {"/form", "/results", "/uploads"} & set(hostile.told["mounts"])
        assert "/output" in hostile.told["mounts"]

    def test_it_sees_no_process_but_its_own(self, hostile: HostileRun) -> None:
        assert hostile.told["processes"] == []
        assert hostile.told["environments"] == []
        assert hostile.told["killed"] == []
        assert hostile.told["ptrace"] == []
        assert hostile.told["abstract sockets"] == []

    def test_it_reaches_no_metadata_and_no_cluster(self, hostile: HostileRun) -> None:
        for name in ("metadata", "cluster"):
            for place, got in hostile.told[name].items():
                assert "rror: " in got, place  # an answer would be a status and a body
        for name in ("token of the metadata", "names", "raw"):
            assert "rror: " in hostile.told[name], name

    def test_it_gains_no_privilege(self, hostile: HostileRun) -> None:
        status = hostile.told["status"]
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        for name in ("mount", "remount", "chroot"):
            assert hostile.told[name] == "Operation not permitted", name
        for name in ("device", "user", "owner", "clock"):
            assert "Operation not permitted" in hostile.told[name], name

    def test_the_storage_gives_it_nothing_without_a_form(self, hostile: HostileRun) -> None:
        for name in ("list", "read", "write", "delete", "open"):
            assert hostile.told[f"storage {name}"] == 403, name

    def test_an_unfinished_run_does_not_count_as_finished(self, hostile: HostileRun) -> None:
        # It wrote results and signals wherever it could, lied, and ended with 0.
        written = hostile.told["written"]
        assert "/output/worker-1/results/simulation_results.json" in written
        assert hostile.told["ends with"] == 0
        assert hostile.code == 1
        assert json.loads(hostile.results)["entry_status"] == "Crashed"
        assert not hostile.verdict.trusted
        assert hostile.verdict.metrics == {}
        assert hostile.verdict.routes_done == 3
        assert hostile.verdict.reason.startswith("worker 1: the file says 'Crashed'")

    def test_what_it_wrote_stays_below_its_own_output(self, hostile: HostileRun) -> None:
        assert hostile.others == OTHERS
        agents = f"{PREFIX}worker-1/agent/"
        ours = {RESULTS, f"{PREFIX}worker-1/simulator/simulator.log"}
        assert {key for key in hostile.sent if not key.startswith(agents)} == ours
        assert f"{agents}simulation_results.json" in hostile.sent

    def test_nothing_but_plain_files_was_sent(self, hostile: HostileRun) -> None:
        names = {key.removeprefix(f"{PREFIX}worker-1/agent/") for key in hostile.sent}
        assert not {"pipe", "socket", "giant", "twice", "twice-linked"} & names
        assert not [name for name in names if name.startswith(("links/", "results-link", "closed"))]
        assert all(name.isprintable() and "${" not in name for name in names)

    def test_what_never_rests_leads_nowhere(self, hostile: HostileRun) -> None:
        agents = f"{PREFIX}worker-1/agent/"
        assert set(hostile.contents[f"{agents}growing"]) == {ord("g")}
        # It was a link to the form's folder every few milliseconds.
        assert hostile.contents.get(f"{agents}swap/file", b"harmless") == b"harmless"
        assert f"{agents}swap/form.json" not in hostile.sent
        for secret in hostile.form["fields"].values():
            leaked = [key for key, held in hostile.contents.items() if secret.encode() in held]
            assert not leaked

    def test_the_uploader_outlived_the_flood(self, hostile: HostileRun) -> None:
        end = hostile.ends["uploader"]
        # The agent does not listen when it is to end, which leaves the uploader two seconds;
        # the results were sent long before.
        assert end.code in (0, 137), end.lines[-20:]
        assert not end.is_out_of_memory
        assert hostile.uploader_peak < 64 * MEBIBYTE
        assert len(hostile.sent) == MOST_FILES + 2
        assert max(hostile.sent.values()) <= 256 * MEBIBYTE
        assert len(end.lines) < 200
        said = "\n".join(end.lines)
        for reason in ("a symbolic link", "a hard link", "neither a file nor a folder",
                       "could misunderstand"):  # fmt: skip
            assert reason in said, reason
        for secret in hostile.form["fields"].values():
            assert secret not in said


@pytest.fixture(scope="module")
def got(
    engine: Engine, bucket: Bucket, images: None
) -> tuple[dict[str, Any], dict[str, int], dict[str, bytes]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glue.leaderboard.storage.LARGEST_FILE_BYTES", 1000)
        pod = make(engine, bucket, HOSTILE)
    bucket.s3.create_bucket(
        Bucket=f"{BUCKET}-other",
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    try:
        network = pod.connect()
        pod.names["agent"] = pod.run(
            ["--network", f"container:{network}", "--cap-drop", "all",
             "--security-opt", "no-new-privileges", "--entrypoint", "python3",
             "--env", f"FORM={json.dumps(pod.form)}",
             "--env", f"OTHER_BUCKET={pod.form['address']}-other"],
            HOSTILE, ["/with_form.py"],
        )  # fmt: skip
        code = pod.wait("agent")
        lines = pod.logs("agent")
    finally:
        pod.remove()
    assert code == 0, lines
    told = {entry["attempt"]: entry["got"] for entry in map(json.loads, lines)}
    return told, bucket.sent(), bucket.others()


class TestAgentWithItsForm:
    """Even with the form, which it cannot reach, an agent stays below its attempt's prefix."""

    def test_nothing_of_other_submissions_is_touched(self, got: Any) -> None:
        told, sent, others = got
        assert told["own"] == 204
        assert others == OTHERS
        assert sent[f"{PREFIX}own"] == 4
        assert all(key.startswith(PREFIX) for key in sent), sorted(sent)

    def test_keys_elsewhere_are_refused(self, got: Any) -> None:
        told, _, _ = got
        keys = {name: status for name, status in told.items() if name.startswith("key ")}
        assert len(keys) == 10
        assert set(keys.values()) <= {400, 403}
        assert told["two keys, the other first"] in (400, 403) or told["two keys"] in (400, 403)

    def test_what_the_form_does_not_name_is_refused(self, got: Any) -> None:
        told, sent, _ = got
        fields = {name: status for name, status in told.items() if name.startswith("field ")}
        assert len(fields) == 7
        assert set(fields.values()) == {403}
        assert not [key for key in sent if "field-" in key]
        assert told["too large"] == 400
        for name in ("other policy", "other signature"):
            assert told[name] == 403, name
        assert told["other bucket"] in (403, 404)

    def test_it_reads_and_deletes_nothing(self, got: Any) -> None:
        told, _, _ = got
        asked = {
            name: status
            for name, status in told.items()
            if name.startswith(("GET ", "PUT ", "DELETE "))
        }
        assert len(asked) == 5
        assert all(status in (400, 403) for status in asked.values()), asked

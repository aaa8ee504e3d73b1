"""Containers of pods in an engine: what it is asked, and what is made of its answers."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from glue.errors import InputError
from glue.local import images
from glue.local.batch import engines
from glue.local.batch.supervisor import AFTER
from glue.local.kubernetes import engine_options, pod_network
from glue.local.kubernetes.containers import CannotPull, CannotStart, End
from glue.local.kubernetes.engine_container import EngineContainer
from glue.local.kubernetes.engine_pods import EnginePods
from glue.local.kubernetes.faults import ContainerFault
from glue.local.kubernetes.probes import Answer
from glue.local.kubernetes.runtimes import Processes, choose
from glue.local.kubernetes.volumes import share
from tests.unit.local.kubernetes.fake_engine import FakeEngine

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINT = "http://127.0.0.1:4566"
IMAGE = images.Image()


def pod_of(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "jobs", "name": "good-1", "uid": "u1"},
        "spec": {"containers": list(containers), **spec},
    }


@pytest.fixture
def fake(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path / "engine")


def container_of(fake: FakeEngine, tmp_path: Path, **told: Any) -> EngineContainer:
    container = {"name": "agent", "image": "agent:1", **told}
    pods = EnginePods(fake.engine, tmp_path / "home", ENDPOINT)
    sandbox = pods.sandbox(pod_of(container), tmp_path / "pod")
    return sandbox.container(container, tmp_path / "pod" / "logs" / "agent")


class TestCommandLine:
    def test_everything_a_manifest_may_say(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.cpu_count", lambda: 1)
        container = {
            "name": "agent", "image": "agent:1", "workingDir": "/w", "command": ["a", "b"],
            "args": ["c"],
            "resources": {"limits": {"memory": "64Mi", "cpu": "2500m"}},
            "securityContext": {
                "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}, "runAsUser": 7,
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            },
            "volumeMounts": [
                {"name": "results", "mountPath": "/results", "subPath": "one"},
                {"name": "results", "mountPath": "/seen", "readOnly": True},
                {"name": "form", "mountPath": "/form"},
            ],
        }  # fmt: skip
        pod = pod_of(
            container,
            volumes=[{"name": "results", "emptyDir": {}}, {"name": "form", "secret": {}}],
            securityContext={"fsGroup": 5, "runAsGroup": 6, "supplementalGroups": [8]},
        )
        (tmp_path / "results").mkdir()
        assert engine_options.options(pod, container, tmp_path) == [
            "--cap-drop", "all", "--cap-add", "CHOWN", "--security-opt", "no-new-privileges",
            "--read-only", "--user", "7:6", "--group-add", "8", "--group-add", "5",
            "--memory", "67108864b", "--memory-swap", "67108864b", "--cpus", "1",
            "--pids-limit", "1024", "--volume", f"{tmp_path}/results/one:/results",
            "--volume", f"{tmp_path}/results:/seen:ro", "--volume", f"{tmp_path}/form:/form:ro",
            "--workdir", "/w", "--entrypoint", "a",
        ]  # fmt: skip
        assert engine_options.arguments(container) == ["b", "c"]
        # A second look finds what the first has made.
        assert "one" in str(engine_options.options(pod, container, tmp_path))

    def test_a_manifest_that_says_nothing(self, tmp_path: Path) -> None:
        container = {"name": "agent", "image": "agent:1"}
        assert engine_options.options(pod_of(container), container, tmp_path) == [
            "--pids-limit", "1024",
        ]  # fmt: skip
        assert engine_options.arguments(container) == []

    @pytest.mark.parametrize(
        ("told", "said"),
        [
            ({"securityContext": {"privileged": True}}, "no privileged container"),
            ({"volumeMounts": [{"name": "host", "mountPath": "/h"}]}, "emptyDir and secret only"),
            ({"volumeMounts": [{"name": "v", "mountPath": "/h", "subPath": "../x"}]}, "leads out"),
        ],
    )
    def test_what_there_is_not(self, tmp_path: Path, told: dict[str, Any], said: str) -> None:
        container = {"name": "agent", **told}
        volumes = [{"name": "host", "hostPath": {"path": "/"}}, {"name": "v", "emptyDir": {}}]
        with pytest.raises(CannotStart, match=said):
            engine_options.options(pod_of(container, volumes=volumes), container, tmp_path)

    @pytest.mark.parametrize(
        ("own", "of_image", "said"),
        [
            ({}, "", "will run as root"), ({}, "0:5", "will run as root"),
            ({}, "somebody", "non-numeric user"), ({"runAsUser": 0}, "5", "will run as root"),
            ({"runAsUser": 7}, "", None), ({}, "65532:65532", None),
            ({"runAsNonRoot": False}, "root", None),
        ],
    )  # fmt: skip
    def test_who_must_not_be_root(self, own: Any, of_image: str, said: str | None) -> None:
        container = {"name": "agent", "securityContext": own}
        pod = pod_of(container, securityContext={"runAsNonRoot": True})
        if said is None:
            engine_options.require_user(pod, container, of_image)
            return
        with pytest.raises(engine_options.Unfit, match=said):
            engine_options.require_user(pod, container, of_image)

    def test_values_stay_off_the_command_line(self, fake: FakeEngine, tmp_path: Path) -> None:
        env = [{"name": "SECRET", "value": "hidden"}, {"name": "HOME", "value": "/h"},
               {"name": "EMPTY"}]  # fmt: skip
        words = container_of(fake, tmp_path, env=env, args=["x"]).create()
        line = " ".join(words)
        assert "hidden" not in line
        assert "--env SECRET --env HOME=/h --env EMPTY agent:1 x" in line
        assert words[1:4] == ["--option", "create", "--made"]
        for part in (
            "--network container:pod-u1-network", "--pull never", "--ulimit nofile=9:9",
            f"--label glue.local.home={tmp_path}/home --label glue.local.pod=jobs/good-1",
        ):  # fmt: skip
            assert part in line

    def test_one_that_is_to_hang_runs_nothing_of_its_own(
        self, fake: FakeEngine, tmp_path: Path
    ) -> None:
        made = container_of(fake, tmp_path, command=["a"], workingDir="/w", args=["x"])
        words = made.create(is_to_hang=True)
        assert pod_network.IMAGE in words
        assert not {"agent:1", "--entrypoint", "--workdir", "x"} & set(words)


class TestRun:
    def follow(self, made: EngineContainer, fault: ContainerFault | None = None) -> End:
        async def run() -> End:
            await made.begin(IMAGE, fault)
            return await made.follow()

        return asyncio.run(run())

    def test_from_the_beginning_to_the_end(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.do("start", "echo printed; echo wrong >&2; sleep 0.3; exit 3")
        fake.state(ExitCode=3)
        made = container_of(fake, tmp_path)
        assert self.follow(made) == End(3, "Error")
        assert sorted(made.log.read_text().splitlines()) == ["printed", "wrong"]
        # It is asked about only once it was started, and removed when it has ended.
        assert fake.verbs()[-1] == "rm"
        assert fake.asked[-1] == f"rm --force --volumes {made.name}"

    def test_a_good_end(self, fake: FakeEngine, tmp_path: Path) -> None:
        assert self.follow(container_of(fake, tmp_path)) == End(0, "Completed")

    def test_it_cannot_be_created(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.do("create", "echo no such option >&2; exit 125")
        with pytest.raises(CannotStart, match="no such option"):
            self.follow(container_of(fake, tmp_path))

    def test_it_never_runs(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.do("start", "echo not found >&2; sleep 0.3; exit 127")
        fake.state(StartedAt="0001-01-01T00:00:00Z")
        with pytest.raises(CannotStart, match="not found"):
            self.follow(container_of(fake, tmp_path))

    def test_faults(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.do("start", "sleep 60")
        fake.state(Running=True, ExitCode=0)
        for kind, end in (("crash", End(7, "Error", "made to crash")),
                          ("memory", End(137, "OOMKilled"))):  # fmt: skip
            fault = ContainerFault.model_validate({"kind": kind, "exit_code": 7})
            assert self.follow(container_of(fake, tmp_path), fault) == end

    def test_probes_are_asked_inside(self, fake: FakeEngine, tmp_path: Path) -> None:
        made = container_of(fake, tmp_path)
        made.folder.mkdir(parents=True)

        def ask() -> Answer:
            return asyncio.run(made.ask(("is-ready", "--now"), 60))

        assert ask() == Answer(is_good=True)
        assert fake.asked[-1] == f"--option exec {made.name} is-ready --now"
        fake.do("exec", "echo not yet; exit 1")
        assert ask() == Answer(is_good=False, said="not yet")
        # Kubernetes, too, throws away the answer of a probe that could not be run.
        fake.do("exec", "echo no such program >&2; exit 127")
        assert ask() == Answer(None, "no such program")

    def test_it_is_abandoned_and_asked_to_end(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.do("start", "sleep 60")
        fake.state(Running=True)
        made = container_of(fake, tmp_path)

        async def run() -> End:
            await made.begin(IMAGE, ContainerFault(kind="hang"))
            await made.stop(0.1)
            return await made.follow()

        assert asyncio.run(run()) == End(137, "Error")
        assert f"kill --signal TERM {made.name}" in fake.asked

    @pytest.mark.parametrize(
        ("told", "code", "end"),
        [
            (None, 125, End(128, "StartError", "failed to create containerd task: failed to "
                                               "start container process: said")),
            (None, 4, End(4, "Error")),
            ("", 0, End(0, "Completed")),
            ({"ExitCode": 137, "OOMKilled": True}, 137, End(137, "OOMKilled")),
            ({"ExitCode": 0, "OOMKilled": True}, 0, End(0, "Completed")),
            ({"StartedAt": "0001-01-01", "Error": "why"}, 127,
             End(128, "StartError", "failed to create containerd task: failed to start "
                                    "container process: why")),
        ],
    )  # fmt: skip
    def test_ends(self, fake: FakeEngine, tmp_path: Path, told: Any, code: int, end: End) -> None:
        made = container_of(fake, tmp_path)
        made.folder.mkdir(parents=True)
        if told is not None:
            fake.state(**(told or {}))
            text = (fake.folder / "state").read_text() if told else ""
            (made.folder / AFTER).write_text(text)
        assert made.judge(code, "said") == end


class TestImages:
    def pull(self, fake: FakeEngine, tmp_path: Path, **told: Any) -> images.Image:
        is_out_of_reach = told.pop("is_out_of_reach", False)
        container = {"name": "agent", "image": "agent:1", **told}
        pods = EnginePods(fake.engine, tmp_path / "home", ENDPOINT)
        sandbox = pods.sandbox(pod_of(container), tmp_path / "pod")
        return asyncio.run(sandbox.pull(container, is_out_of_reach=is_out_of_reach))

    def test_one_that_is_there_is_used(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.image(Entrypoint=["/agent"], Cmd=None, User="7")
        assert self.pull(fake, tmp_path, imagePullPolicy="Always") == images.Image(("/agent",), ())
        assert "pull" not in fake.verbs()

    def test_one_that_is_not_is_fetched(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.do("image-inspect", f"[ -f {fake.folder}/there ] && echo null || exit 1")
        fake.do("pull", f"touch {fake.folder}/there")
        assert self.pull(fake, tmp_path) == images.Image()
        assert "--option pull --quiet agent:1" in fake.asked

    @pytest.mark.parametrize(
        ("told", "said", "reason"),
        [
            ({}, "the registry says no", ""),
            ({"imagePullPolicy": "Never"}, "pull policy of Never", "ErrImageNeverPull"),
            ({"image": "000000000000.dkr.ecr.eu-central-1.amazonaws.com/a:1"}, "build it", ""),
            ({"is_out_of_reach": True}, "i/o timeout", ""),
        ],
    )
    def test_one_that_cannot_be_had(
        self, fake: FakeEngine, tmp_path: Path, told: Any, said: str, reason: str
    ) -> None:
        fake.do("image-inspect", "exit 1")
        fake.do("pull", "echo the registry says no >&2; exit 1")
        with pytest.raises(CannotPull, match=said) as raised:
            self.pull(fake, tmp_path, **told)
        assert raised.value.reason == reason
        assert ("pull" in fake.verbs()) == (told == {})

    def test_one_that_does_not_come(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.do("image-inspect", "exit 1")
        with pytest.raises(CannotPull, match="after all"):
            self.pull(fake, tmp_path)

    def test_one_of_roots(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.image(User="")
        with pytest.raises(CannotPull) as raised:
            self.pull(fake, tmp_path, securityContext={"runAsNonRoot": True})
        assert raised.value.reason == "CreateContainerConfigError"

    def test_nobody_waits_for_one_any_more(self, fake: FakeEngine, tmp_path: Path) -> None:
        fake.do("image-inspect", "exit 1")
        fake.do("pull", f"echo $$ > {fake.folder}/pid; exec sleep 60")
        container = {"name": "agent", "image": "agent:1"}
        pods = EnginePods(fake.engine, tmp_path / "home", ENDPOINT)
        sandbox = pods.sandbox(pod_of(container), tmp_path / "pod")

        async def run() -> None:
            pulling = asyncio.ensure_future(sandbox.pull(container, is_out_of_reach=False))
            while not (fake.folder / "pid").exists():
                await asyncio.sleep(0.01)
            pulling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await pulling
            pid = int((fake.folder / "pid").read_text())
            while os.path.exists(f"/proc/{pid}"):  # noqa: PTH110 - no file of ours
                await asyncio.sleep(0.01)

        asyncio.run(asyncio.wait_for(run(), 60))


def test_what_an_earlier_stand_in_left_is_removed(fake: FakeEngine, tmp_path: Path) -> None:
    home = tmp_path / "home"
    fake.do("ps", f"[ -f {fake.folder}/gone ] || echo one two")
    fake.do("rm", f"touch {fake.folder}/gone")
    EnginePods(fake.engine, home, ENDPOINT)
    assert f"ps --all --quiet --filter label=glue.local.home={home}" in fake.asked
    assert "rm --force --volumes one two" in fake.asked
    assert (home / engines.RECORD).read_text() == fake.engine.program


def test_a_runtime_has_a_name(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "find", lambda: fake.engine)
    assert isinstance(choose("process", tmp_path, tmp_path, ENDPOINT), Processes)
    made = choose("container", tmp_path, tmp_path, ENDPOINT)
    assert isinstance(made, EnginePods)
    assert json.dumps([made.keeps_users_apart, made.endpoint]) == f'[true, "{ENDPOINT}"]'
    with pytest.raises(InputError, match="write process or container"):
        choose("vm", tmp_path, tmp_path, ENDPOINT)


@pytest.mark.parametrize(
    ("user", "group", "mode", "of_file", "of_folder"),
    [(0, 5, 0o400, 0o440, 0o2470), (1000, 5, 0o400, 0o444, 0o477), (0, None, 0o400, 0o400, 0o400)],
)
def test_what_belongs_to_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, group: int | None, mode: int,
    of_file: int, of_folder: int,
) -> None:  # fmt: skip
    owners = []
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr("os.chown", lambda path, uid, gid: owners.append((path.name, uid, gid)))
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    folder.mkdir()
    for path, expected in ((file, of_file), (folder, of_folder)):
        share(path, group, mode)
        assert path.stat().st_mode & 0o7777 == expected
    assert owners == ([("file", -1, 5), ("folder", -1, 5)] if user == 0 and group else [])

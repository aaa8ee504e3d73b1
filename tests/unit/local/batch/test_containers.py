"""Jobs in containers: a program in the engine's place says what it was asked, and does as told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from glue.errors import InputError
from glue.local.batch import containers, engines
from glue.local.batch.containers import OUT_OF_MEMORY, Containers
from glue.local.batch.outside import Refused
from glue.local.batch.runtimes import Processes, choose
from glue.local.batch.tasks import Ending, Task
from tests.unit.local.batch.conftest import properties

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hidden"
STATE = {
    "Running": False,
    "OOMKilled": False,
    "ExitCode": 0,
    "StartedAt": "2026-01-01",
    "Error": "",
}
PROGRAM = """\
#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in
  create) echo "$SECRET" > {folder}/secret; echo refused >&2; sleep ${{SLOW:-0}}; exit {create};;
  start) {start};;
  container) [ -f {folder}/state ] && echo "id1 $(cat {folder}/state)";;
  image) exit {image};;
  *) exit 0;;
esac
"""


@dataclass
class Fake:
    """An engine's program, and what it was asked."""

    folder: Path

    def write(self, start: str = "true", create: int = 0, image: int = 0, **state: Any) -> None:
        path = self.folder / "docker"
        path.write_text(PROGRAM.format(folder=self.folder, start=start, create=create, image=image))
        path.chmod(0o755)
        (self.folder / "state").write_text(json.dumps(STATE | state))

    @property
    def asked(self) -> str:
        return (self.folder / "asked").read_text()

    def runtime(self, **options: Any) -> Containers:
        program = str(self.folder / "docker")
        return Containers(engines.ContainerEngine(program, **options), self.folder)

    def task(self, *command: str, **changes: Any) -> Task:
        variables = changes.pop("variables", {"SECRET": SECRET})
        folder = self.folder / "task"
        folder.mkdir(exist_ok=True)
        return Task("batch-1", properties(**changes), list(command), variables, folder)

    def follow(self, *, abandon: bool = False, **changes: Any) -> tuple[Ending, list[bytes]]:
        runtime, task = self.runtime(), self.task("run", **changes)
        printed: list[bytes] = []

        async def follow() -> int:
            begun = await runtime.begin(task)
            if abandon:
                begun.abandon()
            return await begun.follow(printed.append)

        code = asyncio.run(follow())
        return runtime.ending(task, code, b"".join(printed)), printed


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    made = Fake(tmp_path)
    made.write()
    return made


class TestCommandLine:
    def test_sizes_limits_and_what_a_definition_asks_for(
        self, fake: Fake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.cpu_count", lambda: 1)
        task = fake.task(
            "echo", "x", vcpus="2", user="1000", readonlyRootFilesystem=True,
            ulimits=[{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
            linuxParameters={"tmpfs": [{"containerPath": "/s", "size": 8,
                                        "mountOptions": ["noexec"]}]},
            volumes=[{"name": "v", "host": {}}],
            mountPoints=[{"sourceVolume": "v", "containerPath": "/v"},
                         {"sourceVolume": "v", "containerPath": "/w", "readOnly": True}],
        )  # fmt: skip
        runtime = fake.runtime(
            options=("--runtime", "runc"), ulimits=(("nofile", "9:9"), ("nproc", "8:8"))
        )
        words = runtime.words(task)
        assert words[1:4] == ["--runtime", "runc", "create"]
        assert words[-3:] == ["busybox:1", "echo", "x"]
        line = " ".join(words)
        for part in (
            "--memory 4096m --memory-swap 4096m --cpus 1 --pids-limit 1024", "--read-only",
            "--user 1000", "--tmpfs /s:size=8m,noexec", "--mount type=volume,destination=/v ",
            "--mount type=volume,destination=/w,ro=true", "--ulimit nofile=1:2",
            "--ulimit nproc=8:8", "--network host", "--pull never", "--name batch-1",
            f"--label glue.local.home={fake.folder}",
        ):  # fmt: skip
            assert part in line
        assert "nofile=9" not in line

    def test_values_are_not_shown_but_for_those_the_engine_would_read(self, fake: Fake) -> None:
        variables = {
            "SECRET": "a",
            "PATH": "/own",
            "https_proxy": "p",
            "LD_PRELOAD": "l",
            "NODE": "n",
        }
        line = " ".join(fake.runtime().words(fake.task(variables=variables)))
        for part in ("--env SECRET ", "--env PATH=/own ", "--env https_proxy=p ",
                     "--env LD_PRELOAD=l ", "--env NODE "):  # fmt: skip
            assert part in line

    @pytest.mark.parametrize(
        "changes",
        [
            {"privileged": True},
            {"volumes": [{"name": "v", "host": {"sourcePath": "/"}}],
             "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]},
            {"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
             "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]},
        ],
    )  # fmt: skip
    def test_what_would_open_this_machine_is_refused(
        self, fake: Fake, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Refused, match="CannotCreateContainerError: the local cloud"):
            fake.runtime().words(fake.task(**changes))


class TestRunning:
    def test_it_is_created_followed_and_removed(self, fake: Fake) -> None:
        fake.write(start="echo out; echo err >&2", ExitCode=3)
        ending, printed = fake.follow()
        assert ending == Ending(3)
        assert sorted(printed) == [b"err\n", b"out\n"]
        assert (fake.folder / "secret").read_text() == f"{SECRET}\n"
        assert SECRET not in fake.asked
        verbs = [line.split()[0] for line in fake.asked.splitlines()]
        assert verbs == ["ps", "create", "start", "container", "rm"]

    def test_a_line_of_one_output_is_not_torn_by_the_other(self, fake: Fake) -> None:
        fake.write(start="printf one; sleep 0.2; echo err >&2; sleep 0.2; echo ' line'; printf end")
        printed = fake.follow()[1]
        assert sorted(printed) == [b"end\n", b"err\n", b"one line\n"]

    def test_one_that_is_abandoned_is_removed(self, fake: Fake) -> None:
        fake.write(start="exec sleep 60", Running=True)
        assert fake.follow(abandon=True)[0] == Ending(137)
        assert "rm --force --volumes batch-1" in fake.asked

    def test_one_that_is_stopped_is_asked_by_the_engine(self, fake: Fake) -> None:
        # A client that does not hand on signals would not tell the container.
        fake.write(start=f"trap '' TERM; until grep -q kill {fake.folder}/asked; do :; done")

        async def stop() -> int:
            begun = await fake.runtime().begin(fake.task())
            await begun.stop(60)
            return await begun.follow(lambda _: None)

        assert asyncio.run(stop()) == 0
        assert "kill --signal TERM batch-1" in fake.asked

    def test_one_that_is_abandoned_while_it_is_made_is_removed(self, fake: Fake) -> None:
        async def begin() -> None:
            runtime = fake.runtime()
            task = fake.task(variables={"SLOW": "3"})
            beginning = asyncio.ensure_future(runtime.begin(task))
            while "create" not in fake.asked:
                await asyncio.sleep(0.01)
            beginning.cancel()
            with pytest.raises(asyncio.CancelledError):
                await beginning
            while "rm --force" not in fake.asked:
                await asyncio.sleep(0.01)

        asyncio.run(asyncio.wait_for(begin(), 60))

    @pytest.mark.parametrize(
        ("image", "kind"),
        [(1, "CannotPullContainerError: pull image"), (0, "CannotCreateContainerError: refused")],
    )
    def test_one_that_cannot_be_created_says_why(self, fake: Fake, image: int, kind: str) -> None:
        fake.write(create=125, image=image)
        with pytest.raises(Refused, match=kind):
            fake.follow()


class TestEnding:
    @pytest.mark.parametrize(
        ("state", "ending"),
        [
            ({"ExitCode": 127}, Ending(127)),
            ({"ExitCode": 137}, Ending(137)),
            ({"ExitCode": 137, "OOMKilled": True}, Ending(137, OUT_OF_MEMORY)),
            # A child of the program was killed, and the program went on.
            ({"ExitCode": 0, "OOMKilled": True}, Ending(0)),
            ({"StartedAt": "0001-01-01T00:00:00Z", "ExitCode": 127},
             Ending(None, "CannotStartContainerError: no such file")),
            ({"StartedAt": "0001-01-01T00:00:00Z", "Error": "said"},
             Ending(None, "CannotStartContainerError: said")),
        ],
    )  # fmt: skip
    def test_what_the_engine_knows_decides(
        self, fake: Fake, state: dict[str, Any], ending: Ending
    ) -> None:
        fake.write(start="echo no such file; exit 126", **state)
        assert fake.follow()[0] == ending

    @pytest.mark.parametrize(
        ("code", "ending"),
        [(125, Ending(None, "CannotStartContainerError: broken")), (137, Ending(137))],
    )
    def test_one_that_is_gone_is_judged_by_its_client(
        self, fake: Fake, code: int, ending: Ending
    ) -> None:
        fake.write(start=f"echo broken; exit {code}")
        (fake.folder / "state").unlink()
        assert fake.follow()[0] == ending

    def test_the_kernel_knows_whose_memory_ended(self, fake: Fake, tmp_path: Path) -> None:
        log = tmp_path / "kmsg"
        log.write_text("6,1,2,-;oom-kill:constraint=X,oom_memcg=/p/libpod-id1,task=python3,pid=1\n")
        assert containers.is_out_of_memory("id1", log)
        assert not containers.is_out_of_memory("id2", log)
        assert not containers.is_out_of_memory("id1", tmp_path / "missing")

    def test_its_word_is_asked_for(self, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(containers, "is_out_of_memory", lambda identity: identity == "id1")
        fake.write(ExitCode=137)
        assert fake.follow()[0] == Ending(137, OUT_OF_MEMORY)


def test_it_is_chosen_by_a_variable(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose(None, fake.folder), Processes)
    assert isinstance(choose("process", fake.folder), Processes)
    monkeypatch.setenv("PATH", f"{fake.folder}:/bin")
    monkeypatch.setattr(engines, "NAMES", ("docker",))
    assert isinstance(choose("container", fake.folder), Containers)
    with pytest.raises(InputError, match="write process or container"):
        choose("vm", fake.folder)

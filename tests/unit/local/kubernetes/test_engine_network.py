"""A pod's own network, held by a program that runs here instead of in a container."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glue.errors import InputError
from glue.local.configuration import free_port
from glue.local.kubernetes import network_holder, pod_network
from glue.local.kubernetes.containers import CannotStart
from glue.local.kubernetes.engine_pods import EnginePods
from glue.local.kubernetes.pod_network import PodNetwork
from tests.unit.local.kubernetes.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

# Here both listen on this machine: the pod's loopback and the local cloud need two addresses.
CLOUD, INSIDE = "127.0.0.2", "127.0.0.1"
FIND = 'for word in "$@"; do case "$word" in *:/way) cd "${word%:/way}";; esac; done\n'
HOLD = """\
{find}
{python} -I -S {holder} {port} socket > /dev/null 2>&1 &
echo $! > {folder}/pid
"""


@pytest.fixture
def fake(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path / "engine")


@pytest.fixture
def cloud() -> Iterator[int]:
    """A cloud that says what it was told, twice; its port."""
    with socket.create_server((CLOUD, free_port())) as listener:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    while told := connection.recv(1024):
                        connection.sendall(2 * told)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def hold(fake: FakeEngine, port: int) -> None:
    """Have the engine run the holder on this machine."""
    script = HOLD.format(
        find=FIND, python=sys.executable, holder=network_holder.__file__, port=port,
        folder=fake.folder,
    )  # fmt: skip
    fake.do("run", script)


def network_of(fake: FakeEngine, port: int) -> PodNetwork:
    options = [*pod_network.labels(Path("/home"), "jobs/one"), "--hostname", "one"]
    # Longer than a socket's path may be.
    folder = fake.folder / ("long" * 40) / "network"
    return PodNetwork(fake.engine, "pod-u1-network", options, folder, f"http://{CLOUD}:{port}")


def ask(port: int, words: bytes) -> bytes:
    found = b""
    with socket.create_connection((INSIDE, port), 60) as inside, suppress(OSError):
        inside.sendall(words)
        inside.shutdown(socket.SHUT_WR)
        while chunk := inside.recv(1024):
            found += chunk
    return found  # what came before the end, or before the other side hung up


def test_what_calls_inside_reaches_the_cloud(fake: FakeEngine, cloud: int) -> None:
    hold(fake, cloud)

    async def run() -> None:
        network = network_of(fake, cloud)
        await network.begin()
        answers = await asyncio.gather(
            *(asyncio.to_thread(ask, cloud, word) for word in (b"one", b"two"))
        )
        assert answers == [b"oneone", b"twotwo"]
        left = await asyncio.to_thread(socket.create_connection, (INSIDE, cloud), 60)
        await asyncio.to_thread(left.sendall, b"three")
        assert await asyncio.to_thread(left.recv, 10) == b"threethree"
        await network.end()
        assert await asyncio.to_thread(left.recv, 10) == b"", "it is cut"
        left.close()
        assert not network.folder.exists()

    asyncio.run(asyncio.wait_for(run(), 60))
    line = next(line for line in fake.asked if "run" in line.split())
    for part in (
        "--network none", "--cap-drop all", "--read-only", "--label glue.local.home=/home",
        "--hostname one", "--rm", "no-new-privileges",
    ):  # fmt: skip
        assert part in line
    assert fake.asked[-1] == "rm --force --volumes pod-u1-network"
    os.kill(int((fake.folder / "pid").read_text()), signal.SIGKILL)


def test_a_cloud_that_is_gone_is_the_callers_trouble(fake: FakeEngine, cloud: int) -> None:
    hold(fake, cloud)

    async def run() -> None:
        network = network_of(fake, cloud)
        network.host = "127.0.0.3"
        await network.begin()
        assert await asyncio.to_thread(ask, cloud, b"one") == b""
        await network.end()

    asyncio.run(asyncio.wait_for(run(), 60))
    os.kill(int((fake.folder / "pid").read_text()), signal.SIGKILL)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no network >&2; exit 125", "no network"),
        (
            FIND
            + f"{sys.executable} -c 'import socket, sys; socket.socket(socket.AF_UNIX)"
            + '.connect("socket")\'',
            "ended at once",
        ),
        ("", "timed out"),
    ],
)
def test_a_network_that_is_not_had(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setattr(pod_network, "PATIENCE_SECONDS", 1.0)
    fake.do("run", script)
    network = network_of(fake, 1)
    with pytest.raises(CannotStart, match=f"failed to create pod sandbox: .*{said}"):
        asyncio.run(network.begin())
    assert not network.folder.exists()
    assert fake.asked[-1] == "rm --force --volumes pod-u1-network"


def test_the_holder_ends_with_whoever_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    port = free_port()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        listener.listen()
        holder = subprocess.Popen([sys.executable, network_holder.__file__, str(port), "s"])
        held, _ = listener.accept()
        _, descriptors, _, _ = socket.recv_fds(held, 1, 1)
        with socket.socket(fileno=descriptors[0]) as port_inside:
            assert port_inside.getsockname() == (INSIDE, port)
        assert holder.poll() is None
        held.close()
    assert holder.wait(60) == 0


def test_the_same_in_one_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(network_holder, "LINGER_SECONDS", 0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        listener.listen()

        def take() -> None:
            held, _ = listener.accept()
            _, descriptors, _, _ = socket.recv_fds(held, 1, 1)
            os.close(descriptors[0])
            held.close()

        thread = threading.Thread(target=take)
        thread.start()
        assert network_holder.main(["0", "s"]) == 0
        thread.join(60)


class TestImage:
    def test_it_is_made_once(self, fake: FakeEngine) -> None:
        fake.do("image-inspect", f"[ -f {fake.folder}/there ] || exit 1")
        fake.do("import", f'[ "$(wc -c < "$2")" = 1024 ] && touch {fake.folder}/there')
        pod_network.make_image(fake.engine)
        pod_network.make_image(fake.engine)
        assert fake.verbs().count("import") == 1

    def test_it_cannot_be_made(self, fake: FakeEngine) -> None:
        fake.do("image-inspect", "exit 1")
        fake.do("import", "echo no space >&2; exit 1")
        with pytest.raises(InputError, match="no space"):
            pod_network.make_image(fake.engine)


def test_a_pod_has_a_network_until_its_end(fake: FakeEngine, cloud: int, tmp_path: Path) -> None:
    hold(fake, cloud)
    pods = EnginePods(fake.engine, tmp_path / "home", f"http://{CLOUD}:{cloud}")
    pod = {"metadata": {"namespace": "jobs", "name": "one", "uid": "u1"}, "spec": {}}

    async def run() -> None:
        sandbox = pods.sandbox(pod, tmp_path / "pod")
        await sandbox.end()  # it never began
        assert "rm --force --volumes pod-u1-network" not in fake.asked
        await sandbox.begin()
        assert await asyncio.to_thread(ask, cloud, b"one") == b"oneone"
        await sandbox.end()
        assert fake.asked[-1] == "rm --force --volumes pod-u1-network"

    asyncio.run(asyncio.wait_for(run(), 60))
    os.kill(int((fake.folder / "pid").read_text()), signal.SIGKILL)

"""The local cloud's parts that need no cloud."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from glue.errors import InputError
from glue.local import clients, configuration, launcher, postgres, processes, snapshot
from glue.local.cloud import Cloud


# ------------------------------------------------------------- configuration
@pytest.mark.parametrize("text", ["0", "65536", "-1", "4566x", "٤٥٦٦", "1e3"])
def test_a_port_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVING_GROUND_LOCAL_PORT", text)
    with pytest.raises(InputError, match="is not a port"):
        Cloud("/nowhere")


def test_the_environment_says_where_the_cloud_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVING_GROUND_LOCAL_HOME", str(tmp_path / "x"))
    monkeypatch.setenv("PROVING_GROUND_LOCAL_PORT", "4571")
    cloud = Cloud()
    assert (cloud.home, cloud.endpoint) == (tmp_path / "x", "http://127.0.0.1:4571")
    assert cloud.environment()["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert cloud.environment()["AWS_DEFAULT_REGION"] == "eu-central-1"
    monkeypatch.delenv("PROVING_GROUND_LOCAL_HOME")
    monkeypatch.setenv("PROVING_GROUND_BUILD", str(tmp_path / "made"))
    assert Cloud().home == tmp_path / "made" / "local"
    monkeypatch.delenv("PROVING_GROUND_BUILD")
    monkeypatch.chdir(tmp_path)
    assert Cloud().home == configuration.REPOSITORY / "build" / "local"


def test_a_broken_cloud_file_counts_as_none(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, 1, 2)
    for text in ("{", "[]"):
        cloud.facts_file.write_text(text)
        assert cloud.facts() == {}


def test_free_ports_are_free() -> None:
    port = configuration.free_port()
    assert configuration.is_free(port)
    others = {configuration.free_port() for _ in range(20)}
    assert len(others | {port}) == 21, "each is given away once"
    with socket.socket() as anybody:
        anybody.bind(("127.0.0.1", 0))
        assert anybody.getsockname()[1] not in configuration.OWN_PORTS
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not configuration.is_free(port)
        assert str(os.getpid()) in processes.owner_of_port(port)
    assert processes.owner_of_port(port) == "another program"


def test_a_port_of_an_unknown_owner_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        real = psutil.net_connections("tcp")
        hidden = [connection._replace(pid=None) for connection in real]
        monkeypatch.setattr(psutil, "net_connections", lambda kind: hidden)
        assert processes.owner_of_port(taken.getsockname()[1]) == "another program"


# ------------------------------------------------------------------- clients
def test_clients_speak_to_the_given_cloud_whatever_the_shell_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    session = clients.LocalSession("http://127.0.0.1:4599", "key", "secret", "token")
    made = session.client("sqs")
    assert made.meta.endpoint_url == "http://127.0.0.1:4599"
    assert made.meta.region_name == "eu-central-1"
    with pytest.raises(InputError, match="not a service of the local cloud"):
        session.client("no-such-service")
    with pytest.raises(TypeError):
        session.client("sqs", no_such_option=1)
    assert {"s3", "lambda", "secretsmanager"} <= set(clients.known_services())


# ----------------------------------------------------------------- processes
def test_only_our_own_launcher_is_taken_for_one(tmp_path: Path) -> None:
    script = "import time; time.sleep(60)"
    words = [sys.executable, "-c", script, "glue.local.launcher", "--home"]
    ours = subprocess.Popen([*words, str(tmp_path)], start_new_session=True)
    other = subprocess.Popen([*words, str(tmp_path / "other")], start_new_session=True)
    try:
        found = processes.find_launcher(tmp_path, None)
        assert found is not None
        assert found.pid == ours.pid
        # A number that another program has by now is not believed.
        found = processes.find_launcher(tmp_path, other.pid)
        assert found is not None
        assert found.pid == ours.pid
        assert [p.pid for p in processes.session_members(ours.pid)] == [ours.pid]
        assert not processes.mentions(psutil.Process(ours.pid), tmp_path)
        assert processes.memory_of([psutil.Process(ours.pid)]) > 0
        gone = psutil.Process(ours.pid)
        processes.end([gone], 10)
        assert processes.find_launcher(tmp_path, ours.pid) is None
        assert not processes.is_launcher(gone, tmp_path)
        assert not processes.mentions(gone, tmp_path)
        assert processes.memory_of([psutil.Process(other.pid)]) > 0
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


def test_a_stubborn_process_is_killed() -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{script}; time.sleep(60)"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    processes.end([psutil.Process(process.pid)], 0.1)
    assert not psutil.pid_exists(process.pid)
    process.stdout.close()
    process.wait()


# ------------------------------------------------------------------ snapshot
def fill(home: Path, word: str) -> None:
    (home / "state").mkdir(parents=True)
    (home / "state" / "a.json").write_text(word)
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "postgres" / "data" / "file").write_text(word)
    (home / "secrets.json").write_text(word)


def test_a_snapshot_is_apart_from_what_is_written_later(tmp_path: Path) -> None:
    home, kept = tmp_path / "home", tmp_path / "kept"
    fill(home, "first")
    snapshot.save(home, kept, "key")
    (home / "postgres" / "data" / "file").write_text("second")
    (home / "s3").mkdir()
    assert snapshot.restore(home, kept, "key")
    assert (home / "postgres" / "data" / "file").read_text() == "first"
    assert not (home / "s3").exists()
    assert not snapshot.restore(home, kept, "other")
    assert snapshot.keys(kept) == ["key"]
    assert snapshot.keys(tmp_path / "none") == []


def test_half_a_snapshot_is_never_used(tmp_path: Path) -> None:
    home, kept = tmp_path / "home", tmp_path / "kept"
    fill(home, "first")
    (kept / ".key.partial").mkdir(parents=True)
    (kept / "cut-off").mkdir()
    (kept / "a file").write_text("")
    assert not snapshot.exists(kept, "key")
    assert not snapshot.restore(home, kept, "cut-off")
    snapshot.save(home, kept, "key")
    assert [path.name for path in kept.iterdir()] == ["key"]


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_an_interrupted_restore_is_brought_to_its_end(
    tmp_path: Path, moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, kept = tmp_path / "home", tmp_path / "kept"
    fill(home, "first")
    snapshot.save(home, kept, "key")
    for path in ("state/a.json", "postgres/data/file", "secrets.json"):
        (home / path).unlink()
        (home / path).write_text("second")
    rename, count = Path.rename, 0

    def failing(self: Path, target: Path) -> Path:
        nonlocal count
        if count == moved:
            raise KeyboardInterrupt
        count += 1
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        if moved < 3:
            with pytest.raises(KeyboardInterrupt):
                snapshot.restore(home, kept, "key")
        else:
            snapshot.restore(home, kept, "key")
    snapshot.finish_restore(home)
    for path in ("state/a.json", "postgres/data/file", "secrets.json"):
        assert (home / path).read_text() == "first"
    assert not (home / snapshot.RESTORING).exists()


def test_files_are_copied_where_links_are_not_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(source: str, target: str) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", no_link)
    fill(tmp_path / "home", "word")
    snapshot.save(tmp_path / "home", tmp_path / "kept", "key")
    assert (tmp_path / "kept" / "key" / "state" / "a.json").read_text() == "word"


# ------------------------------------------------------------------ postgres
def test_postgres_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = postgres.Postgres(tmp_path / "postgres", 1, postgres.new_passwords())
    assert server.pid() is None
    server.stop()

    def refuse(name: str, *arguments: str) -> None:
        raise subprocess.CalledProcessError(1, name, stderr=f"{name} says no")

    monkeypatch.setattr(server, "_run", refuse)
    monkeypatch.setattr(server, "_give_to_system_user", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(InputError, match="initdb says no"):
        server.start()
    assert not server.folder.exists()
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("18")
    with pytest.raises(InputError, match="pg_ctl says no"):
        server.start()
    server.log.write_text("LOG: a\nFATAL: the port is taken\nLOG: shut down")
    with pytest.raises(InputError, match="FATAL: the port is taken"):
        server.start()
    # A number in postmaster.pid that is another program's is not believed.
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert server.pid() is None


def test_a_server_that_will_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = postgres.Postgres(tmp_path, 1, {})

    def refuse(name: str, *arguments: str) -> None:
        raise subprocess.CalledProcessError(1, name, stderr="")

    monkeypatch.setattr(server, "_run", refuse)
    server.data.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", str(server.data)]
    )
    (server.data / "postmaster.pid").write_text(f"{process.pid}\n")
    assert server.pid() == process.pid
    server.start()  # it runs: nothing to do
    server.stop()
    assert not psutil.pid_exists(process.pid)
    process.wait()


def test_postgres_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="is not installed"):
        postgres.program("initdb")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_makes_the_system_user_and_opens_the_way_only_to_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    server = postgres.Postgres(closed / "postgres", 1, {})
    server.data.mkdir(parents=True)
    closed.chmod(0o700)
    made: list[list[str]] = []
    monkeypatch.setattr("pwd.getpwnam", lambda name: (_ for _ in ()).throw(KeyError(name)))
    monkeypatch.setattr("subprocess.run", lambda words, **options: made.append(words))
    monkeypatch.setattr("shutil.chown", lambda path, *owner: None)
    server._give_to_system_user()
    server._open_the_way()
    assert made[0][0] == "useradd"
    assert closed.stat().st_mode & 0o777 == 0o701


# ------------------------------------------------------------------ launcher
def test_nothing_of_the_shell_reaches_the_emulator() -> None:
    environment = {
        "PATH": "/bin", "AWS_ENDPOINT_URL": "x", "AWS_PROFILE": "x", "PROVING_GROUND_URL": "x",
        "PYTHONPATH": "x", "MINISTACK_REGION": "x", "POWERTOOLS_DEV": "x", "LOG_LEVEL": "INFO",
    }  # fmt: skip
    launcher.prepare_environment(environment, Path("/home"), 4567)
    assert not [name for name in environment if name.startswith(("AWS_", "PROVING", "POWER"))]
    assert environment["MINISTACK_REGION"] == "eu-central-1"
    assert (environment["AUTH"], environment["BIND_HOST"]) == ("true", "127.0.0.1")
    assert environment["LOG_LEVEL"] == "INFO"
    assert environment["STATE_DIR"] == "/home/state"


def test_requests_that_may_change_something_are_noted() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        pass

    async def run() -> list[bool]:
        noted = []
        for scope in (
            {"type": "lifespan"},
            {"type": "http", "method": "GET"},
            {"type": "http", "method": "PUT"},
        ):
            changed = asyncio.Event()
            await launcher.noting_changes(application, changed)(scope, None, None)
            noted.append(changed.is_set())
        return noted

    assert asyncio.run(run()) == [False, False, True]


def test_work_goes_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0
    real_sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: real_sleep(0))

    async def work() -> None:
        nonlocal tried
        tried += 1
        if tried == 3:
            raise asyncio.CancelledError
        raise ValueError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(launcher.keep_going(work))
    assert tried == 3


def test_state_is_saved_when_something_changed_and_not_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ministack.core import persistence

    saved: list[Any] = []
    monkeypatch.setattr(persistence, "save_all", saved.append)
    monkeypatch.setattr(launcher, "SAVE_SECONDS", 0.0)

    class App:
        @staticmethod
        def _build_persistence_save_dict() -> str:
            return "state"

    async def run() -> None:
        changed = asyncio.Event()
        task = asyncio.create_task(launcher.save_regularly(App, changed))
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert saved == []
        changed.set()
        while not saved:
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(run())
    assert saved == ["state"]

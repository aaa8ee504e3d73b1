"""Starting, stopping and remembering a real local cloud."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import socket
import stat
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from typer.testing import CliRunner

from glue.cli.local import app
from glue.errors import InputError
from glue.local import parts, processes
from glue.local.clients import LocalSession, account_id
from glue.local.cloud import Cloud
from glue.local.configuration import free_port, is_free
from tests.unit.local.conftest import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.local


@pytest.fixture
def own(home: Path) -> Iterator[Cloud]:
    """A cloud of the test's own, stopped afterwards."""
    cloud = Cloud(home, free_port(), free_port())
    yield cloud
    cloud.down()


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def rows(cloud: Cloud) -> list[Any]:
    with cloud.postgres().connect() as connection:
        return [row[0] for row in connection.execute("SELECT word FROM kept ORDER BY word")]


def test_up_is_idempotent_and_down_leaves_nothing(own: Cloud) -> None:
    facts = own.up()
    assert own.up()["pid"] == facts["pid"]
    assert own.facts()["postgres"]["port"] == facts["postgres"]["port"]
    assert stat.S_IMODE(own.secrets_file.stat().st_mode) == 0o600
    assert account_id(LocalSession(own.endpoint)) == "000000000000"
    status = own.status()
    assert status["running"]
    assert status["emulator"]["memory_bytes"] > 0
    assert status["postgres"]["memory_bytes"] > 0
    listening = [
        c.laddr[0]
        for pid in (facts["pid"], facts["postgres"]["pid"])
        for c in psutil.Process(pid).net_connections("tcp")
        if c.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}
    assert own.down()
    assert not own.down()
    for pid in (facts["pid"], facts["postgres"]["pid"]):
        eventually(functools.partial(gone, pid))
    assert is_free(own.port)
    assert is_free(facts["postgres"]["port"])
    assert not (own.home / "tmp").exists()
    assert not own.facts_file.exists()
    assert not own.status()["running"]


def test_the_catalogue_wants_its_password(cloud: Cloud) -> None:
    import psycopg

    cloud.up()
    server = cloud.postgres()
    server.passwords = {"catalogue": "wrong", "postgres_superuser": "wrong"}
    for superuser in (False, True):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            server.connect(superuser=superuser)


def test_a_snapshot_brings_everything_back(own: Cloud) -> None:
    own.up()
    s3 = LocalSession(own.endpoint).client("s3")
    s3.create_bucket(
        Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    s3.put_object(Bucket="kept", Key="a", Body=b"before")
    with own.postgres().connect() as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('before')")
    password = own.catalogue_password()
    own.save_snapshot("first")
    own.save_snapshot("second")
    assert own.status()["snapshots"] == ["second"]
    assert own.status()["running"]

    s3.put_object(Bucket="kept", Key="a", Body=b"after")
    s3.put_object(Bucket="kept", Key="b", Body=b"after")
    with own.postgres().connect() as connection:
        connection.execute("INSERT INTO kept VALUES ('after')")
    assert not own.restore_snapshot("first")
    assert own.restore_snapshot("second")
    assert s3.get_object(Bucket="kept", Key="a")["Body"].read() == b"before"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["a"]
    assert rows(own) == ["before"]

    own.reset()
    assert s3.list_buckets()["Buckets"] == []
    assert own.catalogue_password() != password
    own.down()
    assert own.restore_snapshot("second")
    own.up()
    assert own.catalogue_password() == password
    assert rows(own) == ["before"]


def test_a_killed_launcher_loses_little_and_leaves_no_worker(
    own: Cloud, zipped: Callable[[str], bytes]
) -> None:
    own.up()
    session = LocalSession(own.endpoint)
    iam, functions = session.client("iam"), session.client("lambda")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"Service": "lambda.amazonaws.com"}}]}  # fmt: skip
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    functions.create_function(
        FunctionName="sleeper", Runtime="python3.12", Role=role["Arn"], Handler="index.handler",
        Timeout=60, Code={"ZipFile": zipped("import time\ndef handler(e, c): time.sleep(50)")},
    )  # fmt: skip
    state = own.home / "state" / "lambda.json"
    eventually(lambda: state.exists() and "sleeper" in state.read_text())
    functions.invoke(FunctionName="sleeper", InvocationType="Event")
    launcher = psutil.Process(own.facts()["pid"])
    workers = eventually(launcher.children)
    launcher.kill()
    launcher.wait(PATIENCE)
    assert not own.status()["running"]
    own.up()
    assert all(gone(worker.pid) for worker in workers)
    found = functions.list_functions()["Functions"]
    assert [function["FunctionName"] for function in found] == ["sleeper"]
    # A launcher whose cloud.json is lost is found again by its command line.
    pid = own.facts()["pid"]
    own.facts_file.unlink()
    assert own.up()["pid"] == pid
    # So is PostgreSQL, killed with what it holds.
    server = psutil.Process(own.postgres().pid() or 0)
    family = [server, *server.children()]
    server.kill()
    psutil.wait_procs(family, timeout=PATIENCE)
    assert own.postgres().pid() is None
    assert own.up()["postgres"]["pid"] == own.postgres().pid()


def test_a_taken_port_is_named_with_its_variable(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} .*python.*{os.getpid()}") as error:
            Cloud(home, port, free_port()).up()
        assert error.value.field == "PROVING_GROUND_LOCAL_PORT"
        with pytest.raises(InputError) as error:
            Cloud(home, free_port(), port).up()
        assert error.value.field == "PROVING_GROUND_LOCAL_POSTGRES_PORT"
        assert "PROVING_GROUND_LOCAL_POSTGRES_PORT" in error.value.remedy


def test_another_port_for_a_running_cloud_is_refused(cloud: Cloud) -> None:
    cloud.up()
    with pytest.raises(InputError, match="another port"):
        Cloud(cloud.home, free_port(), free_port()).up()


def test_a_launcher_that_does_not_come_up_is_reported(
    own: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "START_SECONDS", -1.0)
    with monkeypatch.context() as patch:
        patch.setattr(parts.Part, "answers", lambda _: False)
        with pytest.raises(InputError, match="did not answer"):
            own.up()
    monkeypatch.setattr(parts, "START_SECONDS", 60.0)
    shutil.rmtree(own.home / "state", ignore_errors=True)  # if it has come so far
    (own.home / "state").write_text("not a folder")
    with pytest.raises(InputError, match=r"ended at once: .*state"):
        own.up()
    assert processes.find_launcher(own.home, None) is None
    assert own.postgres().pid() is None


def test_the_command_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVING_GROUND_LOCAL_HOME", str(home))
    for name in ("", "POSTGRES_", "KUBERNETES_", "EVALAI_"):
        monkeypatch.setenv(f"PROVING_GROUND_LOCAL_{name}PORT", str(free_port()))
    runner = CliRunner()

    def run(*words: str, code: int = 0) -> str:
        result = runner.invoke(app, list(words), env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        return result.output

    assert "not running" in run("status", code=1)
    began = time.monotonic()
    try:
        assert "ready after" in run("up")
        assert "proven" in run("status")
        found = json.loads(run("status", "--json"))
        assert found["running"]
        assert {entry["state"] for entry in found["coverage"]} == {
            "proven", "simulated", "not covered",
        }  # fmt: skip
        assert "kept as one" in run("snapshot", "one")
        assert "restored one" in run("snapshot", "one", "--restore")
        assert "kept: one" in run("snapshot", "two", "--restore", code=1)
        assert "cannot name" in run("snapshot", "../x", code=1)
        assert "emptied" in run("reset")
    finally:
        assert "stopped" in run("down")
    assert "was not running" in run("down")
    assert time.monotonic() > began
    monkeypatch.setenv("PROVING_GROUND_LOCAL_PORT", "none")
    for command in ("up", "down", "status", "reset"):
        assert "what to do" in run(command, code=1)


def test_sigterm_to_the_launcher_alone_saves(cloud: Cloud) -> None:
    cloud.up()
    LocalSession(cloud.endpoint).client("sqs").create_queue(QueueName="saved")
    launcher = psutil.Process(cloud.facts()["pid"])
    launcher.send_signal(signal.SIGTERM)
    launcher.wait(PATIENCE)
    cloud.up()
    assert LocalSession(cloud.endpoint).client("sqs").list_queues()["QueueUrls"]


def test_a_lost_password_is_said_not_papered_over(own: Cloud) -> None:
    own.up()
    own.secrets_file.unlink()
    with pytest.raises(InputError, match="the way into the database"):
        own.catalogue_password()
    own.reset()
    assert own.up()["pid"]

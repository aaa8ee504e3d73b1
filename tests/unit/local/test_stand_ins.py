"""The stand-ins that run with the local cloud: found, started, ended and remembered."""

from __future__ import annotations

import json
import os
import socket
import stat
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from glue.cli.local import app
from glue.errors import InputError
from glue.local import challenge, parts
from glue.local.clients import LocalSession
from glue.local.cloud import Cloud
from glue.local.configuration import free_port
from tests.unit.local.conftest import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with both stand-ins."""
    home = tmp_path_factory.mktemp("whole") / "home"
    cloud = Cloud(home, *(free_port() for _ in range(4)))
    cloud.up()
    yield cloud
    cloud.down()


def client_of(cloud: Cloud) -> httpx.Client:
    url = cloud.facts()["evalai"]["url"]
    return httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE)


def asked(cloud: Cloud, path: str, method: str = "GET", **options: Any) -> Any:
    with client_of(cloud) as client:
        return client.request(method, path, **options).raise_for_status().json()


def submit(cloud: Cloud, team: int) -> None:
    body = {"challenge": 1, "phase": 1, "team": team, "image": "agent"}
    asked(cloud, "/stand-in/submissions", "POST", json=body)


def put(cloud: Cloud, phase: int, labels: list[str]) -> httpx.Response:
    """Tell EvalAI, as the host, a result with these labels."""
    facts = cloud.facts()["evalai"]
    result = [{"split": "leaderboard", "accuracies": dict.fromkeys(labels, 1.0)}]
    body = {
        "challenge_phase": phase, "submission": 1, "submission_status": "FINISHED",
        "result": json.dumps(result), "stdout": "", "stderr": "", "environment_log": "",
        "metadata": "{}",
    }  # fmt: skip
    with client_of(cloud) as client:
        return client.put(
            "/api/jobs/challenge/1/update_submission/",
            json=body, headers={"Authorization": f"Bearer {facts['token']}"},
        )  # fmt: skip


def test_the_facts_name_both(whole: Cloud) -> None:
    facts = whole.up()
    assert facts == whole.facts()
    assert stat.S_IMODE(whole.facts_file.stat().st_mode) == 0o600, "it holds tokens"
    assert stat.S_IMODE((whole.home / challenge.ACCESS).stat().st_mode) == 0o600
    kubernetes, evalai = facts["kubernetes"], facts["evalai"]
    assert kubernetes["cluster"] == "local-platform"
    assert httpx.get(f"{kubernetes['endpoint']}/readyz", trust_env=False, timeout=60).text == "ok"
    assert evalai["phases"] == {
        "leaderboard-10-SENSORS": 1, "leaderboard-10-MAP": 2,
        "leaderboard-20-SENSORS": 3, "leaderboard-20-MAP": 4,
    }  # fmt: skip
    assert len({team["token"] for team in evalai["teams"]} | {evalai["token"]}) == 4
    listening = {
        connection.laddr[0]
        for pid in (kubernetes["pid"], evalai["pid"])
        for connection in psutil.Process(pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    status = whole.status()
    assert status["running"]
    assert status["evalai"]["healthy"]
    assert status["kubernetes"]["memory_bytes"] > 0


def test_the_challenge_takes_the_labels_of_its_leaderboards(whole: Cloud) -> None:
    submit(whole, 1)
    labels = challenge.definition()["labels"]
    assert set(labels["1.0"]) < set(labels["2.0"])
    assert put(whole, 1, labels["1.0"]).status_code == 200
    assert put(whole, 1, labels["2.0"]).status_code == 400
    assert put(whole, 3, labels["2.0"]).status_code == 200


def test_a_cluster_of_the_local_account_answers(whole: Cloud) -> None:
    for key, expected in (("test", whole.facts()["kubernetes"]["endpoint"]), ("1" * 12, None)):
        session = LocalSession(whole.endpoint, access_key=key)
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole",
             "Principal": {"Service": "eks.amazonaws.com"}}]}  # fmt: skip
        role = session.client("iam").create_role(
            RoleName="cluster", AssumeRolePolicyDocument=json.dumps(trust)
        )["Role"]["Arn"]
        made = session.client("eks").create_cluster(
            name="local-platform", roleArn=role, version="1.36",
            resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
        )["cluster"]  # fmt: skip
        found = session.client("eks").describe_cluster(name="local-platform")["cluster"]
        assert made["endpoint"] == found["endpoint"]
        if expected is None:
            assert found["endpoint"].startswith("https://")
        else:
            assert found["endpoint"] == expected


@pytest.mark.parametrize("name", ["kubernetes", "evalai"])
def test_one_that_was_killed_comes_back(whole: Cloud, name: str) -> None:
    before = whole.up()
    submit(whole, 2)
    count = len(asked(whole, "/stand-in/submissions"))
    killed = psutil.Process(before[name]["pid"])
    killed.kill()
    killed.wait(PATIENCE)
    assert not whole.status()["running"]
    assert whole.status()[name]["pid"] is None
    after = whole.up()
    assert after[name]["pid"] != before[name]["pid"]
    assert after["pid"] == before["pid"], "nothing else was started again"
    assert after["started_at"] == before["started_at"]
    assert after["evalai"]["token"] == before["evalai"]["token"]
    assert len(asked(whole, "/stand-in/submissions")) == count
    # One whose cloud.json was lost is found by its command line.
    whole.facts_file.unlink()
    assert whole.up()[name]["pid"] == after[name]["pid"]


def test_everything_killed_comes_back(whole: Cloud) -> None:
    before = whole.up()
    pids = [before["pid"], before["kubernetes"]["pid"], before["evalai"]["pid"]]
    killed = [psutil.Process(pid) for pid in pids]
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=PATIENCE)
    after = whole.up()
    assert whole.status()["running"]
    assert after["started_at"] != before["started_at"]


def test_a_snapshot_holds_what_they_know(whole: Cloud) -> None:
    whole.up()
    submit(whole, 1)
    token, known = whole.facts()["evalai"]["token"], len(asked(whole, "/stand-in/submissions"))
    # What containers leave behind is no reason to fail.
    folder = whole.home / "kubernetes" / "pods"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nowhere").symlink_to("/nowhere")
    os.mkfifo(folder / "pipe")
    whole.save_snapshot("one")
    assert not (whole.snapshots / "one" / "kubernetes" / "pods" / "pipe").exists()
    assert (whole.snapshots / "one" / "kubernetes" / "pods" / "nowhere").is_symlink()
    submit(whole, 1)
    assert whole.restore_snapshot("one")
    assert whole.facts()["evalai"]["token"] == token
    assert len(asked(whole, "/stand-in/submissions")) == known
    whole.reset()
    assert whole.facts()["evalai"]["token"] != token
    assert asked(whole, "/stand-in/submissions") == []


def test_ports_that_are_taken_are_named(
    whole: Cloud, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for ports, variable in (
            ((port, free_port()), "PROVING_GROUND_LOCAL_KUBERNETES_PORT"),
            ((free_port(), port), "PROVING_GROUND_LOCAL_EVALAI_PORT"),
        ):
            cloud = Cloud(home, free_port(), free_port(), *ports)
            with pytest.raises(InputError, match=rf"port {port} .*{os.getpid()}") as error:
                cloud.up()
            assert error.value.field == variable
            assert variable in error.value.remedy
            assert not cloud.status()["running"]
    whole.up()
    with pytest.raises(InputError, match="other settings"):
        Cloud(whole.home, whole.port, whole.postgres_port, free_port(), free_port()).up()
    assert whole.status()["running"], "a refusal ends nothing"
    monkeypatch.setenv("PROVING_GROUND_LOCAL_WAIT_SCALE", "0.5")
    assert whole.kubernetes is not None
    assert whole.evalai is not None
    own = (whole.port, whole.postgres_port, whole.kubernetes.port, whole.evalai.port)
    with pytest.raises(InputError, match=r"other settings: 0\.01 instead of 0\.5"):
        Cloud(whole.home, *own).up()


def test_one_that_does_not_come_up_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(home, *(free_port() for _ in range(4)))
    (home / "evalai" / "evalai.sqlite").mkdir(parents=True)
    with pytest.raises(InputError, match=r"stand-in for EvalAI: it ended at once: .*"):
        cloud.up()
    assert all(part.process() is None for part in cloud.parts())
    assert cloud.postgres().pid() is None
    part = parts.evalai(home / "other", free_port())
    monkeypatch.setattr(parts, "START_SECONDS", -1.0)
    process = part.start()
    with pytest.raises(InputError, match="did not answer within"):
        part.wait(process)
    process.kill()
    process.wait()


def test_a_cloud_on_its_own_ports_has_none(cloud: Cloud) -> None:
    facts = cloud.up()
    assert "kubernetes" not in facts
    assert "evalai" not in cloud.status()


def test_the_stand_in_of_a_home_is_ended_by_whoever_ends_the_home(home: Path) -> None:
    cloud = Cloud(home, *(free_port() for _ in range(4)))
    pids = [cloud.up()[name]["pid"] for name in ("kubernetes", "evalai")]
    assert Cloud(home, cloud.port, cloud.postgres_port).down()
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_the_command_shows_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVING_GROUND_LOCAL_HOME", str(home))
    for name in ("", "POSTGRES_", "KUBERNETES_", "EVALAI_"):
        monkeypatch.setenv(f"PROVING_GROUND_LOCAL_{name}PORT", str(free_port()))
    runner = CliRunner()
    try:
        shown = runner.invoke(app, ["up"], env={"COLUMNS": "200"}).output
        assert "Kubernetes:  http://127.0.0.1:" in shown
        assert "EvalAI:      http://127.0.0.1:" in shown
        shown = runner.invoke(app, ["status"], env={"COLUMNS": "200"}).output
        assert "stand-in for EvalAI" in shown
        assert Cloud().facts()["evalai"]["token"] not in shown
    finally:
        runner.invoke(app, ["down"])


def test_a_challenge_that_was_never_set_up(home: Path) -> None:
    with pytest.raises(InputError, match="never set up"):
        challenge.access(home)
    with pytest.raises(InputError, match="does not answer"):
        challenge.set_up(home, f"http://127.0.0.1:{free_port()}")


def test_a_stand_in_that_refuses(whole: Cloud, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole.up()
    content = challenge.definition() | {"host": ""}
    monkeypatch.setattr(challenge, "definition", lambda: content)
    with pytest.raises(InputError, match="refuses /stand-in/challenges/1"):
        challenge.set_up(home, whole.facts()["evalai"]["url"])

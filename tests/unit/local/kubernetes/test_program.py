"""The stand-in as a program of its own, and what is left of it when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import boto3
import httpx
import pytest
from pydantic import SecretStr

from glue.leaderboard.kubernetes.client import Cluster, Kubernetes
from glue.leaderboard.kubernetes.token import Tokens
from glue.local.configuration import HOST, free_port
from tests.unit.local.kubernetes.manifests import FOREVER, manifest
from tests.unit.local.kubernetes.standing import (
    ACCESS_KEY,
    NAME,
    PATIENCE_SECONDS,
    ROLE,
    SECRET,
    identify,
)
from tests.unit.local.kubernetes.test_runs import running_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POLICY = {
    "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy",
    "accessScope": {"type": "namespace", "namespaces": ["jobs"]},
}


class LocalCloud(BaseHTTPRequestHandler):
    """STS and EKS of paper."""

    def do_GET(self) -> None:
        if self.path.endswith("/access-policies"):
            self._answer(200, json.dumps({"associatedAccessPolicies": [POLICY]}))
        elif self.path.endswith(f"/clusters/{NAME}/access-entries"):
            self._answer(200, json.dumps({"accessEntries": [ROLE]}))
        else:
            headers = {"host": self.headers["host"], "x-k8s-aws-id": self.headers["x-k8s-aws-id"]}
            asked = httpx.Request("GET", f"http://{headers['host']}{self.path}", headers=headers)
            found = identify(asked)
            self._answer(found.status_code, found.text)

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[str]:
    with ThreadingHTTPServer((HOST, 0), LocalCloud) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{HOST}:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def program(
    home: Path, cloud: str, *more: str
) -> Iterator[tuple[subprocess.Popen[str], Kubernetes]]:
    """Run the stand-in, and yield it with a client once it listens."""
    home.mkdir(parents=True, exist_ok=True)
    images = {
        name: {"entrypoint": [sys.executable, "-c"]}
        for name in ("agent", "simulator", "uploader", "contents")
    }
    (home / "images.json").write_text(json.dumps(images))
    port = free_port()
    words = [
        sys.executable, "-m", "glue.local.kubernetes", "--home", str(home), "--port", str(port),
        "--sts", cloud, "--cluster", NAME, "--gpu-start-seconds", "0", "--scale", "0.01",
        *more,
    ]  # fmt: skip
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    sts = boto3.client(
        "sts", region_name="eu-central-1", endpoint_url=cloud, aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET,
    )  # fmt: skip
    address = f"http://{HOST}:{port}"
    where = Cluster(name=NAME, endpoint=address, certificate_authority="")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("stand-in for Kubernetes: cluster staging at")
        wait(lambda: answers(address))
        with Kubernetes(where, Tokens(sts, NAME)) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def wait(until: Callable[[], object]) -> None:
    ending = time.monotonic() + PATIENCE_SECONDS
    while not until():
        assert time.monotonic() < ending
        time.sleep(0.02)


def test_what_was_answered_outlives_a_sudden_end(tmp_path: Path, cloud: str) -> None:
    """And images may be named elsewhere than in the home folder."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    with program(home, cloud, "--gpu-nodes", "0") as (process, client):
        client.put_secret("leaderboard-20-99-1", {"form.json": SecretStr("{}")}, {})
        client.create_job(manifest("deleted"))
        client.delete_job("deleted")
        client.create_job(manifest("asked-for", "print('driven')"))
        process.kill()
        process.wait(PATIENCE_SECONDS)
    elsewhere.mkdir()
    (home / "images.json").rename(elsewhere / "images.json")
    with program(home, cloud, "--images", str(elsewhere)) as (_, client):
        (home / "images.json").unlink()
        wait(lambda: client.job("asked-for")["status"].get("succeeded"))
        assert [job["metadata"]["name"] for job in client.jobs()] == ["asked-for"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running(tmp_path: Path, cloud: str, number: signal.Signals) -> None:
    home = tmp_path / "home"
    with program(home, cloud) as (process, client):
        client.put_secret("leaderboard-20-99-1", {"form.json": SecretStr("{}")}, {})
        client.create_job(manifest("left", FOREVER))
        # The agent, the simulator and the uploader, each with its supervisor.
        wait(lambda: len(running_below(str(home / "pods"))) >= 3)
        wait(lambda: [pod["status"]["phase"] for pod in client.pods("left")] == ["Running"])
        os.kill(process.pid, number)
        code = process.wait(PATIENCE_SECONDS)
        assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        wait(lambda: not running_below(str(home / "pods")))
    with program(home, cloud) as (_, client):
        wait(lambda: len(client.pods("left")) == 2)

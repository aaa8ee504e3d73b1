"""A stand-in that stands: on a real port, in a thread of its own, with an STS of paper."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

import boto3
import httpx
from pydantic import SecretStr

from glue.leaderboard.kubernetes import status
from glue.leaderboard.kubernetes.client import Cluster as Address
from glue.leaderboard.kubernetes.client import Kubernetes
from glue.leaderboard.kubernetes.token import Tokens
from glue.local.configuration import HOST, free_port
from glue.local.kubernetes.access import FILE, Access
from glue.local.kubernetes.api import Api
from glue.local.kubernetes.cluster import Cluster
from glue.local.kubernetes.identity import Identities
from glue.local.kubernetes.nodes import standard_groups
from glue.local.kubernetes.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from glue.leaderboard.kubernetes.status import Phase
    from glue.local.kubernetes.runtimes import Runtime
    from glue.local.kubernetes.shipping import Shipper

STS = "http://sts.local"
NAME = "staging"
ACCESS_KEY, SECRET = "AKIALAUNCHER", "secret"
WORKER = "arn:aws:sts::000000000000:assumed-role/launcher/session"
ROLE = "arn:aws:iam::000000000000:role/functions/launcher"
# So long nothing here takes on the busiest machine: beyond it something hangs.
PATIENCE_SECONDS = 60.0


def identify(request: httpx.Request) -> httpx.Response:
    """Answer as STS: the signature holds for this host and the cluster's name, or not at all."""
    asked = dict(parse_qsl(request.url.query.decode()))
    signature = asked.pop("X-Amz-Signature")
    access_key, *scope = asked["X-Amz-Credential"].split("/")
    headers = {name: request.headers[name] for name in asked["X-Amz-SignedHeaders"].split(";")}
    canonical = "\n".join(
        [
            "GET", "/", urlencode(sorted(asked.items()), quote_via=quote),
            *(f"{name}:{value}" for name, value in headers.items()), "",
            asked["X-Amz-SignedHeaders"], hashlib.sha256(b"").hexdigest(),
        ]
    )  # fmt: skip
    key = b"AWS4" + SECRET.encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    words = ["AWS4-HMAC-SHA256", asked["X-Amz-Date"], "/".join(scope), digest]
    expected = hmac.digest(key, "\n".join(words).encode(), "sha256").hex()
    is_good = access_key == ACCESS_KEY and signature == expected
    return httpx.Response(200 if is_good else 403, text=f"<Arn>{WORKER}</Arn>")


def tokens(access_key: str = ACCESS_KEY, cluster: str = NAME) -> Tokens:
    client = boto3.client(
        "sts", region_name="eu-central-1", endpoint_url=STS,
        aws_access_key_id=access_key, aws_secret_access_key=SECRET,
    )  # fmt: skip
    return Tokens(client, cluster)


class Standing:
    """A stand-in that runs, and its client."""

    def __init__(self, home: Path, port: int, cluster: Cluster) -> None:
        self.home, self.port, self.cluster = home, port, cluster
        self.address = f"http://{HOST}:{port}"
        self.client = self.client_of(tokens())
        self.http = httpx.Client(base_url=self.address, trust_env=False, timeout=PATIENCE_SECONDS)

    def put_form(self, text: str = "{}", **options: Any) -> None:
        """Make the Secret that the Jobs of `manifest` mount, or replace it."""
        content = {"form.json": SecretStr(text)}
        self.client.put_secret("leaderboard-20-99-1", content, {}, **options)

    def client_of(self, held: Tokens, **options: Any) -> Kubernetes:
        where = Address(name=NAME, endpoint=self.address, certificate_authority="")
        return Kubernetes(where, held, **options)

    def fault(self, **faults: Any) -> None:
        self.http.put("/stand-in/faults", json=faults).raise_for_status()

    def phase(self, job: str) -> Phase:
        """Read a Job's phase as a watcher does."""
        held = self.client.job(job)
        pods = self.client.pods(job)
        events = self.client.events(job)
        for pod in pods:
            events += self.client.events(pod["metadata"]["name"])
        return status.read(held, pods, events)

    def wait(self, job: str, until: Callable[[Phase], bool]) -> Phase:
        """Wait for a phase."""
        ending = time.monotonic() + PATIENCE_SECONDS
        while not until(phase := self.phase(job)):
            assert time.monotonic() < ending, phase
            time.sleep(0.02)
        return phase

    def wait_over(self, job: str) -> Phase:
        return self.wait(job, lambda phase: phase.is_over)

    def wait_reason(self, job: str, reason: str) -> Phase:
        return self.wait(job, lambda phase: phase.reason == reason)

    def wait_said(self, job: str, container: str, words: str) -> None:
        """Wait until a container of a Job's pod has printed some words."""

        def has_said(phase: Phase) -> bool:
            return phase.pod is not None and words in self.client.log(phase.pod, container)

        self.wait(job, has_said)

    def let_go(self, job: str, volume: str = "results") -> None:
        """Let a program of `WHEN_TOLD` go on."""
        (pod,) = self.client.pods(job)
        (self.home / "pods" / pod["metadata"]["uid"] / "volumes" / volume / ".told").touch()

    def wait_gone(self) -> None:
        """Wait until there is no Job any more."""
        ending = time.monotonic() + PATIENCE_SECONDS
        while self.client.jobs(leaderboard="leaderboard-20"):
            assert time.monotonic() < ending
            time.sleep(0.02)


@contextmanager
def standing(
    home: Path,
    *,
    gpu_nodes: int = 2,
    start_seconds: float = 0.0,
    scale: float = 0.01,
    policy: str = "edit",
    shipper: Shipper | None = None,
    runtime: Runtime | None = None,
) -> Iterator[Standing]:
    """Run a stand-in. Its images are in `images.json` of the home folder."""
    home.mkdir(parents=True, exist_ok=True)
    entry = {"principal_arn": ROLE, "policy": policy, "namespaces": ["jobs"]}
    (home / FILE).write_text(json.dumps([entry]), encoding="utf-8")
    images = {
        name: {"entrypoint": ["{python}", "-c"], "command": [""]}
        for name in ("agent", "simulator", "uploader", "contents")
    }
    (home / "images.json").write_text(json.dumps(images), encoding="utf-8")
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()
    port = free_port()
    groups = standard_groups(gpu_nodes, 2, start_seconds)
    cluster = Cluster(home, groups, scale=scale, shipper=shipper, runtime=runtime)

    async def _serve() -> None:
        transport = httpx.MockTransport(identify)
        identities = Identities(STS, NAME, cluster.store.clock, transport)
        await serve(Api(cluster, identities, Access(home)), port, ending.wait)

    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(),))
    # Children are watched by the loop of the main thread unless the loop can do it itself.
    thread.start()
    found = Standing(home, port, cluster)
    try:
        _await_answer(found)
        if policy != "view":
            found.put_form()
        yield found
    finally:
        found.client.close()
        found.http.close()
        loop.call_soon_threadsafe(ending.set)
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
        loop.close()


def _await_answer(found: Standing) -> None:
    ending = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            assert found.http.get("/readyz").text == "ok"
        except httpx.TransportError:
            assert time.monotonic() < ending
            time.sleep(0.02)
        else:
            return

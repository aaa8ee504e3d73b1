"""What a kubelet does while its runtime has trouble, and where the runtime's name comes from."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glue.errors import InputError
from glue.local import parts
from glue.local.kubernetes import server
from glue.local.kubernetes.containers import CannotPull, CannotStart
from glue.local.kubernetes.runtimes import Processes, ProcessSandbox
from glue.local.kubernetes.store import Store
from glue.local.kubernetes.volumes import Volumes
from tests.unit.local.kubernetes.manifests import FOREVER, manifest
from tests.unit.local.kubernetes.standing import standing

if TYPE_CHECKING:
    from glue.local.images import Image


class Trouble(Processes):
    """Processes with a runtime that fails as often as it is told to."""

    def __init__(self, images: Path, *, begins: int = 0, reasons: tuple[str, ...] = (),
                 is_slow: bool = False) -> None:  # fmt: skip
        super().__init__(images)
        self.begins, self.reasons, self.is_slow = begins, list(reasons), is_slow
        self.pulling = self.cancelled = self.ended = 0

    def sandbox(self, pod: dict[str, Any], folder: Path) -> TroubleSandbox:
        return TroubleSandbox(self, folder)


class TroubleSandbox(ProcessSandbox):
    def __init__(self, trouble: Trouble, folder: Path) -> None:
        super().__init__(trouble.images, folder)
        self.trouble = trouble

    async def begin(self) -> None:
        if self.trouble.begins:
            self.trouble.begins -= 1
            raise CannotStart("failed to create pod sandbox: no network")

    async def pull(self, container: dict[str, Any], *, is_out_of_reach: bool) -> Image:
        self.trouble.pulling += 1
        if self.trouble.is_slow:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                self.trouble.cancelled += 1
                raise
        if self.trouble.reasons:
            raise CannotPull("must not run as root", self.trouble.reasons.pop())
        return await super().pull(container, is_out_of_reach=is_out_of_reach)

    async def end(self) -> None:
        self.trouble.ended += 1


def test_a_sandbox_is_tried_again(tmp_path: Path) -> None:
    trouble = Trouble(tmp_path / "home", begins=2)
    with standing(tmp_path / "home", runtime=trouble) as found:
        found.client.create_job(manifest("late"))
        phase = found.wait_over("late")
        assert phase.state == "succeeded"
        assert phase.pod is not None
        events = found.client.events(phase.pod)
        said = {e["message"] for e in events if e["reason"] == "FailedCreatePodSandBox"}
        assert said == {"failed to create pod sandbox: no network"}
    assert trouble.ended == 1


def test_one_that_never_comes_is_not_waited_for_beyond_the_pods_end(tmp_path: Path) -> None:
    trouble = Trouble(tmp_path / "home", begins=1_000_000)
    with standing(tmp_path / "home", runtime=trouble) as found:
        found.client.create_job(manifest("never"))
        found.wait("never", lambda phase: phase.pod is not None)
        found.client.delete_job("never")
        found.wait_gone()


def test_an_image_that_must_not_be_used(tmp_path: Path) -> None:
    trouble = Trouble(tmp_path / "home", reasons=("CreateContainerConfigError",) * 4)
    with standing(tmp_path / "home", runtime=trouble, scale=0.05) as found:
        found.client.create_job(manifest("root"))
        assert "as root" in found.wait_reason("root", "configuration").message
        assert found.wait_over("root").state == "succeeded"


def test_a_pull_ends_with_its_pod(tmp_path: Path) -> None:
    trouble = Trouble(tmp_path / "home", is_slow=True)
    with standing(tmp_path / "home", runtime=trouble) as found:
        found.client.create_job(manifest("slow", FOREVER))
        found.wait("slow", lambda _: trouble.pulling > 0)
        found.client.delete_job("slow")
        found.wait_gone()
        assert (trouble.pulling, trouble.cancelled, trouble.ended) == (1, 1, 1)


def test_the_variable_names_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--home", "/h", "--port", "1", "--sts", "http://127.0.0.1:1", "--cluster", "c"]
    monkeypatch.setenv("RUNTIME", "")
    assert server.arguments(words).runtime == "process"
    monkeypatch.setenv("RUNTIME", "container")
    assert server.arguments(words).runtime == "container"
    assert server.arguments([*words, "--runtime", "process"]).runtime == "process"
    # A cloud that runs is the same one to somebody who leaves the variable out.
    with_it = parts.kubernetes(Path("/h"), 1, "http://127.0.0.1:1").words
    monkeypatch.delenv("RUNTIME")
    assert parts.kubernetes(Path("/h"), 1, "http://127.0.0.1:1").words == with_it


def test_without_an_engine_it_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find() -> None:
        raise InputError("RUNTIME", "no container engine answers", "install podman")

    monkeypatch.setattr("glue.local.batch.engines.find", find)
    words = ["--home", str(tmp_path), "--port", "1", "--sts", "http://127.0.0.1:1",
             "--cluster", "c", "--runtime", "container", "--no-logs"]  # fmt: skip
    assert server.main(words) == 1
    assert capsys.readouterr().err == "RUNTIME: no container engine answers; install podman\n"


def test_volumes_of_containers_with_users_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    items = [{"key": "a", "path": "deep/name"}]
    pod = {
        "metadata": {"namespace": "jobs"},
        "spec": {
            "securityContext": {"fsGroup": 5},
            "volumes": [
                {"name": "results", "emptyDir": {}},
                {"name": "form", "secret": {"secretName": "s", "defaultMode": 0o400,
                                            "items": items}},
            ],
        },
    }  # fmt: skip
    store = Store(lambda: 1.0)
    data = {"a": base64.b64encode(b"1").decode()}
    metadata = {"namespace": "jobs", "name": "s"}
    store.add(store.secrets, {"kind": "Secret", "metadata": metadata, "data": data})
    before = os.umask(0o077)
    try:
        shown = Volumes(pod, store, tmp_path, is_shared=True)
        assert shown.prepare() == shown.prepare() == []
    finally:
        os.umask(before)
    modes = {
        path: (tmp_path / path).stat().st_mode & 0o777
        for path in ("results", "form", "form/..data", "form/deep", "form/deep/name")
    }
    assert modes == {
        "results": 0o777, "form": 0o755, "form/..data": 0o755, "form/deep": 0o755,
        "form/deep/name": 0o444,
    }  # fmt: skip

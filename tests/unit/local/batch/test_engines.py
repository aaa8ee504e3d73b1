"""Finding the container engine, what it needs, and clearing up after it."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from glue.errors import InputError
from glue.local.batch import engines
from glue.local.batch.engines import ContainerEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a program of some name and script on PATH, where nothing else is but a shell."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setattr(
        "shutil.which",
        lambda name: str(path) if (path := tmp_path / "bin" / name).exists() else None,
    )  # fmt: skip

    def install(name: str, script: str = "exit 0") -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n')
        path.chmod(0o755)
        return path

    return install


def root(monkeypatch: pytest.MonkeyPatch, *, capable: bool) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(engines, "has_capability", lambda number: capable)


def test_the_first_that_answers_is_taken(install: Install) -> None:
    with pytest.raises(InputError, match="no container engine answers"):
        engines.find()
    install("podman", "exit 1")
    docker = install("docker")
    assert engines.find() == ContainerEngine(str(docker))


def test_podman_is_given_limits_where_it_cannot_raise_them(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    podman = install("podman")
    monkeypatch.setattr(engines, "HYBRID", tmp_path / "missing")
    plain = ContainerEngine(str(podman), (), ("--read-only-tmpfs=false",))
    root(monkeypatch, capable=True)
    assert engines.find() == plain
    root(monkeypatch, capable=False)
    assert [name for name, _ in engines.find().ulimits] == ["nofile", "nproc"]
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert engines.find() == plain


def test_podman_is_given_another_runtime_where_its_own_refuses(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hybrid = tmp_path / "controllers"
    monkeypatch.setattr(engines, "HYBRID", hybrid)
    install("podman", "echo crun")
    hybrid.write_text("cpuset cpu\n")
    assert engines.find().options == ()  # there is no other
    install("runc")
    assert engines.find().options == ("--runtime", "runc")
    hybrid.write_text("\n")
    assert engines.find().options == ()
    hybrid.write_text("cpu\n")
    install("podman", "echo runc")
    assert engines.find().options == ()


def test_capabilities_are_read_from_the_system(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tx\nCapEff:\t0000000001000000\n")
    assert engines.has_capability(24, status)
    assert not engines.has_capability(23, status)
    assert engines.has_capability(24, tmp_path / "missing")
    status.write_text("Name:\tx\n")
    assert not engines.has_capability(24, status)


def test_limits_are_no_higher_than_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {resource.RLIMIT_NOFILE: 20_000, resource.RLIMIT_NPROC: resource.RLIM_INFINITY}
    monkeypatch.setattr("resource.getrlimit", lambda number: (1, held[number]))
    assert engines.own_limits() == {"nofile": "20000:20000", "nproc": "4096:4096"}


def test_an_engine_is_given_what_it_reads_and_nothing_else() -> None:
    ours = {"PATH": "/bin", "HOME": "/root", "XDG_RUNTIME_DIR": "/run", "DOCKER_CONTEXT": "c"}
    foreign = {"DOCKER_HOST": "unix:///nowhere", "AWS_SECRET_ACCESS_KEY": "s", "TMPDIR": "/x"}
    assert engines.environment(ours | foreign) == ours


class TestSweep:
    def test_without_containers_there_is_nothing_to_do(self, tmp_path: Path) -> None:
        engines.sweep(tmp_path)
        engines.record(tmp_path, ContainerEngine("/nowhere/podman"))
        engines.sweep(tmp_path)  # it was removed since

    def test_it_goes_on_until_none_is_left(
        self, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rest = tmp_path / "rest"
        rest.write_text("one\ntwo\n")
        script = (
            f'case "$1" in ps) cat {rest};; rm) tail -n +2 {rest} > {rest}.new; '
            f"mv {rest}.new {rest};; esac"
        )
        podman = install("podman", script)
        monkeypatch.setattr("shutil.which", lambda name: name)
        engines.record(tmp_path, ContainerEngine(str(podman)))
        engines.sweep(tmp_path)
        asked = (tmp_path / "asked").read_text().splitlines()
        assert asked[0] == f"ps --all --quiet --filter label=glue.local.home={tmp_path}"
        assert [line for line in asked if line.startswith("rm")] == [
            "rm --force --volumes one two", "rm --force --volumes two"
        ]  # fmt: skip

    def test_what_cannot_be_removed_is_said(
        self, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        podman = install("podman", 'case "$1" in ps) echo one;; rm) echo "it is stuck" >&2;; esac')
        monkeypatch.setattr("shutil.which", lambda name: name)
        engines.record(tmp_path, ContainerEngine(str(podman)))
        with pytest.raises(InputError, match="it is stuck"):
            engines.sweep(tmp_path)

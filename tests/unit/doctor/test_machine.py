"""This machine, seen with programs and folders that the tests make up."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from glue.deploy import mirror
from glue.deploy.project import Project
from glue.doctor import machine
from tests.unit.doctor.files import Ask


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, prints: str, code: int = 0) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nprint({prints!r})\nraise SystemExit({code})\n")
    path.chmod(0o755)


def test_what_is_needed_is_here(programs: Path, ask: Ask) -> None:
    program(programs, "terraform", '{"terraform_version": "1.11.4"}')
    program(programs, "kubectl", '{"clientVersion": {"gitVersion": "v1.33.2"}}')
    program(programs, "node", "v20.1.0")
    report = ask(machine.SUBJECT, "")
    assert {one.status for one in report.values()} == {"pass"}
    assert report["terraform"].found == "1.11.4"
    assert report["kubectl"].found == "1.33.2"
    assert "1 of unpacked" in report["lock-file:registry.terraform.io/hashicorp/aws"].found


def test_what_is_needed_is_old_or_missing(programs: Path, ask: Ask) -> None:
    program(programs, "terraform", '{"terraform_version": "1.9.0"}')
    program(programs, "node", "v12.0.0")
    program(programs, "kubectl", "", code=1)
    report = ask(machine.SUBJECT, "")
    assert (report["terraform"].status, report["terraform"].found) == ("fail", "1.9.0")
    assert report["node"].status == "fail"
    assert report["kubectl"].status == "not_covered"
    (programs / "terraform").unlink()
    assert ask(machine.SUBJECT, "")["terraform"].found == "none"


def test_an_answer_without_a_version(programs: Path, ask: Ask) -> None:
    program(programs, "node", "nightly")
    report = ask(machine.SUBJECT, "")
    assert (report["node"].status, report["node"].found) == ("fail", "nightly")
    assert machine.numbers("v1.2") == (1, 2)


def test_python_and_room(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: float

    class Version(NamedTuple):
        major: int
        minor: int
        micro: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1e9))
    monkeypatch.setattr(sys, "version_info", Version(3, 10, 1))
    report = ask(machine.SUBJECT, "")
    assert report["disk"].status == "fail"
    assert report["disk"].found.startswith("1.0 GB free in")
    assert (report["python"].status, report["python"].found) == ("fail", "3.10.1")


def test_where_providers_come_from(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "registry.terraform.io/hashicorp/aws"
    found: list[Any] = []
    monkeypatch.setattr(mirror, "mirrors", lambda _: found)
    assert "from the registry" in ask(machine.SUBJECT, "")[f"providers:{address}"].found
    folder = tmp_path / "mirror"
    (folder / address / "5.100.0" / mirror.platform_name()).mkdir(parents=True)
    found.append(folder)
    assert f"5.100.0 in {folder}" in ask(machine.SUBJECT, "")[f"providers:{address}"].found


def test_a_mirror_that_is_none(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(tmp_path))
    result = ask(machine.SUBJECT, "")["providers:registry.terraform.io/hashicorp/aws"]
    assert result.status == "fail"
    assert "holds no folder" in result.found


@pytest.mark.parametrize(
    ("hashes", "status"),
    [('"h1:a",', "fail"), ('"h1:a", "h1:b",', "pass"), ('"zh:a", "zh:b",', "pass"), ("", "fail")],
)
def test_checksums_for_more_than_one_platform(
    hashes: str, status: str, project: Project, ask: Ask
) -> None:
    text = f'provider "a/b/c" {{\n  version = "1.0.0"\n  hashes = [{hashes}]\n}}\n'
    project.lock_file.write_text(text)
    assert ask(machine.SUBJECT, "")["lock-file:a/b/c"].status == status


def test_no_lock_file(project: Project, ask: Ask) -> None:
    project.lock_file.unlink()
    assert ask(machine.SUBJECT, "")["lock-file"].status == "fail"

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from glue.deploy import mirror
from glue.errors import InputError

HERE = mirror.platform_name()
LOCK = """
provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = "~> 5.100"
  hashes = [
    "h1:abc=",
  ]
}

provider "registry.terraform.io/hashicorp/random" {
  version = "3.6.0"
}
"""


def unpacked(folder: Path, name: str, version: str, target: str = HERE) -> Path:
    (folder / "registry.terraform.io" / "hashicorp" / name / version / target).mkdir(parents=True)
    return folder


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / ".terraform.lock.hcl"
    path.write_text(LOCK)
    return path


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """A machine without any of the usual folders."""
    empty = str(tmp_path / "empty")
    return {"HOME": empty, "XDG_DATA_HOME": empty, "XDG_DATA_DIRS": empty}


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("Linux", "x86_64", "linux_amd64"),
        ("Darwin", "arm64", "darwin_arm64"),
        ("Linux", "aarch64", "linux_arm64"),
        ("Linux", "riscv64", "linux_riscv64"),
    ],
)
def test_platform_is_named_as_terraform_does(system: str, machine: str, expected: str) -> None:
    assert mirror.platform_name(system, machine) == expected


def test_lock_file_is_read(lock: Path, tmp_path: Path) -> None:
    assert mirror.locked_providers(lock) == [
        ("registry.terraform.io/hashicorp/aws", "5.100.0"),
        ("registry.terraform.io/hashicorp/random", "3.6.0"),
    ]
    assert mirror.locked_providers(tmp_path / "none") == []


def test_named_mirror_is_the_only_one(tmp_path: Path, nowhere: dict[str, str]) -> None:
    named = unpacked(tmp_path / "named", "aws", "5.100.0")
    unpacked(tmp_path / "opt" / "software", "aws", "5.100.0")
    environment = nowhere | {"TF_PLUGIN_MIRROR": str(named)}
    assert mirror.mirrors(environment, tmp_path / "opt") == [named]


def test_named_mirror_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"TF_PLUGIN_MIRROR: .*registry.terraform.io; name the"):
        mirror.mirrors({"TF_PLUGIN_MIRROR": str(tmp_path)})


def test_folders_are_looked_for_in_order(tmp_path: Path) -> None:
    home = tmp_path / "home"
    usual = unpacked(home / ".terraform.d" / "plugins", "aws", "5.100.0")
    data = unpacked(home / ".local" / "share" / "terraform" / "plugins", "aws", "5.100.0")
    installed = unpacked(tmp_path / "opt" / "b", "aws", "5.100.0")
    (tmp_path / "opt" / "a").mkdir()
    environment = {"HOME": str(home), "XDG_DATA_DIRS": str(tmp_path)}
    assert mirror.mirrors(environment, tmp_path / "opt") == [installed, usual, data]
    assert mirror.mirrors(environment, tmp_path / "no such folder") == [usual, data]


def test_folders_of_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    folders = mirror.usual_mirrors({"HOME": "/home/a"})
    assert Path("/home/a/Library/Application Support/io.terraform/plugins") in folders


def test_what_the_mirror_lacks_comes_from_the_registry(
    tmp_path: Path, lock: Path, nowhere: dict[str, str]
) -> None:
    opt = tmp_path / "opt"
    folder = unpacked(opt / "x", "aws", "5.100.0")
    unpacked(opt / "x", "random", "3.5.0")
    text = mirror.cli_config(tmp_path / "build", [lock], nowhere, opt).read_text()
    assert f'path    = "{folder}"' in text
    assert 'include = ["registry.terraform.io/hashicorp/aws"]' in text
    assert 'exclude = ["registry.terraform.io/hashicorp/aws"]' in text
    assert "plugin_cache_dir" in text
    assert (tmp_path / "build" / "terraform" / "providers").is_dir()


def test_a_mirror_for_another_platform_serves_nobody(
    tmp_path: Path, lock: Path, nowhere: dict[str, str]
) -> None:
    unpacked(tmp_path / "opt" / "x", "aws", "5.100.0", "plan9_mips")
    text = mirror.cli_config(tmp_path / "build", [lock], nowhere, tmp_path / "opt").read_text()
    assert "filesystem_mirror" not in text
    assert "direct {}" in text


def test_everything_here_needs_no_cache(
    tmp_path: Path, lock: Path, nowhere: dict[str, str]
) -> None:
    opt = tmp_path / "opt"
    unpacked(opt / "x", "aws", "5.100.0")
    archive = opt / "y" / "registry.terraform.io" / "hashicorp" / "random"
    archive.mkdir(parents=True)
    (archive / f"terraform-provider-random_3.6.0_{HERE}.zip").touch()
    text = mirror.cli_config(tmp_path / "build", [lock], nowhere, opt).read_text()
    assert text.count("filesystem_mirror") == 2
    assert "plugin_cache_dir" not in text


def test_without_a_lock_file_a_mirror_serves_what_it_has(
    tmp_path: Path, nowhere: dict[str, str]
) -> None:
    unpacked(tmp_path / "opt" / "x", "aws", "1.2.3")
    text = mirror.cli_config(tmp_path / "build", [], nowhere, tmp_path / "opt").read_text()
    assert 'include = ["registry.terraform.io/hashicorp/aws"]' in text
    assert "plugin_cache_dir" in text


def test_an_unchanged_file_is_left_alone(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    first = mirror.cli_config(tmp_path / "build", [lock])
    os.utime(first, (1, 1))
    assert mirror.cli_config(tmp_path / "build", [lock]) == first
    assert first.stat().st_mtime == 1


@pytest.mark.terraform
def test_terraform_takes_the_file(tmp_path: Path, nowhere: dict[str, str]) -> None:
    strange = tmp_path / 'a "quoted" ${folder} \\ here'
    unpacked(strange, "aws", "5.100.0")
    path = mirror.cli_config(
        tmp_path / "build", [], nowhere | {"TF_PLUGIN_MIRROR": str(strange)}, tmp_path
    )
    done = subprocess.run(
        ["terraform", "providers", "schema", "-json"],
        cwd=tmp_path,
        env=os.environ | {"TF_CLI_CONFIG_FILE": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "CLI configuration" not in done.stderr

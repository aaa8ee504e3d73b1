"""An account's variables lead to the local cloud and nowhere else; a copy is committed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glue.deploy.checkout import checkout
from glue.rehearsal.accounts import Account
from glue.rehearsal.copied import copy_sources


def test_a_verb_gets_the_usual_variables_and_nothing_that_leads_elsewhere(
    account: Callable[[str, str], Account], tmp_path: Path
) -> None:
    variables = account("staging", "1" * 12).variables(
        {
            "PATH": "/bin",
            "AWS_PROFILE": "mine",
            "AWS_SESSION_TOKEN": "x",
            "AWS_CA_BUNDLE": "/ca.pem",
            "PROVING_GROUND_STATE_BUCKET": "mine",
            "TF_VAR_region": "x",
            "TF_WORKSPACE": "prod",
            "COVERAGE_PROCESS_START": "x",
            "NO_PROXY": "example.org",
        }
    )
    assert variables == {
        "PATH": "/bin",
        "AWS_CA_BUNDLE": "/ca.pem",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "1" * 12,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "example.org,127.0.0.1,::1,localhost",
        "no_proxy": "example.org,127.0.0.1,::1,localhost",
        "PROVING_GROUND_BUILD": str(tmp_path / "build"),
        "PROVING_GROUND_LOCAL_HOME": str(tmp_path / "build" / "local"),
        "PROVING_GROUND_ENVIRONMENTS": str(tmp_path / "environments"),
    }


def test_the_shell_is_asked_when_nothing_is_given(
    account: Callable[[str, str], Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("SOMETHING", "kept")
    variables = account("prod", "2" * 12).variables()
    assert variables["SOMETHING"] == "kept"
    assert "AWS_PROFILE" not in variables


def test_an_account_knows_where_its_state_and_its_plan_lie(
    account: Callable[[str, str], Account], tmp_path: Path
) -> None:
    prod = account("prod", "2" * 12)
    assert prod.state_bucket == f"prod-terraform-state-{'2' * 12}"
    assert prod.state_key == "env:/prod/platform.tfstate"
    assert prod.plan_folder == tmp_path / "build" / "plans" / "prod"
    assert prod.variables_file == tmp_path / "environments" / "prod.tfvars"


def test_a_client_calls_the_endpoint_as_that_account(
    account: Callable[[str, str], Account],
) -> None:
    client = account("prod", "2" * 12).client("ecr", "us-east-1")
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert client.meta.region_name == "us-east-1"


# --- the copy -----------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments], cwd=folder, check=True,
        capture_output=True,
    )  # fmt: skip


def test_a_copy_holds_what_git_would_take_and_is_clean(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    git(source, "init", "--quiet")
    (source / ".gitignore").write_text("build\n")
    (source / "kept.tf").write_text("old")
    (source / "gone.tf").write_text("x")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "-m", "one")
    (source / "kept.tf").write_text("new")
    (source / "gone.tf").unlink()
    (source / "folder").mkdir()
    (source / "folder" / "new.tf").write_text("x")
    (source / "build").mkdir()
    (source / "build" / "made").write_text("x")
    target.mkdir()
    (target / "left over").write_text("x")

    copy_sources(source, target)

    files = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert {one for one in files if not one.startswith(".git/")} == {
        ".gitignore", "kept.tf", "folder/new.tf",
    }  # fmt: skip
    assert (target / "kept.tf").read_text() == "new"
    made = checkout(target)
    assert made.commit
    assert made.is_dirty is False
    assert made.commit != checkout(source).commit


@pytest.mark.parametrize("has_git", [True, False])
def test_outside_git_everything_is_copied_that_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_git: bool
) -> None:
    if not has_git:
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    source = tmp_path / "source"
    for name in ("glue/a.py", "build/b", ".venv/c"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    copy_sources(source, tmp_path / "target")
    found = [p.name for p in (tmp_path / "target").rglob("*") if p.is_file()]
    assert found == ["a.py"]

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from glue.deploy import process
from glue.deploy.process import Result, TerraformError, clean_environment, explain, plain
from glue.deploy.project import Project
from glue.deploy.terraform import Terraform

pytestmark = pytest.mark.terraform


@pytest.fixture
def variables(tmp_path: Path) -> Path:
    path = tmp_path / "variables.tfvars.json"
    path.write_text(json.dumps({"environment": "a", "account_id": "1", "packages": {}}))
    return path


@pytest.fixture
def backend(tmp_path: Path) -> Path:
    path = tmp_path / "backend.hcl"
    path.write_text(f'path = "{tmp_path}/t.tfstate"\nworkspace_dir = "{tmp_path}/states"\n')
    return path


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A folder with a terraform that does what TF_LOG_SCRIPT says, in shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "terraform"
    program.write_text('#!/bin/sh\necho "$@" >> "$TF_LOG_CALLS"\neval "$TF_LOG_SCRIPT"\n')
    program.chmod(0o755)
    return folder


def make(project: Project, fake: Path, script: str) -> Terraform:
    environment = {
        "PATH": f"{fake}:{os.environ['PATH']}",
        "TF_LOG_SCRIPT": script,
        "TF_LOG_CALLS": str(fake / "calls"),
    }
    return Terraform(project.root, "local", project.build, environment)


def test_from_nothing_to_nothing(project: Project, variables: Path, backend: Path) -> None:
    lines: list[str] = []
    environment = dict(os.environ) | {"TF_VAR_fails": "true", "TF_CLI_ARGS_plan": "-destroy"}
    terraform = Terraform(project.root, "local", project.build, environment, lines.append)
    assert terraform.init(backend)
    assert not terraform.init(backend), "a second init has nothing to do"
    plan = project.build / "plans" / "p.tfplan"
    assert terraform.plan(plan, [variables])
    changes = terraform.show(plan)["resource_changes"]
    assert [change["address"] for change in changes] == ["terraform_data.thing"]
    terraform.apply(plan)
    assert terraform.output() == {"environment": "a"}
    assert any(line.startswith("terraform_data.thing: Creation complete") for line in lines)
    assert not terraform.plan(plan, [variables])
    with pytest.raises(TerraformError, match="plan again, then apply"):
        _apply_stale(terraform, plan, variables)
    terraform.init(backend)
    terraform.destroy([variables])
    assert terraform.show().get("values", {}).get("root_module", {}).get("resources", []) == []
    assert "Destroy complete" in (terraform.folder / "logs" / "destroy.log").read_text()
    assert not list(project.root.glob("*.tfstate*")), "nothing is left beside the configuration"


def test_the_state_is_read_and_put_back_without_touching_a_disk(
    project: Project, variables: Path, backend: Path
) -> None:
    lines: list[str] = []
    terraform = Terraform(project.root, "local", project.build, None, lines.append)
    terraform.init(backend)
    assert terraform.selected_workspace() == "local"
    assert terraform.pull_state() == {}
    plan = project.build / "plans" / "p.tfplan"
    assert terraform.plan(plan, [variables])
    terraform.apply(plan)
    state = terraform.pull_state()
    assert state["resources"][0]["name"] == "thing"
    terraform.push_state(state | {"serial": state["serial"] + 5})
    assert terraform.pull_state()["serial"] == state["serial"] + 5
    with pytest.raises(TerraformError, match="serial"):
        terraform.push_state(state)
    with pytest.raises(TerraformError, match="lineage"):
        terraform.push_state(state | {"lineage": "another", "serial": 99})
    assert not [path for path in terraform.folder.rglob("*state*.log") if path.read_text()]
    assert not any(state["lineage"] in line for line in lines)
    terraform.init(backend)
    assert not terraform.plan(plan, [variables], refresh_only=True)
    assert terraform.plan(plan, [variables], destroy=True)
    [change] = terraform.show(plan)["resource_changes"]
    assert change["change"]["actions"] == ["delete"]


def test_what_exists_is_taken_into_the_state(
    project: Project, variables: Path, backend: Path
) -> None:
    terraform = Terraform(project.root, "local", project.build)
    terraform.init(backend)
    terraform.import_resource("terraform_data.thing", "it's here", [variables])
    [resource] = terraform.pull_state()["resources"]
    assert resource["instances"][0]["attributes"]["id"] == "it's here"
    with pytest.raises(TerraformError, match="already managed"):
        terraform.import_resource("terraform_data.thing", "again", [variables])


def test_a_lock_is_taken_away_by_its_id(project: Project, fake: Path) -> None:
    make(project, fake, "true").force_unlock("6f1e")
    assert (fake / "calls").read_text() == "force-unlock -no-color -force 6f1e\n"


def test_a_terraform_that_is_killed_says_so(project: Project, fake: Path) -> None:
    with pytest.raises(TerraformError, match=r"it was killed \(SIGKILL\); plan again") as caught:
        make(project, fake, "kill -9 $$").apply(project.build / "p")
    assert caught.value.exit_code == -9


def test_a_command_that_does_not_read_its_input(project: Project, fake: Path) -> None:
    terraform = make(project, fake, "exec 0<&-; echo no >&2; exit 1")
    with pytest.raises(TerraformError, match="no") as caught:
        terraform.push_state({"text": "x" * 1_000_000})
    assert caught.value.exit_code == 1


def _apply_stale(terraform: Terraform, plan: Path, variables: Path) -> None:
    old = plan.with_name("old.tfplan")
    terraform.plan(old, [variables])
    variables.write_text(variables.read_text().replace('"a"', '"b"'))
    terraform.plan(plan, [variables])
    terraform.apply(plan)
    variables.write_text(variables.read_text().replace('"b"', '"c"'))
    terraform.apply(old)


def test_init_runs_again_when_something_changed(project: Project, backend: Path) -> None:
    terraform = Terraform(project.root, "local", project.build)
    assert terraform.init(backend)
    (project.root / "main.tf").write_text(
        (project.root / "main.tf").read_text()
        + 'module "queue" {\n  source = "../../modules/queue"\n}\n'
    )
    assert terraform.init(backend)
    backend.write_text(backend.read_text() + "\n")
    assert terraform.init(backend)
    (terraform.data / "environment").write_text("other")
    assert terraform.init(backend)
    gone = terraform.data / "providers" / "a" / "b" / "c" / "1" / "linux"
    gone.parent.mkdir(parents=True)
    gone.symlink_to(project.build / "vanished")
    assert terraform.init(backend)


def test_each_workspace_has_a_data_folder(project: Project, backend: Path) -> None:
    for workspace in ("local", "staging"):
        terraform = Terraform(project.root, workspace, project.build)
        terraform.init(backend)
        assert (terraform.data / "environment").read_text() == workspace


def test_a_failed_plan_says_why_and_init_is_run_again(
    project: Project, variables: Path, backend: Path
) -> None:
    terraform = Terraform(project.root, "local", project.build)
    terraform.init(backend)
    values = json.loads(variables.read_text()) | {"fails": True}
    variables.write_text(json.dumps(values))
    with pytest.raises(TerraformError) as caught:
        terraform.plan(project.build / "p", [variables])
    assert "It was told to fail." in caught.value.message
    assert "╷" not in caught.value.message
    assert caught.value.field == "terraform plan"
    assert "plan.log" in caught.value.remedy
    assert terraform.init(backend)


def test_missing_terraform_is_one_sentence(project: Project) -> None:
    with pytest.raises(TerraformError, match=r"not installed.*install Terraform 1.11 or newer"):
        Terraform(project.root, "local", project.build, {"PATH": str(project.repository)})


def test_terraform_that_goes_away_is_the_same_sentence(project: Project, fake: Path) -> None:
    terraform = make(project, fake, "true")
    (fake / "terraform").unlink()
    with pytest.raises(TerraformError, match="not installed"):
        terraform.output()


def test_old_terraform_is_refused(project: Project, fake: Path) -> None:
    terraform = make(project, fake, """echo '{"terraform_version": "1.10.5-dev"}'""")
    with pytest.raises(TerraformError, match=r"1\.10\.5-dev is too old; install Terraform 1\.11"):
        terraform.init()


def test_locked_providers_stay_locked_and_no_variable_file_is_made(
    project: Project, fake: Path, variables: Path
) -> None:
    project.lock_file.write_text("")
    terraform = make(project, fake, """echo '{"terraform_version": "1.12.0"}'""")
    terraform.init()
    terraform.plan(project.build / "p", [variables])
    terraform.destroy([variables])
    calls = (fake / "calls").read_text()
    assert "-lockfile=readonly" in calls
    assert "workspace select -no-color -or-create local" in calls
    assert calls.count("-var-file=") == calls.count(f"-var-file={variables}") == 2
    assert "-force" not in calls
    assert "-auto-approve=true" in calls


def test_exit_code_two_of_plan_means_changes(project: Project, fake: Path) -> None:
    terraform = make(project, fake, "exit 2")
    assert terraform.plan(project.build / "p")
    with pytest.raises(TerraformError, match="ended with 2"):
        terraform.apply(project.build / "p")


def test_data_never_gets_into_a_log(project: Project, fake: Path) -> None:
    terraform = make(project, fake, """echo '{"a": {"value": "secret"}}'""")
    assert terraform.output() == {"a": "secret"}
    assert not any("secret" in p.read_text() for p in terraform.folder.rglob("*.log"))


def test_interrupt_waits_for_terraform(
    project: Project, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def wait(self, timeout: float | None = None) -> int:
            waits.append(1)
            if len(waits) == 1:
                raise KeyboardInterrupt
            return super().wait(timeout)

    terraform = make(project, fake, "echo written; exit 0")
    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        terraform.apply(project.build / "p")
    assert len(waits) >= 2
    assert (terraform.folder / "logs" / "apply.log").read_text() == "written\n"


def test_the_state_file_is_never_read(project: Project, fake: Path) -> None:
    (project.root / "terraform.tfstate").write_text("not JSON")
    make(project, fake, "exit 0").apply(project.build / "p")


def test_steering_variables_are_left_out() -> None:
    given = {"TF_VAR_x": "1", "TF_CLI_ARGS_apply": "2", "TF_WORKSPACE": "3", "TF_LOG": "4", "A": ""}
    assert clean_environment(given) == {"TF_LOG": "4", "A": ""}


def test_plain_takes_frames_and_colours_away() -> None:
    assert plain("\x1b[31m╷\x1b[0m\n│ Error: no\n│ \n╵\n") == "Error: no"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Error: Error acquiring the state lock", "glue deploy lock"),
        ("Error: Saved plan is stale", "plan again"),
        ("Error: dial tcp 127.0.0.1:4566: connect: connection refused", "glue local up"),
        ("Error: No valid credential sources found", "log in to AWS"),
        ("Error: the dependency lock file does not match", "providers lock"),
        ("Error: Failed to query available provider packages", "TF_PLUGIN_MIRROR"),
        ("Error: Backend initialization required", "starts afresh"),
        ("Error: AccessDenied: no", "a role that may"),
        ("Error: could not connect to registry.terraform.io", "TF_PLUGIN_MIRROR"),
        ('Error: Invalid value for variable "x"', "tfvars"),
        ("Error: Invalid value for variable\nregistry: write AccessDenied", "tfvars"),
        ("Error: No value for required variable", "tfvars"),
        ("Error: BucketAlreadyOwnedByYou: no", "terraform import"),
        ("Error: no\nwith module.registry.aws_ecr_repository.x", "see all of it in apply.log"),
        ("Error: no\nwith aws_ssoadmin_x.SSO", "see all of it in apply.log"),
        ("Error: something new", "see all of it in apply.log"),
        ("Warning: state lock\nError: AccessDenied", "a role that may"),
    ],
)
def test_each_error_has_a_remedy(text: str, remedy: str) -> None:
    assert remedy in explain("apply", Result(1, "", text), Path("apply.log")).remedy


def test_a_root_that_is_gone_is_not_a_missing_terraform(project: Project, fake: Path) -> None:
    terraform = make(project, fake, "exit 0")
    shutil.rmtree(project.root)
    with pytest.raises(TerraformError) as caught:
        terraform.output()
    assert caught.value.message == f"there is no folder {project.root}"


def test_long_errors_are_cut() -> None:
    lines = "\n".join(f"line {number}" for number in range(100))
    error = explain("plan", Result(1, f"Error: {lines}", ""), Path("log"))
    assert error.message.splitlines()[-1] == "…"
    assert len(error.message.splitlines()) == process.ERROR_LINES


def test_runner_takes_any_bytes(project: Project, fake: Path) -> None:
    lines: list[str] = []
    terraform: Any = make(project, fake, r"printf '\377 x\n'")
    terraform._runner.on_line = lines.append
    terraform.apply(project.build / "p")
    assert lines == ["\N{REPLACEMENT CHARACTER} x"]

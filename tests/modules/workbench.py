"""A place to run Terraform in: copies of the modules and the root, prepared as little as needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glue.deploy.mirror import cli_config

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent.name for path in (REPOSITORY / "modules").glob("*/main.tf"))
LOCK_FILE = REPOSITORY / "terraform" / "platform" / ".terraform.lock.hcl"

EXAMPLE = re.compile(r"^```hcl\n(.*?)^```", re.MULTILINE | re.DOTALL)

# What a provider would know, for plans without one.
MOCKED_PROVIDER = """
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}
"""


def examples(module: str) -> list[str]:
    """Return the examples in a module's README."""
    readme = REPOSITORY / "modules" / module / "README.md"
    return EXAMPLE.findall(readme.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Workbench:
    """A folder with copies of `modules` and `terraform`, and how terraform is run in it."""

    folder: Path
    prepared: set[Path] = field(default_factory=set)

    @classmethod
    def at(cls, folder: Path) -> Workbench:
        """Copy the repository's Terraform to a folder."""
        ignored = shutil.ignore_patterns(".terraform*", "tests")
        shutil.copytree(REPOSITORY / "terraform", folder / "terraform", ignore=ignored)
        shutil.copytree(
            REPOSITORY / "modules", folder / "modules", ignore=shutil.ignore_patterns(".terraform*")
        )
        return cls(folder)

    def run(self, folder: Path, *arguments: str, workspace: str = "default") -> str:
        """Run terraform in a folder and return what it prints; a failure shows both outputs."""
        result = self._call(folder, arguments, workspace)
        assert result.returncode == 0, f"{' '.join(arguments)}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def run_own_tests(self, workers: ThreadPoolExecutor) -> dict[str, Future[str]]:
        """Begin the tests of every module; each result is what terraform prints."""

        def test(module: str) -> str:
            folder = self.folder / "modules" / module
            self.prepare(folder)
            return self.run(folder, "test", "-no-color")

        return {module: workers.submit(test, module) for module in MODULES}

    def run_json(self, folder: Path, *arguments: str) -> Any:
        """Run terraform in a folder and return the JSON it prints, whatever its exit code."""
        return json.loads(self._call(folder, arguments, "default").stdout)

    def prepare(self, folder: Path) -> None:
        """Initialise a folder, unless it was, with the locked provider and without a backend."""
        if folder in self.prepared:
            return
        shutil.copy(LOCK_FILE, folder / LOCK_FILE.name)
        self.run(folder, "init", "-backend=false", "-input=false", "-lockfile=readonly")
        self.prepared.add(folder)

    def make_examples(self) -> Path:
        """Write a root with the examples of all READMEs, one file for each, and prepare it."""
        root = self.folder / "examples" / "all"
        root.mkdir(parents=True)
        # As a root stands in a repository: two folders below it, beside `modules`.
        for module in MODULES:
            (root / f"{module}.tf").write_text("\n".join(examples(module)), encoding="utf-8")
        versions = self.folder / "modules" / MODULES[0] / "versions.tf"
        shutil.copy(versions, root / "versions.tf")
        run = 'run "examples" {\n  command = plan\n}\n'
        (root / "examples.tftest.hcl").write_text(MOCKED_PROVIDER + run, encoding="utf-8")
        self.prepare(root)
        return root

    def _call(
        self, folder: Path, arguments: tuple[str, ...], workspace: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "TF_")) or name == "TF_PLUGIN_MIRROR"
        }
        environment = kept | {
            "TF_CLI_CONFIG_FILE": str(cli_config(self.folder / "build", [LOCK_FILE])),
            "TF_DATA_DIR": str(self._data_folder(folder)),
            "TF_IN_AUTOMATION": "1",
            "TF_WORKSPACE": workspace,
            # The provider's schema is large and short-lived: collecting it often costs a sixth.
            "GOGC": "400",
        }
        return subprocess.run(
            ["terraform", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def _data_folder(self, folder: Path) -> Path:
        """Return where terraform keeps what it prepared: a folder outside the one it runs in."""
        return self.folder / "data" / folder.relative_to(self.folder).as_posix().replace("/", "-")

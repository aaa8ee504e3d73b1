"""`make lock`: resolve the requirements files anew, with hashes and without an index address."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"


def resolve(output: str, *arguments: str) -> None:
    """Write one requirements file; platform markers make it valid on every machine."""
    subprocess.run(
        [
            Path(sys.executable).parent / "uv", "pip", "compile", "--quiet", "--universal",
            "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-annotate",
            "--no-header", "--output-file", REQUIREMENTS / output, *arguments,
        ],
        cwd=ROOT,
        check=True,
    )  # fmt: skip


def main() -> None:
    """Resolve development first: what a function carries must be what the tests ran with."""
    resolve("dev.txt", "pyproject.toml", "--extra", "operators", "--group", "dev")
    resolve("lambda.txt", "pyproject.toml", "--constraint", "requirements/dev.txt")
    resolve("checkov.txt", "requirements/checkov.in")
    locked = (REQUIREMENTS / "dev.txt").read_text()
    installer = re.search(r"^uv==.*?(?=^\S)", locked, re.MULTILINE | re.DOTALL)
    if installer is None:
        sys.exit("requirements/dev.txt names no uv: add it to the dev group in pyproject.toml")
    note = "# The installer itself, so that everything else installs in seconds (from dev.txt).\n"
    (REQUIREMENTS / "uv.txt").write_text(note + installer.group(0))


if __name__ == "__main__":
    main()

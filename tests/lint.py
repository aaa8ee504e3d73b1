"""`make lint`: every linter, each named, all of them run even when one finds something."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# checkov pins an old boto3, so it lives in a virtual environment of its own.
CHECKOV_HOME = ROOT / "build" / "tools" / "checkov"


def checkov() -> Path:
    """Path of the checkov program, installed with hashes on first use."""
    requirements = ROOT / "requirements" / "checkov.txt"
    program, stamp = CHECKOV_HOME / "bin" / "checkov", CHECKOV_HOME / "requirements.txt"
    if not stamp.is_file() or stamp.read_bytes() != requirements.read_bytes():
        uv = str(BIN / "uv")
        subprocess.run(
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, CHECKOV_HOME], check=True
        )
        subprocess.run(
            [uv, "pip", "sync", "--quiet", "--python", CHECKOV_HOME / "bin" / "python",
             "--require-hashes", requirements],
            check=True,
        )  # fmt: skip
        stamp.write_bytes(requirements.read_bytes())
    return program


def linters() -> dict[str, list[str | Path]]:
    """The commands by name, in the order in which they run: quick ones first."""
    return {
        "ruff format": [BIN / "ruff", "format", "--check", "."],
        "ruff check": [BIN / "ruff", "check", "."],
        "import contracts": [BIN / "lint-imports"],
        "terraform fmt": ["terraform", "fmt", "-check", "-recursive", "-diff"],
        "mypy --strict": [BIN / "mypy"],
        "checkov": [
            checkov(), "--skip-download", "--framework", "terraform", "--quiet", "--compact",
            "--directory", "modules", "--directory", "terraform",
        ],
    }  # fmt: skip


def main() -> int:
    """Run the linters; 0 when none found anything, else 1."""
    # The variable may name a file that is not there, and Terraform then complains on every call.
    environment = {
        name: value for name, value in os.environ.items() if name != "TF_CLI_CONFIG_FILE"
    }
    failed = []
    for name, command in linters().items():
        began = time.monotonic()
        result = subprocess.run(
            command, cwd=ROOT, env=environment, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        verdict = "ok" if result.returncode == 0 else "FOUND SOMETHING"
        print(f"{name:18} {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
        if result.returncode != 0:
            print(result.stdout, flush=True)
            failed.append(name)
    if failed:
        print(f"lint: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

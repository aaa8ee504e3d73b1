"""A function with layers sees its own packages, and not those of this machine.

On AWS a function sees the Python of its runtime, its code and its layers. MiniStack 1.5.33
runs it with the Python that MiniStack itself runs on, all of whose packages it can import:
a package missing from the layer, or a file missing from the zip, goes unnoticed until the
function runs on AWS.

Here a Python function that has layers starts with the standard library only, then its code
and layers are added. One without layers keeps what it had: AWS gives it boto3, too.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_detect_runtime_binary": "222e200df2c0"}

# Runs in the worker before anything else; the names must not meet those of the worker.
PROLOGUE = """\
import os as _os, sys as _sys
if _os.environ.get("_LAMBDA_LAYERS_DIRS"):
    _sys.path[:] = [
        _entry for _entry in _sys.path
        if _entry.startswith(_sys.base_prefix) and "site-packages" not in _entry
    ]
"""


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend what a function can import. Raises MendError if it is another emulator."""
    from ministack.core import lambda_runtime

    expect(lambda_runtime, EXPECTED)
    detect = lambda_runtime._detect_runtime_binary

    def detect_and_isolate(runtime: str) -> Any:
        binary, script = detect(runtime)
        if binary and runtime.startswith("python"):
            script = PROLOGUE + script
        return binary, script

    lambda_runtime._detect_runtime_binary = detect_and_isolate

"""A function built for another platform does not run here, and says so.

The packages of staging and prod are built for AWS: for its Python and its processors. MiniStack
1.5.33 runs whatever it is given, so that in a rehearsal every message ends as an import error,
every queue's messages as dead letters, and the alarms go off.

Here a function whose layers hold libraries compiled for another Python, processor or system is
left alone: its queues keep their messages, as with a mapping that has not begun yet, and a direct
call is answered with an error that says why.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import functools
import importlib.machinery
import io
import zipfile
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect
from glue.local.mends.scope import in_scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPECTED = {
    "_iter_all_esms": "7db06c0627a5",
    "_execute_function_dispatch": "f62cd259213e",
    "_get_func_record_for_qualifier": "a86e90478088",
    "_resolve_layer_zip": "447d3c3ec42c",
}
# How a library is named that was compiled for one Python: `x.cpython-312-x86_64-linux-gnu.so`.
COMPILED = ".cpython-"
OWN_SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
END_BYTES = 256  # enough of an archive's end to tell it from another of the same size


class Layers:
    """Knows of each layer's content whether it was compiled for another platform."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], str | None] = {}

    def foreign(self, content: bytes) -> str | None:
        """Return a compiled file of a layer that cannot be loaded here, or None."""
        key = (len(content), content[-END_BYTES:])
        if key not in self._known:
            self._known[key] = foreign_file(content)
        return self._known[key]


def foreign_file(content: bytes) -> str | None:
    """Return the first file of an archive that was compiled for another Python or machine."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in sorted(archive.namelist()):
            if COMPILED in name and name.endswith(".so") and not name.endswith(OWN_SUFFIX):
                return name
    return None


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend which functions run. Raises MendError if it is another emulator."""
    from ministack.services import lambda_svc

    expect(lambda_svc, EXPECTED)
    layers = Layers()

    def foreign(config: dict[str, Any]) -> str | None:
        for layer in config.get("Layers") or ():
            content = lambda_svc._resolve_layer_zip(layer)
            if content and (found := layers.foreign(content)):
                return found
        return None

    lambda_svc._iter_all_esms = _of_those_that_run(lambda_svc, foreign)
    lambda_svc._execute_function_dispatch = _refusing(lambda_svc, foreign)


def _of_those_that_run(lambda_svc: Any, foreign: Any) -> Any:
    original = lambda_svc._iter_all_esms

    @functools.wraps(original)
    def iterate() -> Iterator[tuple[str, str, dict[str, Any]]]:
        for account, region, mapping in original():
            with in_scope(account, region):
                _, config = lambda_svc._get_func_record_for_qualifier(
                    mapping["FunctionName"], mapping.get("Qualifier")
                )
                runs = config is None or foreign(config) is None
            if runs:
                yield account, region, mapping

    return iterate


def _refusing(lambda_svc: Any, foreign: Any) -> Any:
    original = lambda_svc._execute_function_dispatch

    @functools.wraps(original)
    def dispatch(function: Any, config: dict[str, Any], *arguments: Any) -> Any:
        if file := foreign(config):
            message = f"not run by the local cloud: {file} was compiled for another platform"
            return {
                "body": {"errorMessage": message, "errorType": "Runtime.ImportModuleError"},
                "error": True,
                "log": message,
            }
        return original(function, config, *arguments)

    return dispatch

"""Making sure that what a mend replaces is what it was written for."""

from __future__ import annotations

import hashlib
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


class MendError(RuntimeError):
    """The emulator is not the one a mend was written for."""


def fingerprint(function: Callable[..., Any]) -> str:
    """Return a short digest of a function's source text."""
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


def expect(module: ModuleType | type, functions: dict[str, str]) -> None:
    """Check the fingerprints of a module's (or a class's) functions, given by name.

    Raises MendError naming every function that is missing or has changed.
    """
    wrong = []
    for name, expected in functions.items():
        function = getattr(module, name, None)
        if function is None:
            wrong.append(f"{name} is missing")
        elif (found := fingerprint(function)) != expected:
            wrong.append(f"{name} is {found}, expected {expected}")
    if wrong:
        raise MendError(f"{module.__name__}: {'; '.join(wrong)}")

"""Policies that demand TLS, on a machine where everything is plain HTTP on the loopback.

On AWS `aws:SecureTransport` is false for plain HTTP, and every policy of ours then denies. The
local cloud has no certificate and leaves the machine with nothing, so its requests count as
secure; MiniStack 1.5.33 says that they are not. That a policy really demands TLS is therefore
not shown by the local cloud, but by the tests of the modules that write it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_resolve_condition_key": "15e26964cd38"}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the condition key. Raises MendError if it is another emulator."""
    from ministack.core import iam_evaluator

    expect(iam_evaluator, EXPECTED)
    original = iam_evaluator._resolve_condition_key  # noqa: SLF001 - the place to mend

    def resolve(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else original(key, context)

    iam_evaluator._resolve_condition_key = resolve  # noqa: SLF001 - the place to mend

"""The global condition keys that policies of ours stand on.

`aws:SecureTransport`: on AWS it is false for plain HTTP, and every policy of ours then denies.
The local cloud has no certificate and nothing of it leaves the machine, so its requests count
as secure; MiniStack 1.5.33 says that they are not. That a policy really demands TLS is
therefore not shown by the local cloud, but by the tests of the modules that write it.

`aws:PrincipalArn`: on AWS it is the ARN of the role that a session was assumed from, without
which no policy could name a role; MiniStack 1.5.33 gives the ARN of the session.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_resolve_condition_key": "15e26964cd38"}
SESSION = re.compile(r"arn:aws:sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")


def role_of(principal: str) -> str:
    """Return the role's ARN of an assumed role's session; any other principal as it is."""
    if session := SESSION.fullmatch(principal):
        return f"arn:aws:iam::{session['account']}:role/{session['role']}"
    return principal


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the condition keys. Raises MendError if it is another emulator."""
    from ministack.core import iam_evaluator

    expect(iam_evaluator, EXPECTED)
    original = iam_evaluator._resolve_condition_key  # noqa: SLF001 - the place to mend

    def resolve(key: str, context: Any) -> Any:
        if key.lower() == "aws:securetransport":
            return "true"
        found = original(key, context)
        if key.lower() == "aws:principalarn" and isinstance(found, str):
            return role_of(found)
        return found

    iam_evaluator._resolve_condition_key = resolve  # noqa: SLF001 - the place to mend

"""A user has no SSH keys, no certificates and no credentials of single services.

MiniStack 1.5.33 does not know the question, which Terraform asks AWS of a user that it deletes
with everything that lets somebody in. Nor can any be made here, so the answer is always: none.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_list_groups_for_user": "aacd44e697cb", "handle_request": "97093e1a35f9"}

# The action, and the list in its answer.
LISTS = {
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    "ListSigningCertificates": "Certificates",
}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Add the actions. Raises MendError if it is another emulator."""
    from ministack.services import iam

    expect(iam, EXPECTED)
    for action, members in LISTS.items():
        iam._IAM_HANDLERS[action] = functools.partial(_none, iam, action, members)


def _none(iam: Any, action: str, members: str, parameters: dict[str, Any]) -> Any:
    name = iam._p(parameters, "UserName")
    if name and name not in iam._users:
        message = f"The user with name {name} cannot be found."
        return iam._error(404, "NoSuchEntity", message, ns="iam")
    result = f"<{members}/><IsTruncated>false</IsTruncated>"
    answer = f"<{action}Result>{result}</{action}Result>"
    return iam._xml(200, f"{action}Response", answer, ns="iam")

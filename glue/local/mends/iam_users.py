"""A user that has keys can be deleted by Terraform.

AWS deletes no user who has keys, so Terraform removes them first (`force_destroy`), and asks for
lists that MiniStack 1.5.33 does not know. Nothing of these kinds can be made here, so the lists
are empty.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXPECTED = {"_list_access_keys": "7076b37692fa"}
LISTS = {
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    "ListSigningCertificates": "Certificates",
}
OK, NOT_FOUND = 200, 404


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend users. Raises MendError if it is another emulator."""
    from ministack.services import iam

    expect(iam, EXPECTED)
    for action, field in LISTS.items():
        iam._IAM_HANDLERS.setdefault(action, _empty(iam, action, field))


def _empty(iam: Any, action: str, field: str) -> Callable[[Any], Any]:
    def answer(parameters: Any) -> Any:
        name = iam._p(parameters, "UserName")
        if name not in iam._users:
            words = f"The user with name {name} cannot be found."
            return iam._error(NOT_FOUND, "NoSuchEntity", words, ns="iam")
        content = f"<{field}/><IsTruncated>false</IsTruncated>"
        return iam._xml(
            OK, f"{action}Response", f"<{action}Result>{content}</{action}Result>", ns="iam"
        )

    return answer

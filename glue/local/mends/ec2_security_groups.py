"""Security groups refuse what AWS refuses, and rules for all protocols have no ports.

MiniStack 1.5.33 compares the ports of such rules, so that the rule with which every group
begins stays when Terraform takes it away with the ports 0, and hides the one that is written
afterwards. It takes any text as a description, where AWS allows few characters.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "_authorize_sg_egress": "35b543334920",
    "_authorize_sg_ingress": "c00a0bb1d1ec",
    "_create_security_group": "4d57f1ff8e78",
    "_rules_match": "df4e365e7322",
    "_strip_descriptions": "b940bf97ce90",
}

BAD_REQUEST = 400
ALL_PROTOCOLS = "-1"
ALLOWED = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
DESCRIPTION = re.compile(r"(Group|IpPermissions\..*\.)?Description")


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend security groups. Raises MendError if it is another emulator."""
    from ministack.services import ec2

    expect(ec2, EXPECTED)
    ec2._strip_descriptions = _without_ports(ec2._strip_descriptions)
    for action, function in (
        ("CreateSecurityGroup", ec2._create_security_group),
        ("AuthorizeSecurityGroupEgress", ec2._authorize_sg_egress),
        ("AuthorizeSecurityGroupIngress", ec2._authorize_sg_ingress),
    ):
        ec2._ACTION_MAP[action] = _checking(ec2, function)


def _without_ports(original: Any) -> Any:
    def strip(rule: dict[str, Any]) -> dict[str, Any]:
        bare: dict[str, Any] = original(rule)
        if bare.get("IpProtocol") == ALL_PROTOCOLS:
            bare.pop("FromPort", None)
            bare.pop("ToPort", None)
        return bare

    return strip


def _checking(ec2: Any, original: Any) -> Any:
    def check(parameters: dict[str, Any]) -> Any:
        for name in parameters:
            if DESCRIPTION.fullmatch(name) and not ALLOWED.fullmatch(ec2._p(parameters, name)):
                message = (
                    "Invalid rule description. Valid descriptions are strings less than 256 "
                    "characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&amp;;{}!$*"
                )
                return ec2._error("InvalidParameterValue", message, BAD_REQUEST)
        return original(parameters)

    return check

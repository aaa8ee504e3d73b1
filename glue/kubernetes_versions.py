"""Until when AWS supports which Kubernetes version on EKS; the one place where it stands.

Taken from https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html, as of
READ_ON. After the end of standard support AWS upgrades a cluster by itself, or lets it stay
for six times the price of the control plane. A version newer than these is added here when
AWS offers it, together with the add-on versions in the environments' tfvars and the image of
the cluster autoscaler in kubernetes/, whose minor version is the cluster's.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

READ_ON = date(2026, 11, 20)


class Support(NamedTuple):
    """The last days on which a version has standard and extended support (UTC)."""

    standard_until: date
    extended_until: date


SUPPORT: dict[str, Support] = {
    "1.31": Support(date(2025, 11, 26), date(2026, 11, 26)),
    "1.32": Support(date(2026, 3, 23), date(2027, 3, 23)),
    "1.33": Support(date(2026, 7, 29), date(2027, 7, 29)),
    "1.34": Support(date(2026, 12, 2), date(2027, 12, 2)),
    "1.35": Support(date(2027, 3, 27), date(2028, 3, 27)),
    "1.36": Support(date(2027, 8, 2), date(2028, 8, 2)),
}


def supported(day: date) -> list[str]:
    """Return the versions in standard support on a day, the oldest first."""
    return [version for version, support in SUPPORT.items() if day <= support.standard_until]


def days_of_standard_support(version: str, day: date) -> int | None:
    """Return how many days of standard support a version has left on a day.

    Negative when it is over, None when nothing is known of the version.
    """
    support = SUPPORT.get(version)
    return None if support is None else (support.standard_until - day).days

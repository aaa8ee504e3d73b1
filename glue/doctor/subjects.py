"""Everything the doctor asks, in the order in which it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.doctor import (
    account,
    addresses,
    capacity,
    configuration,
    machine,
    names,
    state,
    support,
)

if TYPE_CHECKING:
    from glue.checks.run import Subject
    from glue.doctor.context import Context

# What can be asked without an environment, and what needs one.
EVERYWHERE: tuple[Subject[Context], ...] = (
    machine.SUBJECT,
    configuration.SUBJECT,
    addresses.SUBJECT,
    support.SUBJECT,
)
OF_AN_ENVIRONMENT: tuple[Subject[Context], ...] = (
    account.SUBJECT,
    state.SUBJECT,
    names.SUBJECT,
    capacity.SUBJECT,
)


def subjects(*, has_environment: bool) -> tuple[Subject[Context], ...]:
    """Return the subjects to ask."""
    return (*EVERYWHERE, *OF_AN_ENVIRONMENT) if has_environment else EVERYWHERE

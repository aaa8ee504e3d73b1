"""All subjects, in the order in which a report lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.checks.subjects import (
    alarms,
    api,
    batch,
    encryption,
    evalai,
    functions,
    identity,
    leaderboards,
    logs,
    names,
    network,
    nodes,
    outputs,
    public_access,
    queues,
    registry,
    secrets,
    settings,
    state,
    storage,
    tables,
    transport,
    versions,
)

if TYPE_CHECKING:
    from glue.checks.context import Context
    from glue.checks.run import Subject

SUBJECTS: tuple[Subject[Context], ...] = (
    outputs.SUBJECT,
    public_access.SUBJECT,
    transport.SUBJECT,
    encryption.SUBJECT,
    storage.SUBJECT,
    state.SUBJECT,
    queues.SUBJECT,
    functions.SUBJECT,
    settings.SUBJECT,
    alarms.SUBJECT,
    logs.SUBJECT,
    api.SUBJECT,
    identity.SUBJECT,
    secrets.SUBJECT,
    tables.SUBJECT,
    network.SUBJECT,
    names.SUBJECT,
    registry.SUBJECT,
    batch.SUBJECT,
    leaderboards.SUBJECT,
    evalai.SUBJECT,
    nodes.SUBJECT,
    versions.SUBJECT,
)

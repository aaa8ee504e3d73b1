"""Every SQL statement of the catalogue: each is valid PostgreSQL and valid Redshift.

Hence no upsert, no `returning`, no arrays and no JSON; a change is delete and insert within one
transaction. Values are bound, with a cast wherever Redshift's Data API, which hands over texts
only, would not know the type. A page size stands in the text, since Redshift takes no parameter
there; it is made from an int.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.recordings.catalogue.engine import Statement, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from glue.recordings.catalogue.conditions import Way
    from glue.recordings.query import Query
    from glue.recordings.records import Attribute, Kind, Recording, StoredObject

ROWS_PER_INSERT = 40

_RECORDING_COLUMNS = "r.recording, r.state, r.reason, r.device, r.recorded_at"


def _listed(name: str, values: Sequence[str]) -> tuple[str, dict[str, Value]]:
    parameters: dict[str, Value] = {f"{name}{i}": value for i, value in enumerate(values)}
    return ", ".join(f":{key}" for key in parameters), parameters


def _moment(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def read_recordings(recordings: Sequence[str]) -> Statement:
    """Return the rows of these recordings."""
    listed, parameters = _listed("recording", recordings)
    return Statement(
        f"select {_RECORDING_COLUMNS} from recording r where r.recording in ({listed})",  # noqa: S608
        parameters,
    )


def read_attributes(recordings: Sequence[str]) -> Statement:
    """Return the attributes of these recordings, in the order of their names."""
    listed, parameters = _listed("recording", recordings)
    return Statement(
        "select a.recording, a.name, a.number, a.text, a.unit from attribute a "  # noqa: S608
        f"where a.recording in ({listed}) order by a.recording, a.name",
        parameters,
    )


def read_objects(
    recordings: Sequence[str],
    kind: Kind | None = None,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> Statement:
    """Return the objects of these recordings by recording and key, behind (recording, key)."""
    listed, parameters = _listed("recording", recordings)
    text = (
        "select o.recording, o.key, o.kind, o.size, o.sha256, o.version_id, o.step, "  # noqa: S608
        f"o.source_version_id from object o where o.recording in ({listed})"
    )
    if kind is not None:
        text += " and o.kind = :kind"
        parameters["kind"] = kind
    if after is not None:
        text += (
            " and (o.recording > :after_recording"
            " or (o.recording = :after_recording and o.key > :after_key))"
        )
        parameters |= {"after_recording": after[0], "after_key": after[1]}
    text += " order by o.recording, o.key, o.kind"
    if limit is not None:
        text += f" limit {int(limit)}"
    return Statement(text, parameters)


def write_recording(recording: Recording, now: datetime, *, known: bool) -> Statement:
    """Insert the recording's row, or change it when it is known."""
    parameters: dict[str, Value] = {
        "recording": recording.recording,
        "device": recording.device,
        "state": recording.state,
        "reason": recording.reason,
        "recorded_at": _moment(recording.recorded_at),
        "now": _moment(now),
    }
    if known:
        text = (
            "update recording set device = cast(:device as varchar(512)), state = :state, "
            "reason = cast(:reason as varchar(16000)), "
            "recorded_at = cast(:recorded_at as timestamptz), "
            "changed_at = cast(:now as timestamptz) where recording = :recording"
        )
    else:
        text = (
            "insert into recording (recording, device, state, reason, recorded_at, changed_at) "
            "values (:recording, cast(:device as varchar(512)), :state, "
            "cast(:reason as varchar(16000)), cast(:recorded_at as timestamptz), "
            "cast(:now as timestamptz))"
        )
    return Statement(text, parameters)


def write_reason(recording: str, reason: str | None) -> Statement:
    """Change why a recording is in its state, and nothing else."""
    return Statement(
        "update recording set reason = cast(:reason as varchar(16000)) "
        "where recording = :recording",
        {"recording": recording, "reason": reason},
    )


def delete_attributes(recording: str) -> Statement:
    """Delete every attribute of a recording."""
    return Statement("delete from attribute where recording = :recording", {"recording": recording})


def delete_objects(recording: str, kind: Kind, keys: Sequence[str] = ()) -> Statement:
    """Delete a recording's objects of a kind: those with these keys, or all."""
    text = "delete from object where recording = :recording and kind = :kind"
    parameters: dict[str, Value] = {"recording": recording, "kind": kind}
    if keys:
        listed, more = _listed("key", keys)
        return Statement(f"{text} and key in ({listed})", parameters | more)
    return Statement(text, parameters)


def _inserts(
    table: str, columns: Mapping[str, str], rows: Sequence[tuple[Value, ...]]
) -> list[Statement]:
    statements = []
    for start in range(0, len(rows), ROWS_PER_INSERT):
        parameters: dict[str, Value] = {}
        tuples = []
        for position, row in enumerate(rows[start : start + ROWS_PER_INSERT]):
            names = [f"{column}{position}" for column in columns]
            parameters |= dict(zip(names, row, strict=True))
            casts = zip(names, columns.values(), strict=True)
            tuples.append(f"({', '.join(f'cast(:{name} as {type_})' for name, type_ in casts)})")
        text = f"insert into {table} ({', '.join(columns)}) values {', '.join(tuples)}"  # noqa: S608
        statements.append(Statement(text, parameters))
    return statements


_ATTRIBUTE_TYPES = {
    "recording": "varchar(128)",
    "name": "varchar(512)",
    "number": "double precision",
    "text": "varchar(16384)",
    "unit": "varchar(128)",
}
_OBJECT_TYPES = {
    "recording": "varchar(128)",
    "key": "varchar(1024)",
    "kind": "varchar(16)",
    "size": "bigint",
    "sha256": "varchar(64)",
    "version_id": "varchar(1024)",
    "step": "varchar(128)",
    "source_version_id": "varchar(1024)",
}


def insert_attributes(recording: str, attributes: Sequence[Attribute]) -> list[Statement]:
    """Insert attributes, several rows at a time."""
    rows = [(recording, a.name, a.number, a.text, a.unit) for a in attributes]
    return _inserts("attribute", _ATTRIBUTE_TYPES, rows)


def insert_objects(recording: str, objects: Sequence[StoredObject]) -> list[Statement]:
    """Insert objects, several rows at a time."""
    rows = [
        (recording, o.key, o.kind, o.size, o.sha256, o.version_id, o.step, o.source_version_id)
        for o in objects
    ]
    return _inserts("object", _OBJECT_TYPES, rows)


def find_recordings(query: Query, way: Way, limit: int, *, inclusive: bool = False) -> Statement:
    """Return recordings that fulfil a query, by name, from behind `query.after` on.

    `way` is how the query's conditions are put. `inclusive` starts with the recording named by
    `query.after` itself.
    """
    listed, parameters = _listed("state", query.states)
    wheres = [f"r.state in ({listed})"]
    if query.after:
        wheres.append(f"r.recording {'>=' if inclusive else '>'} :after")
        parameters["after"] = query.after
    if query.device is not None:
        wheres.append("r.device = :device")
        parameters["device"] = query.device
    if query.recordings:
        listed, more = _listed("recording", query.recordings)
        wheres.append(f"r.recording in ({listed})")
        parameters |= more
    for field, sign, time in (("since", ">=", query.since), ("until", "<", query.until)):
        if time is not None:
            wheres.append(f"r.recorded_at {sign} cast(:{field} as timestamptz)")
            parameters[field] = _moment(time)
    for where in (*way.kept, *way.checks):
        parameters |= where.parameters
    wheres += [where.text for where in way.kept]
    source = "recording r"
    if way.checks:
        # Within, so that the checks are asked last, and only until the page is full.
        source = (
            f"(select {_RECORDING_COLUMNS} from recording r where {' and '.join(wheres)} "  # noqa: S608
            f"order by r.recording limit {int(way.among)}) r"
        )
        wheres = [where.text for where in way.checks]
    return Statement(
        f"select {_RECORDING_COLUMNS} from {source} where {' and '.join(wheres)} "  # noqa: S608
        f"order by r.recording limit {int(limit)}",
        parameters,
    )


def count_incomplete(before: datetime) -> Statement:
    """Return, in one row, how many recordings have been incomplete since before a moment."""
    return Statement(
        "select count(*) as waiting from recording r "
        "where r.state = :state and r.changed_at < cast(:before as timestamptz)",
        {"state": "incomplete", "before": _moment(before)},
    )

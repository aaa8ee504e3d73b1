"""The catalogue's tables: the same text makes them in PostgreSQL and in Redshift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.recordings.catalogue.engine import MissingSchemaError, Session, Statement

if TYPE_CHECKING:
    from glue.recordings.catalogue.engine import Engine

SCHEMA_VERSION = 1
# The length, in characters, up to which a text is indexed whole, and of a longer one only the
# start: PostgreSQL refuses index entries above 2,704 bytes, and a value may have 4,096 characters.
INDEXED_LENGTH = 100

# varchar counts bytes in Redshift, of which UTF-8 needs up to four for one character.
TABLES = (
    """create table if not exists recording (
    recording varchar(128) not null primary key,
    device varchar(512),
    state varchar(16) not null,
    reason varchar(16000),
    recorded_at timestamptz,
    changed_at timestamptz not null)""",
    """create table if not exists attribute (
    recording varchar(128) not null,
    name varchar(512) not null,
    number double precision,
    text varchar(16384),
    unit varchar(128),
    primary key (recording, name))""",
    """create table if not exists object (
    recording varchar(128) not null,
    key varchar(1024) not null,
    kind varchar(16) not null,
    size bigint not null,
    sha256 varchar(64),
    version_id varchar(1024),
    step varchar(128),
    source_version_id varchar(1024),
    primary key (recording, key, kind))""",
    "create table if not exists schema_version (version integer not null)",
)
# For PostgreSQL only: Redshift has none, and needs none.
INDEXES = (
    "create index if not exists recording_by_state on recording (state, recording)",
    "create index if not exists recording_by_device on recording (device, recording)",
    "create index if not exists recording_by_time on recording (recorded_at, recording)",
    "create index if not exists attribute_by_number on attribute (name, number, recording)",
    # Two for texts: with short ones whole in an index, it answers without the table's rows.
    (
        "create index if not exists attribute_by_short_text on attribute "
        f"(name, text, recording) where length(text) <= {INDEXED_LENGTH}"
    ),
    (
        "create index if not exists attribute_by_long_text on attribute "
        f"(name, left(text, {INDEXED_LENGTH}), recording) where length(text) > {INDEXED_LENGTH}"
    ),
)
READ_SCHEMA_VERSION = Statement("select max(version) as version from schema_version")
WRITE_SCHEMA_VERSION = Statement(
    "insert into schema_version (version) values (cast(:version as integer))",
    {"version": SCHEMA_VERSION},
)


def make_schema(engine: Engine) -> None:
    """Make what is missing of the tables; safe to call any number of times, from anywhere."""
    texts = TABLES + (INDEXES if engine.indexes else ())

    def work(session: Session, _attempt: int) -> None:
        for text in texts:
            session.rows(Statement(text))
        if session.rows(READ_SCHEMA_VERSION)[0]["version"] is None:
            session.rows(WRITE_SCHEMA_VERSION)

    engine.exclusive("schema", work)


def schema_version(engine: Engine) -> int | None:
    """Return the version of the tables that are there, or None."""
    try:
        version = engine.rows(READ_SCHEMA_VERSION)[0]["version"]
    except MissingSchemaError:
        return None
    return None if version is None else int(version)

"""What carries the catalogue: connections that break, races that are lost, a busy Redshift."""

from datetime import UTC, datetime

import pytest

from glue.errors import Conflict
from glue.recordings.catalogue import Catalogue
from glue.recordings.catalogue.engine import CatalogueError, Session, Statement
from glue.recordings.catalogue.schema import SCHEMA_VERSION, schema_version
from tests.unit.recordings.fixtures import (
    DataApi,
    connect,
    postgresql_engine,
    redshift_engine,
)

TIME = datetime(2021, 2, 28, 16, 12, 21, tzinfo=UTC)


def test_the_schema_is_made_when_it_is_missing() -> None:
    with connect() as connection:
        connection.execute("drop table if exists recording, attribute, object, schema_version")
    for engine in (postgresql_engine(), redshift_engine()):
        with connect() as connection:
            connection.execute("drop table if exists recording, attribute, object, schema_version")
        assert schema_version(engine) is None
        assert Catalogue(engine).get("r") is None
        assert schema_version(engine) == SCHEMA_VERSION
        Catalogue(engine).claim("r", "rig")


def test_a_broken_connection_is_made_anew(catalogue: Catalogue) -> None:
    engine = postgresql_engine()
    backend = engine.rows(Statement("select pg_backend_pid() as pid"))[0]["pid"]
    with connect() as connection:
        connection.execute("select pg_terminate_backend(%s)", [backend])
    assert engine.rows(Statement("select 1 as one")) == [{"one": 1}]
    engine.close()
    assert engine.rows(Statement("select 1 as one")) == [{"one": 1}]


def test_a_transaction_is_tried_again_on_a_new_connection(empty_tables: None) -> None:
    engine = postgresql_engine()
    attempts: list[int] = []

    def work(session: Session, attempt: int) -> str:
        attempts.append(attempt)
        if attempt == 1:
            pid = session.rows(Statement("select pg_backend_pid() as pid"))[0]["pid"]
            with connect() as connection:
                connection.execute("select pg_terminate_backend(%s)", [pid])
        session.rows(Statement("select 1 as one"))
        return "done"

    assert engine.exclusive("r", work) == "done"
    assert attempts == [1, 2]


def test_a_commit_whose_answer_was_lost_counts_as_ours(empty_tables: None) -> None:
    engine = postgresql_engine()
    Catalogue(engine).settle("r", TIME, [], [])
    whole = engine.exclusive
    engine.exclusive = lambda subject, work: whole(subject, lambda s, _: work(s, 2))  # type: ignore[method-assign]
    assert Catalogue(engine).settle("r", TIME, [], [])


def test_what_cannot_succeed_is_an_error() -> None:
    engine = postgresql_engine()
    with pytest.raises(CatalogueError, match="refused"):
        engine.rows(Statement("select 1 / 0"))
    with pytest.raises(CatalogueError, match="statement timeout"):
        engine.exclusive(
            "r",
            lambda session, _: [
                session.rows(Statement("set local statement_timeout = 20")),
                session.rows(Statement("select pg_sleep(1)")),
            ],
        )
    nowhere = type(engine)("/nowhere", 1, "none", "none", lambda: None)
    with pytest.raises(CatalogueError, match="failed"):
        nowhere.rows(Statement("select 1"))


def test_redshift_wakes_up_and_is_busy() -> None:
    api = DataApi()
    api.waking = 3
    api.refusals = ["ActiveStatementsExceededException"]
    assert redshift_engine(api).rows(Statement("select 1 as one")) == [{"one": 1}]


def test_redshift_that_never_answers() -> None:
    api = DataApi()
    api.waking = 10_000
    with pytest.raises(CatalogueError, match="no answer within"):
        redshift_engine(api).rows(Statement("select 1 as one"))
    assert api.cancelled


def test_redshift_refuses() -> None:
    api = DataApi()
    api.refusals = ["ValidationException"]
    with pytest.raises(CatalogueError, match="ValidationException"):
        redshift_engine(api).rows(Statement("select 1 as one"))
    api.failures = ["permission denied"]
    with pytest.raises(CatalogueError, match="permission denied"):
        redshift_engine(api).rows(Statement("select 1 as one"))


def test_redshift_tries_again_after_a_lost_race(empty_tables: None) -> None:
    api = DataApi()
    engine = redshift_engine(api)

    def work(session: Session, attempt: int) -> int:
        if attempt == 1:
            api.failures = ["1023: Serializable isolation violation on table"]
        session.rows(Statement("select 1 as one"))
        return attempt

    assert engine.exclusive("r", work) == 2
    assert api.texts.count("rollback") == 1

    def lose(session: Session, attempt: int) -> int:
        api.failures = ["deadlock detected"]
        session.rows(Statement("select 1 as one"))
        return attempt

    with pytest.raises(CatalogueError, match="deadlock"):
        engine.exclusive("r", lose)


def test_an_error_survives_a_failing_rollback(empty_tables: None) -> None:
    api = DataApi()

    def fail(session: Session, attempt: int) -> None:
        api.failures = ["the session is gone"]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        redshift_engine(api).exclusive("r", fail)
    for connection in api.sessions.values():
        connection.close()


def test_redshift_undoes_what_failed(empty_tables: None) -> None:
    catalogue = Catalogue(redshift_engine())
    catalogue.claim("r", "rig-1")
    with pytest.raises(Conflict):
        catalogue.claim("r", "rig-2")
    api = DataApi()
    api.refusals = ["ValidationException"]
    with pytest.raises(CatalogueError):
        redshift_engine(api).exclusive("r", lambda _session, _attempt: None)

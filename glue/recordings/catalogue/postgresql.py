"""The catalogue in PostgreSQL."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

from glue.recordings.catalogue.engine import (
    PARAMETER,
    CatalogueError,
    MissingSchemaError,
    Row,
    Session,
    Statement,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

MOST_ATTEMPTS = 3
STATEMENT_TIMEOUT_MILLISECONDS = 25_000  # below the gateway's 29 s, so that callers see an error
# The default price of a random page is a spinning disk's; at that price the planner reads whole
# indexes in order rather than look up a few hundred recordings. The memory is for the matches of
# a common condition; starting parallel workers takes longer than what they would help with.
OPTIONS = (
    f"-c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS} -c TimeZone=UTC "
    "-c random_page_cost=1.1 -c work_mem=16MB -c max_parallel_workers_per_gather=0 -c jit=off"
)

Result = TypeVar("Result")
_LOCK = Statement("select pg_advisory_xact_lock(hashtextextended(:subject, 0))")


@lru_cache(maxsize=512)
def translate(text: str) -> str:
    """Return SQL with psycopg's placeholders instead of `:name`."""
    return PARAMETER.sub(r"%(\1)s", text.replace("%", "%%"))


class PostgresqlEngine:
    """One connection, made when first needed and made anew when it broke."""

    indexes = True

    def __init__(
        self, host: str, port: int, database: str, user: str, password: Callable[[], str | None]
    ) -> None:
        self._where = {"host": host, "port": port, "dbname": database, "user": user}
        self._password = password
        self._connection: psycopg.Connection[Row] | None = None

    def _connect(self) -> psycopg.Connection[Row]:
        import psycopg
        from psycopg.rows import dict_row

        if self._connection is None or self._connection.closed:
            connection = psycopg.connect(
                **self._where,  # type: ignore[arg-type]
                password=self._password(),
                autocommit=True,
                row_factory=dict_row,
                # Plans are made anew for each set of values: one plan for all would suit
                # neither the rare nor the common ones.
                prepare_threshold=None,
                application_name="proving-ground",
                connect_timeout=10,
                keepalives=1,
                keepalives_idle=30,
                keepalives_interval=10,
                keepalives_count=3,
                options=OPTIONS,
            )
            self._connection = cast("psycopg.Connection[Row]", connection)
        return self._connection

    def close(self) -> None:
        """Close the connection; the next statement makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def rows(self, statement: Statement) -> list[Row]:
        """Run one statement; once more on a new connection when the old one was broken."""
        return self._attempt(lambda _: _run(self._connect(), statement))

    def exclusive(self, subject: str, work: Callable[[Session, int], Result]) -> Result:
        """Run `work` in a transaction that holds the advisory lock of `subject`."""

        def once(attempt: int) -> Result:
            connection = self._connect()
            with connection.transaction():
                _run(connection, Statement(_LOCK.text, {"subject": subject}))
                return work(_Transaction(connection), attempt)

        return self._attempt(once)

    def _attempt(self, run: Callable[[int], Result]) -> Result:
        import psycopg

        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                return run(attempt)
            except psycopg.errors.UndefinedTable as error:
                raise MissingSchemaError(str(error)) from error
            except (
                psycopg.InterfaceError,
                psycopg.errors.DeadlockDetected,
                psycopg.errors.SerializationFailure,
                psycopg.errors.UniqueViolation,
            ) as error:
                self._recover(error, attempt, lost=isinstance(error, psycopg.InterfaceError))
            except psycopg.OperationalError as error:
                timeout = isinstance(error, psycopg.errors.QueryCanceled)
                self._recover(error, MOST_ATTEMPTS if timeout else attempt, lost=not timeout)
            except psycopg.Error as error:
                raise CatalogueError(f"PostgreSQL refused: {error}") from error
        raise AssertionError("the last attempt returns or raises")

    def _recover(self, error: Exception, attempt: int, *, lost: bool) -> None:
        if lost:
            self.close()
        if attempt >= MOST_ATTEMPTS:
            raise CatalogueError(f"PostgreSQL failed: {error}") from error


class _Transaction:
    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def rows(self, statement: Statement) -> list[Row]:
        return _run(self._connection, statement)


def _run(connection: psycopg.Connection[Row], statement: Statement) -> list[Row]:
    cursor = connection.execute(translate(statement.text).encode(), dict(statement.parameters))
    return cursor.fetchall() if cursor.description else []

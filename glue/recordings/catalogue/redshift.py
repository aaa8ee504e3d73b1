"""The catalogue in Redshift Serverless, by its Data API: no network path, no password.

The Data API runs one statement per call, asynchronously, and hands parameters over as texts. A
transaction needs a session, which keeps one connection open between calls.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, TypeVar

from glue import aws
from glue.recordings.catalogue.engine import (
    PARAMETER,
    CatalogueError,
    MissingSchemaError,
    Row,
    Session,
    Statement,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_redshift_data import RedshiftDataAPIServiceClient

MOST_ATTEMPTS = 3
SESSION_SECONDS = 60
# A paused workgroup takes up to a minute to wake up; the statement waits in its queue meanwhile.
LONGEST_WAIT_SECONDS = 120.0
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0

Result = TypeVar("Result")
_MISSING = re.compile(r"relation .* does not exist|Table .* not found", re.IGNORECASE)
_RACE = re.compile(r"serializable isolation violation|deadlock|concurrent transaction", re.I)
_NOT_READY = ("ActiveSessionsExceededException", "ActiveStatementsExceededException")


def inline_nothing(statement: Statement) -> Statement:
    """Return the statement with `null` and '' in its text, which the Data API cannot bind."""

    def literal(match: re.Match[str]) -> str:
        value = statement.parameters[match[1]]
        return "null" if value is None else "''" if value == "" else match[0]

    held = {k: v for k, v in statement.parameters.items() if v is not None and v != ""}
    return Statement(PARAMETER.sub(literal, statement.text), held)


def _text(value: Value) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _cell(cell: Mapping[str, Any]) -> object:
    if cell.get("isNull"):
        return None
    return next(
        (cell[k] for k in ("stringValue", "longValue", "doubleValue", "booleanValue") if k in cell),
        None,
    )


class _LostRaceError(CatalogueError):
    """Another transaction got there first; the same work may succeed now."""


def _error(message: str) -> CatalogueError:
    if _MISSING.search(message):
        return MissingSchemaError(message)
    if _RACE.search(message):
        return _LostRaceError(message)
    return CatalogueError(f"Redshift refused: {message}")


class _DataApi:
    """Runs statements and waits for their answers."""

    def __init__(
        self, client: RedshiftDataAPIServiceClient, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._sleep = sleep

    def run(self, statement: Statement, where: Mapping[str, Any]) -> tuple[list[Row], str | None]:
        """Return the rows, and the session the statement ran in."""
        identifier, session = self._start(inline_nothing(statement), where)
        description = self._wait(identifier)
        if not description.get("HasResultSet"):
            return [], session
        rows: list[Row] = []
        request: dict[str, Any] = {"Id": identifier}
        while True:
            page = self._client.get_statement_result(**request)
            names = [column["name"] for column in page["ColumnMetadata"]]
            for record in page["Records"]:
                cells = (_cell(cell) for cell in record)
                rows.append(dict(zip(names, cells, strict=True)))
            if not page.get("NextToken"):
                return rows, session
            request["NextToken"] = page["NextToken"]

    def _start(self, statement: Statement, where: Mapping[str, Any]) -> tuple[str, str | None]:
        request: dict[str, Any] = {"Sql": statement.text, **where}
        if statement.parameters:
            request["Parameters"] = [
                {"name": name, "value": _text(value)}
                for name, value in statement.parameters.items()
            ]
        pause, waited = FIRST_PAUSE_SECONDS, 0.0
        while True:
            try:
                answer = self._client.execute_statement(**request)
            except self._client.exceptions.ClientError as error:
                code = aws.error_code(error)
                if code not in _NOT_READY or waited >= LONGEST_WAIT_SECONDS:
                    raise CatalogueError(f"Redshift refused: {error}") from error
            else:
                return answer["Id"], answer.get("SessionId")
            self._sleep(pause)
            waited += pause
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _wait(self, identifier: str) -> Mapping[str, Any]:
        pause, waited = FIRST_PAUSE_SECONDS, 0.0
        while True:
            description = self._client.describe_statement(Id=identifier)
            status = description["Status"]
            if status == "FINISHED":
                return description
            if status in ("FAILED", "ABORTED"):
                raise _error(description.get("Error") or status)
            if waited >= LONGEST_WAIT_SECONDS:
                self._client.cancel_statement(Id=identifier)
                raise CatalogueError(f"Redshift gave no answer within {waited:.0f} s ({status})")
            self._sleep(pause)
            waited += pause
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


class _DataApiSession:
    def __init__(self, api: _DataApi, where: Mapping[str, Any]) -> None:
        self._api = api
        self._where = {**where, "SessionKeepAliveSeconds": SESSION_SECONDS}
        self._session: str | None = None

    def rows(self, statement: Statement) -> list[Row]:
        if self._session is not None:
            return self._api.run(statement, {"SessionId": self._session})[0]
        rows, self._session = self._api.run(statement, self._where)
        return rows

    def abandon(self) -> None:
        """Undo the transaction; if even that fails, the session ends by itself and undoes it."""
        if self._session is None:
            return
        try:
            self.rows(Statement("rollback"))
        except CatalogueError:
            self._session = None


class RedshiftEngine:
    """One workgroup and database."""

    indexes = False

    def __init__(
        self,
        client: RedshiftDataAPIServiceClient,
        workgroup: str,
        database: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = _DataApi(client, sleep)
        self._where = {"WorkgroupName": workgroup, "Database": database}
        self._sleep = sleep

    def rows(self, statement: Statement) -> list[Row]:
        """Run one statement on its own."""
        return self._api.run(statement, self._where)[0]

    def exclusive(self, subject: str, work: Callable[[Session, int], Result]) -> Result:
        """Run `work` in a transaction that holds a lock on the table `recording`.

        Redshift has no lock finer than a table; with ten recordings a day nobody waits long.
        Making the schema goes without it: there is no table to lock yet.
        """
        for attempt in range(1, MOST_ATTEMPTS + 1):
            session = _DataApiSession(self._api, self._where)
            try:
                session.rows(Statement("begin"))
                if subject != "schema":
                    session.rows(Statement("lock table recording"))
                result = work(session, attempt)
                session.rows(Statement("commit"))
            except _LostRaceError as error:
                session.abandon()
                if attempt == MOST_ATTEMPTS:
                    raise CatalogueError(f"Redshift: {error}") from error
                self._sleep(FIRST_PAUSE_SECONDS * 10**attempt)
            except BaseException:
                session.abandon()
                raise
            else:
                return result
        raise AssertionError("the last attempt returns or raises")

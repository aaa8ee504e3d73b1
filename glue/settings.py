"""What each function is told by its environment.

Every variable starts with `PROVING_GROUND_`; Terraform sets exactly the ones that a function's
class names (a test compares the two). Import this file inside functions: pydantic-settings
costs a quarter of a second, which a cold start need not pay before there is work.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PROVING_GROUND_"
_Settings = TypeVar("_Settings", bound="FunctionSettings")


class PostgresqlCatalogue(BaseModel):
    """A catalogue in PostgreSQL; the secret holds JSON with the key `password`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["postgresql"]
    host: str
    port: int = 5432
    database: str
    user: str
    secret_arn: str | None = None


class RedshiftCatalogue(BaseModel):
    """A catalogue in Redshift Serverless, reached by its Data API under the function's role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["redshift"]
    workgroup: str
    database: str


CatalogueSettings = Annotated[
    PostgresqlCatalogue | RedshiftCatalogue, Field(discriminator="engine")
]


class ProcessingStep(BaseModel):
    """How raw files become processed ones; another name or version processes everything anew.

    `function` is needed for the kind function, `job_queue` and `job_definition` for batch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")] = "copy"
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")] = "1"
    kind: Literal["copy", "function", "batch"] = "copy"
    function: str | None = None
    job_queue: str | None = None
    job_definition: str | None = None

    @property
    def label(self) -> str:
        """The folder of the step's output within a recording."""
        return f"{self.name}-{self.version}"


class FunctionSettings(BaseSettings):
    """What every function is told."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    environment: str

    @classmethod
    def keys(cls) -> set[str]:
        """Return the names of the environment variables that this class reads."""
        return {PREFIX + name.upper() for name in cls.model_fields}


class IssueTokenSettings(FunctionSettings):
    """POST /token."""

    user_pool_client_id: str


class ServeApiSettings(FunctionSettings):
    """Every other route."""

    raw_bucket: str
    processed_bucket: str
    ingest_queue_url: str
    catalogue: CatalogueSettings
    url_lifetime_seconds: Annotated[int, Field(ge=60, le=604_800)] = 3600


class IngestRecordingSettings(FunctionSettings):
    """From the raw bucket's events to the catalogue."""

    raw_bucket: str
    preprocess_queue_url: str
    catalogue: CatalogueSettings


class PreprocessRecordingSettings(FunctionSettings):
    """From raw to processed files."""

    raw_bucket: str
    processed_bucket: str
    catalogue: CatalogueSettings
    processing_step: ProcessingStep


class ReconcileRecordingsSettings(FunctionSettings):
    """The watch over what events may have lost."""

    raw_bucket: str
    ingest_queue_url: str
    catalogue: CatalogueSettings
    incomplete_after_hours: Annotated[float, Field(gt=0)] = 24


FUNCTION_SETTINGS: dict[str, type[FunctionSettings]] = {
    "issue_token": IssueTokenSettings,
    "serve_api": ServeApiSettings,
    "ingest_recording": IngestRecordingSettings,
    "preprocess_recording": PreprocessRecordingSettings,
    "reconcile_recordings": ReconcileRecordingsSettings,
}


_loaded: dict[type[FunctionSettings], FunctionSettings] = {}


def load(kind: type[_Settings]) -> _Settings:
    """Return the settings of a function, read from the environment once per container."""
    settings = _loaded.get(kind)
    if not isinstance(settings, kind):
        settings = _loaded[kind] = kind()
    return settings


def forget_settings() -> None:
    """Read the environment again at the next call; for tests that change it."""
    _loaded.clear()

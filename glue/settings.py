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


class Evaluation(BaseModel):
    """What a complete result of a leaderboard looks like.

    `routes` times `repetitions` records make a run complete. `version` is CARLA's, of its results
    file. `labels` are those of the challenge's board, for the generic format.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["carla", "generic"] = "carla"
    version: Literal["1.0", "2.0", "2.1"] | None = None
    routes: Annotated[int, Field(ge=1)]
    repetitions: Annotated[int, Field(ge=1)] = 1
    split: str = "leaderboard"
    labels: tuple[str, ...] = ()
    show_to_participant: bool = True

    @property
    def records(self) -> int:
        """How many records a complete run has."""
        return self.routes * self.repetitions


class ContainerResources(BaseModel):
    """What one container of a submission's pod may use: millicores, MiB, GiB, whole GPUs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu_millis: int = 1000
    memory_mib: int = 2048
    disk_gib: int = 5
    gpus: int = 0


class Pod(BaseModel):
    """How the pod of a submission is made and watched. Times are seconds.

    Each of the `workers` is a simulator, an evaluator and an agent, and drives its share of the
    routes. `waiting` is for a node, `run` from the pod's start to its end, `grace` for sending
    what is left. `watch` and `interim` are how often Kubernetes and EvalAI are looked at,
    `upload` how often the uploader sends what is new.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: Annotated[int, Field(ge=1, le=8)] = 1
    simulator: ContainerResources = ContainerResources(gpus=1)
    evaluator: ContainerResources = ContainerResources()
    agent: ContainerResources = ContainerResources(gpus=1)
    node_labels: dict[str, str] = {}
    on_disruption: Literal["restart", "fail"] = "restart"
    waiting_seconds: int = 3 * 3600
    run_seconds: int = 24 * 3600
    grace_seconds: int = 120
    watch_seconds: Annotated[int, Field(ge=1)] = 30
    interim_seconds: Annotated[int, Field(ge=1)] = 300
    upload_seconds: Annotated[int, Field(ge=1)] = 30


class LeaderboardSettings(FunctionSettings):
    """What every function of a leaderboard is told.

    Its nine parameters (cluster, images, names) are in a secret, so that they can be tried out
    without a deployment.
    """

    leaderboard: str
    parameters_secret_arn: str
    evalai_secret_arn: str
    budget_table: str
    state_machine_arn: str


class StartSubmissionSettings(LeaderboardSettings):
    """From a leaderboard's queue to its state machine; `queue_urls` has all leaderboards'."""

    tracks_secret_arn: str
    queue_urls: dict[str, str]


class RunSubmissionSettings(LeaderboardSettings):
    """The steps of the state machine."""

    evaluation: Evaluation
    pod: Pod


class ReconcileSubmissionsSettings(LeaderboardSettings):
    """The watch over submissions that got stuck."""

    queue_url: str
    dead_letter_queue_url: str
    evaluation: Evaluation
    pod: Pod


FUNCTION_SETTINGS: dict[str, type[FunctionSettings]] = {
    "issue_token": IssueTokenSettings,
    "serve_api": ServeApiSettings,
    "ingest_recording": IngestRecordingSettings,
    "preprocess_recording": PreprocessRecordingSettings,
    "reconcile_recordings": ReconcileRecordingsSettings,
    "start_submission": StartSubmissionSettings,
    "run_submission": RunSubmissionSettings,
    "reconcile_submissions": ReconcileSubmissionsSettings,
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

"""What the steps of a submission work with, opened when it is first needed.

Lazily, because a step must be able to end a submission while a part of this cannot be opened: a
wrong certificate of the cluster must not keep EvalAI from being told why nothing runs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from glue import aws
from glue.leaderboard.evalai.budget import TableBudget
from glue.leaderboard.evalai.client import EvalAI
from glue.leaderboard.kubernetes.client import Cluster, Kubernetes
from glue.leaderboard.kubernetes.token import Tokens
from glue.leaderboard.parameters import Parameters, read_evalai, read_parameters
from glue.leaderboard.storage import Storage
from glue.leaderboard.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_stepfunctions import SFNClient
    from pydantic import SecretStr

    from glue.settings import (
        Evaluation,
        Pod,
        ReconcileSubmissionsSettings,
        RunSubmissionSettings,
    )

    Settings = RunSubmissionSettings | ReconcileSubmissionsSettings


@dataclass(frozen=True)
class Services:
    """One leaderboard's configuration, and everything outside that its steps reach.

    `clock` tells seconds since 1970.
    """

    leaderboard: str
    evaluation: Evaluation
    pod: Pod
    parameters: Parameters
    table: Table
    storage: Storage
    evalai: EvalAI
    kubernetes: Kubernetes
    states: SFNClient
    state_machine_arn: str
    clock: Callable[[], float] = time.time


class _Opened(Services):
    """Services by a function's settings; each part raises what opening it raises."""

    def __init__(self, settings: Settings) -> None:
        self.__dict__.update(
            settings=settings,
            leaderboard=settings.leaderboard,
            evaluation=settings.evaluation,
            pod=settings.pod,
            state_machine_arn=settings.state_machine_arn,
            clock=time.time,
        )

    settings: Settings

    @cached_property
    def parameters(self) -> Parameters:
        return read_parameters(aws.secrets(), self.settings.parameters_secret_arn)

    @cached_property
    def table(self) -> Table:
        return Table(aws.dynamodb(), self.parameters.dynamodb_submissions_table)

    @cached_property
    def storage(self) -> Storage:
        return Storage(aws.s3(), self.parameters.s3_bucket)

    @cached_property
    def evalai(self) -> EvalAI:
        access = read_evalai(aws.secrets(), self.settings.evalai_secret_arn)
        return _evalai(access.api_server, access.auth_token, self.settings.budget_table)

    @cached_property
    def kubernetes(self) -> Kubernetes:
        found = self.parameters
        return _kubernetes(
            Cluster(
                name=found.name,
                endpoint=found.endpoint,
                certificate_authority=found.certificate_authority,
            )
        )

    @cached_property
    def states(self) -> SFNClient:
        return aws.state_machines()


def open_services(settings: Settings) -> Services:
    """Return the services of a function's leaderboard.

    Call it for each invocation: secrets are read again every few minutes, and connections are
    kept for as long as they say the same.
    """
    return _Opened(settings)


def forget_connections() -> None:
    """Open connections anew; for tests that change what is behind an address."""
    _evalai.cache_clear()
    _kubernetes.cache_clear()


@lru_cache(maxsize=2)
def _evalai(server: str, token: SecretStr, budget_table: str) -> EvalAI:
    return EvalAI(server, token, TableBudget(aws.dynamodb(), budget_table))


@lru_cache(maxsize=2)
def _kubernetes(cluster: Cluster) -> Kubernetes:
    return Kubernetes(cluster, Tokens(aws.new_sts(), cluster.name))

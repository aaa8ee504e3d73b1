"""Logs and metrics of the leaderboards' functions: JSON lines for CloudWatch."""

from __future__ import annotations

import os

from aws_lambda_powertools import Logger

NAMESPACE = "ProvingGround"

logger = Logger(utc=True)


def count(name: str, leaderboard: str, value: float = 1) -> None:
    """Count something in the metric `name`, with the dimensions environment and leaderboard.

    The alarms watch exactly these dimensions, hence no service name stands beside them.
    """
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

    metrics = EphemeralMetrics(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE), service=""
    )
    environment = os.environ.get("PROVING_GROUND_ENVIRONMENT", "unknown")
    metrics.add_dimension(name="environment", value=environment)
    metrics.add_dimension(name="leaderboard", value=leaderboard)
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()

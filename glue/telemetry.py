"""Logs and metrics of the functions: JSON lines for CloudWatch."""

from __future__ import annotations

import os

from aws_lambda_powertools import Logger

NAMESPACE = "ProvingGround"

logger = Logger(utc=True)


def count(name: str, value: float = 1, **dimensions: str) -> None:
    """Count something in the metric `name`, by `environment` and the dimensions given.

    The alarms watch exactly these dimensions, hence no service name stands beside them.
    """
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

    metrics = EphemeralMetrics(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE), service=""
    )
    environment = os.environ.get("PROVING_GROUND_ENVIRONMENT", "unknown")
    for dimension, said in {"environment": environment, **dimensions}.items():
        metrics.add_dimension(name=dimension, value=said)
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()

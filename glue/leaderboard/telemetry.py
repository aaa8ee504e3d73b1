"""Logs and metrics of the leaderboards' functions."""

from __future__ import annotations

from glue import telemetry
from glue.telemetry import NAMESPACE, logger

__all__ = ["NAMESPACE", "count", "logger"]


def count(name: str, leaderboard: str, value: float = 1) -> None:
    """Count something in the metric `name`, with the dimensions environment and leaderboard."""
    telemetry.count(name, value, leaderboard=leaderboard)

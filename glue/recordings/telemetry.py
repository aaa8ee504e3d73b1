"""Logs and metrics of the recordings' functions."""

from __future__ import annotations

from glue.telemetry import NAMESPACE, count, logger

__all__ = ["NAMESPACE", "count", "logger"]

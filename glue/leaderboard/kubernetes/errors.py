"""What a cluster's API can answer instead of what was asked for."""

from __future__ import annotations


class KubernetesError(Exception):
    """An answer other than the one asked for; `reason` is Kubernetes' own word for it."""

    def __init__(self, message: str, reason: str = "", status: int | None = None) -> None:
        super().__init__(message, reason, status)
        self.message = message
        self.reason = reason
        self.status = status

    def __str__(self) -> str:
        return f"Kubernetes: {self.message}"


class KubernetesUnavailable(KubernetesError):  # noqa: N818 - reads as a finding
    """Nothing answered, or nothing sensible, or there is no room: worth asking again.

    `retry_after` are seconds, where Kubernetes gave any.
    """

    def __init__(
        self,
        message: str,
        reason: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, reason, status)
        self.retry_after = retry_after


class KubernetesRefused(KubernetesError):  # noqa: N818 - reads as a finding
    """The API was reached and will not do it, however often it is asked: 400, 401, 403, 422."""


class Conflict(KubernetesError):  # noqa: N818 - reads as a finding
    """There is one of this name already, or it is another than the one that was meant (409)."""


class Gone(KubernetesError):  # noqa: N818 - reads as a finding
    """There is nothing of this name, or not any more (404, 410)."""

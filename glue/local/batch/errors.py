"""What Batch answers when a request cannot be fulfilled."""

from __future__ import annotations


class ClientError(ValueError):
    """A request that AWS Batch refuses with `ClientException` and status 400."""

    code = "ClientException"
    status = 400

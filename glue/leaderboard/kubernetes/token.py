"""A token for a cluster's API: a signed question who one is, which EKS itself puts to STS.

The name of the cluster is signed in, so a token for one cluster opens no other.
"""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
SIGNED_SECONDS = 60
LONGEST_SECONDS = 15 * 60  # EKS takes a token that long after it was signed
# Renewed early: the clocks may differ, and a request may be on its way for a while.
KEPT_SECONDS = LONGEST_SECONDS - 5 * 60


class Tokens:
    """Tokens of one identity for one cluster, each used for ten minutes at most.

    `client` is a boto3 client for STS that serves nothing else: from now on it signs the
    cluster's name into every question who it is. Safe to share between threads.
    """

    def __init__(
        self, client: Any, cluster: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        def name_cluster(request: Any, **_: Any) -> None:
            request.headers[CLUSTER_HEADER] = cluster

        client.meta.events.register("before-sign.sts.GetCallerIdentity", name_cluster)
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._held: SecretStr | None = None
        self._until = 0.0

    def current(self) -> SecretStr:
        """Return a token that is good for five more minutes at least."""
        with self._lock:
            if self._held is None or self._clock() >= self._until:
                self._held = self._sign()
                self._until = self._clock() + KEPT_SECONDS
            return self._held

    def renew(self, refused: SecretStr) -> SecretStr:
        """Return a token other than the one that was refused.

        Of several threads that were refused the same token, the first signs a new one.
        """
        with self._lock:
            if self._held is not None and self._held == refused:
                self._held = None
        return self.current()

    def _sign(self) -> SecretStr:
        url = self._client.generate_presigned_url(
            "get_caller_identity", ExpiresIn=SIGNED_SECONDS, HttpMethod="GET"
        )
        return SecretStr(PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("="))

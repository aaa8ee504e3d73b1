"""Jobs of one namespace, over HTTP: made, looked at, deleted; their pods, events, logs, Secrets.

Reading and deleting are repeated when nothing sensible answers, because repeating them changes
nothing. Making a Job is not: whoever repeats it finds out by `Conflict` that it was made.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from glue.leaderboard.kubernetes.connection import (
    ATTEMPTS,
    BAD_REQUEST,
    Cluster,
    Connection,
    Manifest,
    json_of,
)
from glue.leaderboard.kubernetes.errors import (
    Conflict,
    Gone,
    KubernetesRefused,
    KubernetesUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from pydantic import SecretStr

    from glue.leaderboard.kubernetes.token import Tokens

__all__ = ["Cluster", "Kubernetes", "Manifest"]

NAMESPACE = "jobs"
LOG_LINES, LOG_BYTES = 500, 256 * 1024
# Of a Secret that others make and delete at the same moment: make, replace, make again.
SECRET_ROUNDS = 3


class Kubernetes:
    """The API of one cluster, for one namespace. Use it as a context manager or call `close`."""

    def __init__(
        self,
        cluster: Cluster,
        tokens: Tokens,
        *,
        namespace: str = NAMESPACE,
        transport: httpx.BaseTransport | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Prepare connections; reading and deleting are tried `attempts` times.

        Raises InputError when the cluster's endpoint or certificate cannot be used.
        """
        self.namespace = namespace
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._core = f"/api/v1/namespaces/{namespace}"
        self._connection = Connection(cluster, tokens, transport=transport, attempts=attempts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def create_job(self, manifest: Manifest) -> Manifest:
        """Make a Job. Raises Conflict when there is one of its name."""
        return self._connection.send("POST", self._jobs, take=json_of, body=manifest)

    def job(self, name: str) -> Manifest:
        """Return a Job. Raises Gone when there is none."""
        return self._connection.repeat("GET", _below(self._jobs, name), take=json_of)

    def jobs(self, **labels: str) -> list[Manifest]:
        """Return all Jobs with these labels."""
        return self._connection.all(self._jobs, labelSelector=_selector(labels))

    def delete_job(self, name: str, uid: str | None = None) -> bool:
        """Begin the end of a Job and its pods; tell whether there was one.

        It is gone once its pods are, and the Secret that belongs to it goes with it. Raises
        Conflict when the Job of this name is not the one with this `uid`.
        """
        options: Manifest = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground",
        }
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        return self._delete(_below(self._jobs, name), options)

    def put_secret(
        self,
        name: str,
        content: Mapping[str, SecretStr],
        labels: Mapping[str, str],
        owner: Manifest | None = None,
    ) -> Manifest:
        """Make a Secret, or replace the one of this name whole, its owner and labels included.

        `owner` is the Job it is deleted with. Without one it belongs to nobody, also when it
        belonged to somebody before: what is left of an earlier Job of the same name would be
        deleted any moment. Containers that mount it see the new content about a minute later.
        Returns the Secret without its content.
        """
        metadata: Manifest = {"name": name, "namespace": self.namespace, "labels": dict(labels)}
        if owner is not None:
            metadata["ownerReferences"] = [_reference(owner)]
        secret: Manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": "Opaque",
            "data": {
                key: base64.b64encode(value.get_secret_value().encode()).decode()
                for key, value in content.items()
            },
        }
        for _ in range(SECRET_ROUNDS):
            try:
                return self._write("POST", f"{self._core}/secrets", secret)
            except Conflict:
                pass
            try:
                return self._write("PUT", _below(f"{self._core}/secrets", name), secret)
            except Gone:
                pass
        raise KubernetesUnavailable(f"the Secret {name} is being made and deleted all the time")

    def delete_secret(self, name: str) -> bool:
        """Delete a Secret; tell whether there was one. Who has mounted it keeps what it has."""
        return self._delete(_below(f"{self._core}/secrets", name), None)

    def pods(self, job: str) -> list[Manifest]:
        """Return the pods of a Job, of which a Job may have had several."""
        selector = _selector({"batch.kubernetes.io/job-name": job})
        return self._connection.all(f"{self._core}/pods", labelSelector=selector)

    def events(self, name: str) -> list[Manifest]:
        """Return what was noted about a Job or a pod of this name in the last hour or so."""
        return self._connection.all(
            f"{self._core}/events", fieldSelector=f"involvedObject.name={name}"
        )

    def log(
        self, pod: str, container: str, *, lines: int = LOG_LINES, most_bytes: int = LOG_BYTES
    ) -> str:
        """Return the end of what a container printed; empty when it has not started yet.

        The last `lines` are returned, and of these the last `most_bytes` when they are longer.
        Raises Gone when there is no such pod.
        """
        path = f"{_below(f'{self._core}/pods', pod)}/log"
        asked = {"container": container, "tailLines": str(lines)}

        def end_of(response: httpx.Response) -> bytes:
            kept = b""
            for chunk in response.iter_bytes():
                kept = (kept + chunk)[-most_bytes:]
            return kept

        try:
            kept = self._connection.repeat("GET", path, take=end_of, parameters=asked)
        except KubernetesRefused as refused:
            if refused.status == BAD_REQUEST and "waiting to start" in refused.message:
                return ""
            raise
        return kept.decode("utf-8", errors="replace")

    def _write(self, method: str, path: str, secret: Manifest) -> Manifest:
        """Write a Secret. Repeating it changes nothing: the one that it may find is its own."""
        written = self._connection.repeat(method, path, take=json_of, body=secret)
        return {
            part: value for part, value in written.items() if part not in ("data", "stringData")
        }

    def _delete(self, path: str, options: Manifest | None) -> bool:
        try:
            self._connection.repeat("DELETE", path, take=json_of, body=options)
        except Gone:
            return False
        return True


def _below(path: str, name: str) -> str:
    """Return the path of one object; a name cannot lead elsewhere."""
    return f"{path}/{quote(name, safe='')}"


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _reference(owner: Manifest) -> Manifest:
    """Return how an object names the Job that it is deleted with."""
    metadata = owner["metadata"]
    # Entries of a list do not say what they are.
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": metadata["name"],
        "uid": metadata["uid"],
    }

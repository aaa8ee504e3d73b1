"""Jobs of one namespace, over HTTP: made, looked at, deleted; their pods, events and logs.

Reading and deleting are repeated when nothing sensible answers, because repeating them changes
nothing. Making a Job is not: whoever repeats it finds out by `Conflict` that it was made.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import stamina
from pydantic import BaseModel, ConfigDict

from glue.errors import InputError
from glue.leaderboard.kubernetes.errors import (
    Conflict,
    Gone,
    KubernetesError,
    KubernetesRefused,
    KubernetesUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.leaderboard.kubernetes.token import Tokens

Manifest = dict[str, Any]
Taken = TypeVar("Taken")

NAMESPACE = "jobs"
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
ATTEMPTS, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 3, 0.2, 2.0
PAGE = 200
LOG_LINES, LOG_BYTES = 500, 256 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")
UNAUTHORISED, NOT_FOUND, CONFLICT, GONE, BUSY, FAULT = 401, 404, 409, 410, 429, 500
BAD_REQUEST = 400


class Cluster(BaseModel):
    """A cluster as the leaderboard's secret names it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    endpoint: str
    certificate_authority: str


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
        self._tokens = tokens
        self._attempts = attempts
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._core = f"/api/v1/namespaces/{namespace}"
        self._http = httpx.Client(
            base_url=cluster.endpoint,
            verify=_trust(cluster),
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,  # no proxy of the surroundings gets to see the token
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def create_job(self, manifest: Manifest) -> Manifest:
        """Make a Job. Raises Conflict when there is one of its name."""
        return self._send("POST", self._jobs, take=_json, body=manifest)

    def job(self, name: str) -> Manifest:
        """Return a Job. Raises Gone when there is none."""
        return self._repeat("GET", f"{self._jobs}/{quote(name, safe='')}", take=_json)

    def jobs(self, **labels: str) -> list[Manifest]:
        """Return all Jobs with these labels."""
        return self._all(self._jobs, labelSelector=_selector(labels))

    def delete_job(self, name: str, uid: str | None = None) -> bool:
        """Begin the end of a Job and its pods; tell whether there was one.

        It is gone once its pods are. Raises Conflict when the Job of this name is not the one
        with this `uid`.
        """
        options: Manifest = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground",
        }
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            self._repeat("DELETE", f"{self._jobs}/{quote(name, safe='')}", take=_json, body=options)
        except Gone:
            return False
        return True

    def pods(self, job: str) -> list[Manifest]:
        """Return the pods of a Job, of which a Job may have had several."""
        return self._all(
            f"{self._core}/pods", labelSelector=_selector({"batch.kubernetes.io/job-name": job})
        )

    def events(self, name: str) -> list[Manifest]:
        """Return what was noted about a Job or a pod of this name in the last hour or so."""
        return self._all(f"{self._core}/events", fieldSelector=f"involvedObject.name={name}")

    def log(
        self, pod: str, container: str, *, lines: int = LOG_LINES, most_bytes: int = LOG_BYTES
    ) -> str:
        """Return the end of what a container printed; empty when it has not started yet.

        The last `lines` are returned, and of these the last `most_bytes` when they are longer.
        Raises Gone when there is no such pod.
        """
        path = f"{self._core}/pods/{quote(pod, safe='')}/log"
        asked = {"container": container, "tailLines": str(lines)}

        def end_of(response: httpx.Response) -> bytes:
            kept = b""
            for chunk in response.iter_bytes():
                kept = (kept + chunk)[-most_bytes:]
            return kept

        try:
            kept = self._repeat("GET", path, take=end_of, parameters=asked)
        except KubernetesRefused as refused:
            if refused.status == BAD_REQUEST and "waiting to start" in refused.message:
                return ""
            raise
        return kept.decode("utf-8", errors="replace")

    def _all(self, path: str, **parameters: str) -> list[Manifest]:
        """Return every entry of a list, page by page."""
        found: list[Manifest] = []
        asked = {name: value for name, value in parameters.items() if value}
        asked["limit"] = str(PAGE)
        while True:
            try:
                page = self._repeat("GET", path, take=_json, parameters=asked)
            except Gone as gone:
                if "continue" not in asked:
                    raise
                # The list lay open for minutes and its next page is not kept any longer.
                raise KubernetesUnavailable(gone.message, gone.reason, gone.status) from gone
            found += page.get("items") or []
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return found
            asked["continue"] = following

    def _repeat(
        self, method: str, path: str, *, take: Callable[[httpx.Response], Taken], **options: Any
    ) -> Taken:
        """Send a request whose repetition changes nothing, a few times if need be."""
        for attempt in stamina.retry_context(
            on=KubernetesUnavailable,
            attempts=self._attempts,
            timeout=None,
            wait_initial=FIRST_WAIT_SECONDS,
            wait_max=LONGEST_WAIT_SECONDS,
        ):
            with attempt:
                return self._send(method, path, take=take, **options)
        raise AssertionError("the last attempt returns or raises")

    def _send(
        self,
        method: str,
        path: str,
        *,
        take: Callable[[httpx.Response], Taken],
        body: Manifest | None = None,
        parameters: dict[str, str] | None = None,
    ) -> Taken:
        """Send a request once, and once more with a fresh token if the token was refused.

        `take` reads what it wants of a good answer, which need not fit into memory.
        """
        token = self._tokens.current()
        for is_second in (False, True):
            headers = {"authorization": f"Bearer {token.get_secret_value()}"}
            request = self._http.build_request(
                method, path, params=parameters, json=body, headers=headers
            )
            try:
                response = self._http.send(request, stream=True)
                try:
                    if response.is_success:
                        return take(response)
                    response.read()
                finally:
                    response.close()
            except httpx.HTTPError as error:
                said = str(error) or type(error).__name__
                raise KubernetesUnavailable(f"{method} {path}: {said}") from error
            if response.status_code != UNAUTHORISED or is_second:
                raise _error(response)
            token = self._tokens.renew(token)
        raise AssertionError("the second time returns or raises")


def _json(response: httpx.Response) -> Manifest:
    response.read()
    try:
        found = response.json()
    except ValueError as error:
        raise KubernetesUnavailable(
            "the answer is no JSON: something else than Kubernetes answers there",
            status=response.status_code,
        ) from error
    if not isinstance(found, dict):
        raise KubernetesUnavailable("the answer is no object", status=response.status_code)
    return found


def _selector(labels: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _trust(cluster: Cluster) -> ssl.SSLContext | bool:
    """Return what makes a connection to this cluster, and to nothing else, believable."""
    address = urlsplit(cluster.endpoint)
    if address.scheme == "http" and address.hostname in LOOPBACK:
        return True  # the stand-in on this machine
    if address.scheme != "https" or not address.hostname:
        raise InputError(
            "endpoint",
            f"{cluster.endpoint!r} is no address of a cluster",
            "write it as Terraform puts it out: https://….eks.amazonaws.com",
        )
    try:
        text = base64.b64decode(cluster.certificate_authority, validate=True).decode("ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody yet
        context.load_verify_locations(cadata=text)
    except (binascii.Error, ValueError, ssl.SSLError) as error:
        raise InputError(
            "certificate_authority",
            "is no certificate in PEM form, encoded in base64",
            "write it as Terraform puts it out",
        ) from error
    return context


def _error(response: httpx.Response) -> KubernetesError:
    """Return what an answer means, with Kubernetes' own words where it gave any."""
    status = response.status_code
    message, reason = f"answered {status}", ""
    try:
        said = response.json()
    except ValueError:
        said = None
    is_status = isinstance(said, dict) and said.get("kind") == "Status"
    if isinstance(said, dict) and is_status:
        message = str(said.get("message") or message)
        reason = str(said.get("reason") or "")
    if status == BUSY or status >= FAULT:
        after = response.headers.get("retry-after", "")
        seconds = float(after) if after.isdigit() else None
        return KubernetesUnavailable(message, reason, status, seconds)
    # Without Kubernetes' own form a proxy or a stranger answered: that says nothing of the Job.
    if not is_status:
        return KubernetesUnavailable(f"{message}, not in Kubernetes' form", reason, status)
    if status == CONFLICT:
        return Conflict(message, reason, status)
    if status in (NOT_FOUND, GONE):
        return Gone(message, reason, status)
    return KubernetesRefused(message, reason, status)

"""The client against answers that no working cluster gives, and its tokens."""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from pydantic import SecretStr

from glue.errors import InputError
from glue.leaderboard.kubernetes import connection
from glue.leaderboard.kubernetes.client import Cluster, Kubernetes
from glue.leaderboard.kubernetes.errors import (
    Conflict,
    Gone,
    KubernetesError,
    KubernetesRefused,
    KubernetesUnavailable,
)
from glue.leaderboard.kubernetes.token import PREFIX, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLUSTER = Cluster(name="staging", endpoint="http://127.0.0.1:1", certificate_authority="")


def sts(**options: Any) -> Any:
    return boto3.client(
        "sts", region_name="eu-central-1", aws_access_key_id="AKIA", aws_secret_access_key="s",
        **options,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(connection, "LONGEST_WAIT_SECONDS", 0.002)


class Answers:
    """Answers in their order, the last one for ever; keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def status(code: int, reason: str = "", message: str = "said", **headers: str) -> httpx.Response:
    body = {"kind": "Status", "status": "Failure", "reason": reason, "message": message}
    return httpx.Response(code, json=body, headers=headers)


@pytest.fixture
def make() -> Iterator[Callable[[Answers], Kubernetes]]:
    made: list[Kubernetes] = []

    def _make(answers: Answers) -> Kubernetes:
        transport = httpx.MockTransport(answers)
        made.append(Kubernetes(CLUSTER, Tokens(sts(), "staging"), transport=transport))
        return made[-1]

    yield _make
    for found in made:
        found.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(400, "BadRequest"), KubernetesRefused),
        (status(403, "Forbidden"), KubernetesRefused),
        (status(422, "Invalid"), KubernetesRefused),
        (status(401, "Unauthorized"), KubernetesRefused),
        (status(404, "NotFound"), Gone),
        (status(410, "Expired"), Gone),
        (status(409, "AlreadyExists"), Conflict),
        (status(429, "TooManyRequests"), KubernetesUnavailable),
        (status(500, "InternalError"), KubernetesUnavailable),
        (status(503), KubernetesUnavailable),
        (httpx.Response(404, text="<html>"), KubernetesUnavailable),
        (httpx.Response(403, json=["no"]), KubernetesUnavailable),
        (httpx.Response(302, headers={"location": "http://elsewhere"}), KubernetesUnavailable),
        (httpx.Response(200, text="<html>"), KubernetesUnavailable),
        (httpx.Response(200, json=[]), KubernetesUnavailable),
        (httpx.ConnectError("refused"), KubernetesUnavailable),
        (httpx.ReadTimeout(""), KubernetesUnavailable),
    ],
)
def test_errors(make: Any, answer: Any, error: type[KubernetesError]) -> None:
    with pytest.raises(KubernetesError) as caught:
        make(Answers(answer)).create_job({})
    assert type(caught.value) is error
    assert str(caught.value).startswith("Kubernetes: ")
    assert caught.value.message


def test_kubernetes_own_words(make: Any) -> None:
    with pytest.raises(KubernetesRefused) as caught:
        make(Answers(status(403, "Forbidden", "jobs is forbidden"))).job("a")
    found = caught.value
    assert (found.message, found.reason, found.status) == ("jobs is forbidden", "Forbidden", 403)


def test_says_when_to_ask_again(make: Any) -> None:
    busy = {"retry-after": "7"}
    with pytest.raises(KubernetesUnavailable) as caught:
        make(Answers(status(429, "TooManyRequests", **busy))).create_job({})
    assert caught.value.retry_after == 7
    with pytest.raises(KubernetesUnavailable) as caught:
        make(Answers(status(503, **{"retry-after": "soon"}))).create_job({})
    assert caught.value.retry_after is None


def test_reading_and_deleting_are_tried_again_and_making_is_not(make: Any) -> None:
    acts: tuple[Callable[[Kubernetes], object], ...] = (
        lambda kubernetes: kubernetes.job("a"),
        lambda kubernetes: kubernetes.delete_job("a"),
        lambda kubernetes: kubernetes.pods("a"),
    )
    for act in acts:
        answers = Answers(status(503), httpx.ConnectError("x"), httpx.Response(200, json={}))
        act(make(answers))
        assert len(answers.asked) == 3
    answers = Answers(status(503), httpx.Response(201, json={}))
    with pytest.raises(KubernetesUnavailable):
        make(answers).create_job({})
    assert len(answers.asked) == 1


def test_gives_up_in_the_end(make: Any) -> None:
    answers = Answers(status(503))
    with pytest.raises(KubernetesUnavailable):
        make(answers).job("a")
    assert len(answers.asked) == 3


def test_a_refused_token_is_renewed_once(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = iter(range(9))
    monkeypatch.setattr(Tokens, "_sign", lambda self: SecretStr(f"{PREFIX}{next(signed)}"))
    answers = Answers(status(401, "Unauthorized"), httpx.Response(201, json={"kind": "Job"}))
    assert make(answers).create_job({}) == {"kind": "Job"}
    tokens = [request.headers["authorization"] for request in answers.asked]
    assert tokens == [f"Bearer {PREFIX}0", f"Bearer {PREFIX}1"]


def test_names_cannot_leave_their_place(make: Any) -> None:
    answers = Answers(httpx.Response(200, json={}))
    make(answers).job("../../secrets/a?b")
    assert answers.asked[0].url.raw_path.decode() == (
        "/apis/batch/v1/namespaces/jobs/jobs/..%2F..%2Fsecrets%2Fa%3Fb"
    )


def test_pages(make: Any) -> None:
    first = {"items": [{"n": 1}], "metadata": {"continue": "next"}}
    answers = Answers(
        httpx.Response(200, json=first), httpx.Response(200, json={"items": None, "metadata": {}})
    )
    assert make(answers).jobs(leaderboard="leaderboard-20", submission="9") == [{"n": 1}]
    queries = [parse_qs(request.url.query.decode()) for request in answers.asked]
    assert queries[0]["labelSelector"] == ["leaderboard=leaderboard-20,submission=9"]
    assert "continue" not in queries[0]
    assert queries[1]["continue"] == ["next"]


def test_a_list_that_lay_open_too_long(make: Any) -> None:
    first = {"items": [], "metadata": {"continue": "next"}}
    with pytest.raises(KubernetesUnavailable):
        make(Answers(httpx.Response(200, json=first), status(410, "Expired"))).jobs()
    with pytest.raises(Gone):
        make(Answers(status(404, "NotFound"))).jobs()


def test_end_of_a_log(make: Any) -> None:
    text = b"x" * 100 + "ü".encode()
    answers = Answers(httpx.Response(200, content=text))
    assert make(answers).log("pod", "agent", lines=5, most_bytes=3) == "xü"
    assert make(answers).log("pod", "agent", most_bytes=1) == "�"
    assert parse_qs(answers.asked[0].url.query.decode()) == {
        "container": ["agent"], "tailLines": ["5"],
    }  # fmt: skip


def test_log_of_what_has_not_started(make: Any) -> None:
    starting = status(400, "BadRequest", 'container "a" in pod "b" is waiting to start: x')
    assert make(Answers(starting)).log("pod", "agent") == ""
    with pytest.raises(KubernetesRefused):
        make(Answers(status(400, "BadRequest", "container x is not valid"))).log("pod", "x")


def test_delete_says_whether_there_was_one(make: Any) -> None:
    answers = Answers(httpx.Response(200, json={}))
    assert make(answers).delete_job("a", uid="u") is True
    assert b'"propagationPolicy":"Foreground"' in answers.asked[0].content
    assert b'"uid":"u"' in answers.asked[0].content
    assert make(Answers(status(404, "NotFound"))).delete_job("a") is False


CONTENT = {"form.json": SecretStr('{"fields": "signed"}')}


def secret_of(request: httpx.Request) -> Any:
    return json.loads(request.content)


def test_a_secret_is_made(make: Any) -> None:
    answers = Answers(httpx.Response(201, json={"kind": "Secret", "data": {"form.json": "e30="}}))
    assert make(answers).put_secret("a", CONTENT, {"submission": "9"}) == {"kind": "Secret"}
    (request,) = answers.asked
    assert (request.method, request.url.path) == ("POST", "/api/v1/namespaces/jobs/secrets")
    sent = secret_of(request)
    assert sent["metadata"] == {"name": "a", "namespace": "jobs", "labels": {"submission": "9"}}
    assert base64.b64decode(sent["data"]["form.json"]) == b'{"fields": "signed"}'


def test_a_secret_is_replaced_with_its_owner(make: Any) -> None:
    answers = Answers(status(409, "AlreadyExists"), httpx.Response(200, json={}))
    job = {"metadata": {"name": "a", "uid": "u", "labels": {}}}
    make(answers).put_secret("a", CONTENT, {}, owner=job)
    made, replaced = answers.asked
    assert (replaced.method, replaced.url.path) == ("PUT", "/api/v1/namespaces/jobs/secrets/a")
    assert secret_of(made) == secret_of(replaced)
    assert secret_of(replaced)["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "Job", "name": "a", "uid": "u"}
    ]


def test_a_secret_that_goes_while_it_is_replaced_is_made_again(make: Any) -> None:
    taken, gone = status(409, "AlreadyExists"), status(404, "NotFound")
    answers = Answers(taken, gone, httpx.Response(201, json={}))
    make(answers).put_secret("a", CONTENT, {})
    assert [request.method for request in answers.asked] == ["POST", "PUT", "POST"]
    answers = Answers(*[status(409, "AlreadyExists"), status(404, "NotFound")] * 9)
    with pytest.raises(KubernetesUnavailable, match="all the time") as caught:
        make(answers).put_secret("a", CONTENT, {})
    assert len(answers.asked) == 6
    assert "signed" not in str(caught.value)


def test_a_secret_is_written_again_when_nothing_answers(make: Any) -> None:
    answers = Answers(httpx.ReadTimeout(""), status(409), httpx.Response(200, json={}))
    make(answers).put_secret("a", CONTENT, {})
    assert [request.method for request in answers.asked] == ["POST", "POST", "PUT"]


def test_a_secret_is_deleted(make: Any) -> None:
    answers = Answers(httpx.Response(200, json={}))
    assert make(answers).delete_secret("a/b") is True
    assert answers.asked[0].url.raw_path == b"/api/v1/namespaces/jobs/secrets/a%2Fb"
    assert make(Answers(status(404, "NotFound"))).delete_secret("a") is False


@pytest.mark.parametrize("endpoint", ["http://example.com", "ftp://127.0.0.1", "https://", "x"])
def test_no_token_over_an_open_line(endpoint: str) -> None:
    with pytest.raises(InputError, match="no address of a cluster"):
        Kubernetes(
            Cluster(name="a", endpoint=endpoint, certificate_authority=""), Tokens(sts(), "a")
        )


@pytest.mark.parametrize("certificate", ["", "%%", base64.b64encode(b"no pem").decode()])
def test_https_needs_the_clusters_certificate(certificate: str) -> None:
    cluster = Cluster(name="a", endpoint="https://a.eks", certificate_authority=certificate)
    with pytest.raises(InputError, match="no certificate in PEM form"):
        Kubernetes(cluster, Tokens(sts(), "a"))


def test_https_trusts_the_cluster_only(certificate: str) -> None:
    cluster = Cluster(name="a", endpoint="https://a.eks", certificate_authority=certificate)
    with Kubernetes(cluster, Tokens(sts(), "a")) as kubernetes:
        context: Any = kubernetes._connection._http._transport._pool._ssl_context  # type: ignore[attr-defined]
        assert len(context.get_ca_certs()) == 1
        assert context.check_hostname


@pytest.fixture(scope="module")
def certificate() -> str:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def question(token: SecretStr) -> dict[str, list[str]]:
    encoded = token.get_secret_value().removeprefix(PREFIX)
    assert "=" not in encoded
    address = urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    assert (address.scheme, address.netloc) == ("https", "sts.eu-central-1.amazonaws.com")
    return parse_qs(address.query)


def test_token_is_a_signed_question_for_one_cluster() -> None:
    asked = question(Tokens(sts(), "staging").current())
    assert asked["Action"] == ["GetCallerIdentity"]
    assert asked["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert asked["X-Amz-Expires"] == ["60"]
    other = question(Tokens(sts(), "prod").current())
    assert asked["X-Amz-Signature"] != other["X-Amz-Signature"]


def test_token_is_kept_for_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = iter(range(9))
    monkeypatch.setattr(Tokens, "_sign", lambda self: SecretStr(str(next(signed))))
    now = [0.0]
    tokens = Tokens(sts(), "staging", lambda: now[0])
    first = tokens.current()
    now[0] = 599
    assert tokens.current() == first
    now[0] = 600
    second = tokens.current()
    assert second != first
    # One that was refused is not asked for twice; another than it stays.
    assert tokens.renew(first) == second
    assert tokens.renew(second) != second


def test_threads_share_a_token() -> None:
    tokens, found = Tokens(sts(), "staging"), set()
    threads = [
        threading.Thread(target=lambda: found.add(tokens.current().get_secret_value()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1

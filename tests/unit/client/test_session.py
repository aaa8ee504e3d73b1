"""Credentials, tokens, retries and what errors look like."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from glue.client import profile as profiles
from glue.client.connections import Connections
from glue.client.profile import Profile, find_profile
from glue.client.retries import (
    GaveUpError,
    TemporaryError,
    attempts,
    check_certificate,
    retry_after,
)
from glue.client.session import Session, path_of
from glue.client.transport import Content, FileShrankError, RefusedError, Slice, Transport
from glue.errors import Conflict, Forbidden, InputError, NotFound, Unauthorised
from tests.unit.client.conftest import PATIENCE
from tests.unit.client.fake import Fake

VALUES = {"url": "http://127.0.0.1:1/v1", "api_key": "k", "device": "d", "secret": "s p"}


def test_one_token_for_many_calls(fake: Fake, session: Session) -> None:
    session.get("/recordings")
    session.get("/recordings")
    assert fake.count("POST /v1/token") == 1


def test_a_token_is_renewed_before_it_expires(fake: Fake, session: Session) -> None:
    fake.token_lifetime = 0
    session.get("/recordings")
    session.get("/recordings")
    assert fake.count("POST /v1/token") == 2


def test_a_rejected_token_is_renewed_once(fake: Fake, session: Session) -> None:
    session.get("/recordings")
    fake.tokens.clear()
    session.get("/recordings")
    assert fake.count("POST /v1/token") == 2
    fake.fault("GET /v1/recordings", 401, times=9)
    with pytest.raises(Unauthorised, match="credentials"):
        session.get("/recordings")
    assert fake.count("POST /v1/token") == 3


@pytest.mark.parametrize(
    ("kind", "error"),
    [(400, InputError), (403, Forbidden), (404, NotFound), (409, Conflict), (413, InputError),
     (418, InputError), ("junk", InputError)],
)  # fmt: skip
def test_errors_without_words_of_ours(
    fake: Fake, session: Session, kind: object, error: type[InputError]
) -> None:
    fake.fault("GET /v1/recordings", kind)  # type: ignore[arg-type]
    with pytest.raises(error) as caught:
        session.get("/recordings")
    assert type(caught.value) is error
    assert caught.value.remedy


def test_errors_with_words_of_ours(fake: Fake, session: Session) -> None:
    with pytest.raises(NotFound) as caught:
        session.get(path_of("recordings", "a/b"))
    assert caught.value.to_dict() == {
        "code": "invalid", "field": "recording", "message": "there is no a/b",
        "remedy": "do otherwise",
    }  # fmt: skip
    wrong = Session(Profile(**(fake.profile() | {"secret": "guess"})))
    with pytest.raises(Unauthorised, match="secret"):
        wrong.get("/recordings")
    wrong.close()
    wrong = Session(Profile(**(fake.profile() | {"api_key": "guess"})))
    with pytest.raises(Forbidden, match="api_key"):
        wrong.get("/recordings")
    wrong.close()


def test_nobody_answers() -> None:
    with (
        Session(Profile(**VALUES), patience=0.1) as session,
        pytest.raises(GaveUpError, match="network") as caught,
    ):
        session.get("/recordings")
    assert caught.value.code == "unreachable"


def test_a_stop_ends_the_trying(fake: Fake) -> None:
    fake.fault("token", 500, times=10_000)
    with Session(Profile(**fake.profile()), patience=None) as session:
        session.stop.set()
        with pytest.raises(GaveUpError):
            session.get("/recordings")
    assert fake.count("token") == 1


def test_a_connection_that_was_closed_meanwhile(fake: Fake, session: Session) -> None:
    session.patience = 0.0001
    session.get("/recordings")
    fake.fault("GET /v1/recordings", "drop")
    session.get("/recordings")  # the same try, on a new connection


def test_pages(fake: Fake, session: Session) -> None:
    for number in range(5):
        fake.recordings[f"r{number}"] = {
            "recording": f"r{number}", "state": "processed", "device": "rig",
        }  # fmt: skip
    pages = list(session.pages("/recordings", [("limit", "2")]))
    assert [len(page["recordings"]) for page in pages] == [2, 2, 1]


# --- retries --------------------------------------------------------------------------------


def test_retry_after_values() -> None:
    assert retry_after("2.5") == 2.5
    assert retry_after("Wed, 21 Oct 2026 07:28:00 GMT") is None
    assert retry_after(None) is None


def test_attempts_end() -> None:
    tries = 0

    def go_on(error: Exception) -> None:
        nonlocal tries
        for attempt in attempts(None, None, 3):
            with attempt:
                tries += 1
                raise error

    with pytest.raises(TemporaryError):
        go_on(TemporaryError("no", 0.0))
    assert tries == 3
    with pytest.raises(ValueError, match="other"):
        go_on(ValueError("other"))
    assert tries == 4


def test_a_certificate_that_is_none() -> None:
    error = ConnectionError("no")
    check_certificate(error, "host")
    error.__cause__ = ssl.SSLCertVerificationError(1, "bad")
    error.__cause__.verify_message = "self-signed"
    with pytest.raises(InputError, match="self-signed"):
        check_certificate(error, "host")


# --- S3 -------------------------------------------------------------------------------------


def test_bytes_through_tls_go_block_by_block(tmp_path: Path) -> None:
    class Secure:
        sent = b""

        def sendall(self, block: bytes) -> None:
            self.sent += block

    path = tmp_path / "a"
    path.write_bytes(b"0123456789" * 60_000)
    counts: list[int] = []
    secure: Any = Secure()
    with path.open("rb", buffering=0) as file:
        body = Slice(file, 10, 300_000)
        body.send(secure, counts.append)
    assert secure.sent == path.read_bytes()[10:300_010]
    assert sum(counts) == body.length


def test_refusals_and_temporary_failures(fake: Fake, transport: Transport) -> None:
    counts: list[int] = []
    url = f"{fake.url}/s3/x?expires=0"
    with pytest.raises(RefusedError, match="403 AccessDenied: Request has expired") as caught:
        transport.put(url, {}, Content(memoryview(b"abc")), counts.append)
    assert caught.value.status == 403
    assert sum(counts) == 0
    fake.fault("PUT", 503, code="SlowDown", retry_after="7")
    with pytest.raises(TemporaryError, match="SlowDown") as slow:
        transport.put(url, {}, Content(memoryview(b"abc")))
    assert slow.value.retry_after == 7


def test_tls_and_proxies(monkeypatch: pytest.MonkeyPatch, fake: Fake) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    secure = f"https://127.0.0.1:{fake.port}/"
    connections = Connections(timeout=2)
    with pytest.raises(TemporaryError), connections.exchange("GET", secure, {}):
        pass
    connections.close()
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{fake.port}")
    connections = Connections(timeout=PATIENCE)
    # The server here knows no CONNECT: that it is asked is what matters.
    exchange = connections.exchange("GET", "https://example.invalid/", {})
    with pytest.raises(TemporaryError, match="Tunnel"), exchange:
        pass
    connections.close()


# --- profiles -------------------------------------------------------------------------------


def test_nothing_is_set(home: Path) -> None:
    with pytest.raises(InputError, match="make up"):
        find_profile("shipper")


def test_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVING_GROUND_URL", VALUES["url"])
    with pytest.raises(InputError, match="PROVING_GROUND_API_KEY"):
        find_profile("shipper")
    for name, value in VALUES.items():
        monkeypatch.setenv(f"PROVING_GROUND_{name.upper()}", value)
    found = find_profile("shipper")
    assert found.secret == "s p"
    assert "s p" not in repr(found)
    monkeypatch.setenv("PROVING_GROUND_URL", "ftp://x")
    with pytest.raises(InputError, match="url"):
        find_profile("shipper")


def test_by_file_and_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = home / "local" / "profiles" / "shipper.json"
    local.parent.mkdir(parents=True)
    local.write_text(json.dumps(VALUES | {"device": "local"}))
    assert find_profile("shipper").device == "local"
    with pytest.raises(InputError):
        find_profile("operator")
    config = home / "config" / "proving-ground"
    config.mkdir(parents=True)
    (config / "default.json").write_text(json.dumps(VALUES | {"device": "default"}))
    assert find_profile("shipper").device == "default"
    (config / "lab.json").write_text(json.dumps(VALUES | {"device": "lab"}))
    monkeypatch.setenv("PROVING_GROUND_PROFILE", "lab")
    assert find_profile("shipper").device == "lab"
    assert find_profile("shipper", str(local)).device == "local"


def test_the_local_cloud_beside_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PROVING_GROUND_LOCAL_HOME")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "build" / "local" / "profiles" / "researcher.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(VALUES))
    assert profiles.find_profile("researcher").device == "d"


@pytest.mark.parametrize(
    ("content", "word"),
    [("{}", "url"), ("junk", "not JSON"), ("[]", "document"),
     (json.dumps(VALUES | {"device": ""}), "device")],
)  # fmt: skip
def test_profiles_that_are_none(tmp_path: Path, content: str, word: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(InputError, match=word):
        find_profile("shipper", str(path))
    with pytest.raises(InputError, match="cannot be read"):
        find_profile("shipper", str(tmp_path / "gone.json"))


def test_threads_share_a_session(fake: Fake, session: Session) -> None:
    threads = [threading.Thread(target=session.get, args=("/recordings",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake.count("POST /v1/token") == 1
    assert fake.count("GET /v1/recordings") == 8


def test_a_broken_connection_is_not_taken_for_a_file_that_shrank(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(3_000_000))
    ours, theirs = socket.socketpair()
    ours.settimeout(0.2)
    with path.open("rb", buffering=0) as file, ours:
        file.seek(0, 2)  # where another thread may have left it
        with pytest.raises(TimeoutError, match="takes no more bytes"):
            Slice(file, 0, 3_000_000).send(ours, lambda _: None)
        theirs.close()
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            Slice(file, 0, 3_000_000).send(ours, lambda _: None)
        reader, writer = socket.socketpair()
        with reader, writer, pytest.raises(FileShrankError):
            Slice(file, 2_999_990, 20).send(writer, lambda _: None)

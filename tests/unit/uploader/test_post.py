"""One request: what is checked, and what a server's bad manners come to."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from glue.uploader.form import Form, read_form
from glue.uploader.post import Outcome, Poster, Verdict
from tests.unit.uploader.bucket import PREFIX, Bucket, put_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def form_of(tmp_path: Path, address: str) -> Form:
    put_form(tmp_path / "form.json", Bucket().form(address=address))
    return read_form(tmp_path / "form.json")


def post(form: Form, path: Path, poster: Poster | None = None) -> Outcome:
    file = os.open(path, os.O_RDONLY)
    sender = poster or Poster(timeout=60)
    try:
        return sender.post(form, f"{PREFIX}key", file, path.stat().st_size, lambda: False)
    finally:
        os.close(file)
        sender.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)
    return path


@contextmanager
def rude(behaviour: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen, do that to everybody who calls, and hang up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                behaviour(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_refusal_before_all_has_come_is_heard(tmp_path: Path, path: Path) -> None:
    body = b"<Error><Code>EntityTooLarge</Code></Error>"

    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):  # as a server drains what it does not want
            pass

    with rude(refuse) as address:
        outcome = post(form_of(tmp_path, address), path)
    assert outcome == (Verdict.REFUSED, "S3 refuses it: answer 400 EntityTooLarge")


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def early_success(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")
    reset(connection)


def nonsense(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0\r\n\r\n")
    while connection.recv(65536):
        pass


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while True:
            connection.sendall(b"1000\r\n%s\r\n" % (b"x" * 4096))
    except OSError:
        pass


@pytest.mark.parametrize("behaviour", [reset, early_success, nonsense])
def test_bad_manners_are_no_success(
    tmp_path: Path, path: Path, behaviour: Callable[[socket.socket], None]
) -> None:
    with rude(behaviour) as address:
        assert post(form_of(tmp_path, address), path).verdict is Verdict.FAILED


def test_an_endless_answer_is_not_read_to_its_end(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(b"x")
    with rude(endless) as address:
        assert post(form_of(tmp_path, address), small).verdict is Verdict.OLD_FORM


def test_silence_ends_in_time(tmp_path: Path, path: Path) -> None:
    held: list[socket.socket] = []
    with rude(lambda connection: held.append(connection.dup())) as address:
        outcome = post(form_of(tmp_path, address), path, Poster(timeout=0.2))
    assert outcome.verdict is Verdict.FAILED
    for connection in held:  # none where the time was over before it was taken
        connection.close()


def test_a_file_that_cannot_be_read_to_its_end(
    bucket: Bucket, tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: int) -> bytes:
        raise OSError

    monkeypatch.setattr("glue.uploader.post.os.read", read)
    outcome = post(form_of(tmp_path, bucket.address), path)
    assert outcome == (Verdict.REFUSED, "cannot be read (OSError)")
    assert not bucket.objects


class TestCertificates:
    @pytest.fixture
    def address(self, tmp_path: Path) -> Iterator[str]:
        """Serve HTTPS with a certificate that nobody has signed; it lies at tmp_path/cert.pem."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bucket")])
        now = dt.datetime.now(dt.UTC)
        alternative = x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(alternative, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(pem))
        (tmp_path / "key.pem").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield f"https://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        server.server_close()

    def test_a_strangers_certificate_is_refused(
        self, address: str, tmp_path: Path, path: Path
    ) -> None:
        outcome = post(form_of(tmp_path, address), path)
        assert outcome == (Verdict.FAILED, "no connection (SSLCertVerificationError)")

    def test_a_known_one_is_taken(
        self, address: str, tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert post(form_of(tmp_path, address), path) == (Verdict.SENT, "")

    def test_for_another_host_it_is_refused(
        self, address: str, tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        outcome = post(form_of(tmp_path, address.replace("127.0.0.1", "localhost")), path)
        assert outcome == (Verdict.FAILED, "no connection (SSLCertVerificationError)")

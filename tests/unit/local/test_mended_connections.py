"""What becomes of connections of the running local cloud."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from glue.local.clients import LocalSession
    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

PATIENCE = 60  # seconds; idle connections are kept for ten minutes
MANY = 20
HEALTH = b"GET /_localstack/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{"


def half_closed(cloud: Cloud) -> int:
    """Count the server's ends of connections whose clients have closed theirs."""
    return sum(
        tuple(found.laddr)[1:] == (cloud.port,) and found.status == psutil.CONN_CLOSE_WAIT
        for found in psutil.net_connections("tcp")
    )


def wait_until_closed(cloud: Cloud) -> None:
    deadline = time.monotonic() + PATIENCE
    while left := half_closed(cloud):
        assert time.monotonic() < deadline, f"{left} are left"
        time.sleep(0.1)


@pytest.mark.parametrize("question", [b"", HEALTH, HALF], ids=["none", "answered", "broken off"])
def test_what_its_client_has_closed_is_closed(cloud: Cloud, question: bytes) -> None:
    clients = [socket.create_connection(("127.0.0.1", cloud.port), PATIENCE) for _ in range(MANY)]
    for client in clients:
        client.sendall(question)
        if question == HEALTH:
            assert client.recv(1 << 20).startswith(b"HTTP/1.1 200")
    for client in clients:
        client.close()
    wait_until_closed(cloud)


def test_who_does_not_wait_for_an_answer(cloud: Cloud, session: LocalSession) -> None:
    made = session.client("sqs").create_queue(QueueName="slow")["QueueUrl"]
    hurried = Config(read_timeout=0.5, retries={"total_max_attempts": 1})
    client = session.client("sqs", config=hurried)
    for _ in range(3):
        with pytest.raises(ReadTimeoutError):
            client.receive_message(QueueUrl=made, WaitTimeSeconds=3)
    client.close()
    wait_until_closed(cloud)


def test_what_its_client_keeps_is_kept(cloud: Cloud) -> None:
    with socket.create_connection(("127.0.0.1", cloud.port), PATIENCE) as client:
        for _ in range(3):
            client.sendall(HEALTH)
            assert client.recv(1 << 20).startswith(b"HTTP/1.1 200")
            time.sleep(0.2)

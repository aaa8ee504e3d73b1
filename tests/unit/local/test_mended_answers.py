"""Answers of the running local cloud as they come out of the socket."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

QUESTION = b"GET /_localstack/health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_head_and_body_of_an_answer_come_together(cloud: Cloud) -> None:
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=60) as client:
        for _ in range(200):
            client.sendall(QUESTION)
            head, _, body = client.recv(1 << 20).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            lengths = [
                line.partition(b":")[2]
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ]
            assert [len(body)] == [int(length) for length in lengths]

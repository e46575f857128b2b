"""The server's worker over real connections: kept open, more of them than threads, pipelined, closed in between."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from mes.load import free_port, running_server
from mes.setup import open_database

HEALTH = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A server as `mes serve` runs it, on a database of its own."""
    url = f"sqlite:///{tmp_path / 'atelier.db'}"
    open_database(url, create=True).dispose()
    chosen = free_port()
    with running_server(url, chosen, log=tmp_path / "server.log"):
        yield chosen


def answers(port: int, request: bytes, count: int) -> list[bytes]:
    """Send bytes, and read until that many answers have begun and the last one is whole."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(request)
        got = b""
        while got.count(b"HTTP/1.1 ") < count or not got.endswith(b"}\n"):
            piece = line.recv(65_536)
            assert piece, got
            got += piece
    return got.split(b"HTTP/1.1 ")[1:]


def test_more_connections_than_threads_are_all_served_again_and_again(port: int) -> None:
    lines = [HTTPConnection("127.0.0.1", port, timeout=10) for _ in range(80)]
    for _round in range(3):
        for line in lines:
            line.request("GET", "/health")
        assert {line.getresponse().read() for line in lines} == {b'{"ok":true}\n'}
    for line in lines:
        line.close()


def test_requests_that_come_together_are_answered_in_order(port: int) -> None:
    both = answers(port, HEALTH + HEALTH.replace(b"/health", b"/nowhere") + HEALTH, 3)
    assert [each[:3] for each in both] == [b"200", b"404", b"200"]


def test_a_connection_that_is_closed_after_its_answer_troubles_nobody(port: int) -> None:
    for _ in range(20):
        assert answers(port, HEALTH, 1)[0].startswith(b"200")

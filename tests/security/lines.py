"""Raw connections to a server that runs as `mes serve` runs it: what no HTTP client would send."""

from __future__ import annotations

import base64
import os
import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mes.load import free_port, running_server
from mes.setup import open_database

PATIENCE_S = 40  # a limit for tests that hang, not a time that is measured
HOST = b"Host: localhost\r\n"
LAST = HOST + b"Connection: close\r\n"


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """A server on a database of its own; yields its port."""
    url = f"sqlite:///{folder / 'atelier.db'}"
    open_database(url, create=True).dispose()
    port = free_port()
    with running_server(url, port, log=folder / "server.log"):
        yield port


def line(port: int, said: bytes = b"") -> socket.socket:
    """A connection on which something has been said already."""
    made = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    made.sendall(said)
    return made


def said(connection: socket.socket) -> bytes:
    """Everything that comes until the other side closes."""
    out = b""
    try:
        while piece := connection.recv(65_536):
            out += piece
    except ConnectionResetError:
        pass
    return out


def ask(port: int, request: bytes) -> bytes:
    """What a server says to some bytes until it closes the connection."""
    with closing(line(port, request)) as connection:
        return said(connection)


def status(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split(b" ", 2)[1])


def is_well(port: int) -> bool:
    """Does the server answer a well-formed request?"""
    return ask(port, b"GET /health HTTP/1.1\r\n" + LAST + b"\r\n").endswith(b'{"ok":true}\n')


def web_socket(port: int, *, packed: bool = False) -> socket.socket:
    """A web socket as a board opens it, before the first word of Socket.IO."""
    key = base64.b64encode(os.urandom(16)).decode()
    wanted = {
        "Host": f"localhost:{port}",
        "Origin": f"http://localhost:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
    } | ({"Sec-WebSocket-Extensions": "permessage-deflate"} if packed else {})
    head = "".join(f"{name}: {value}\r\n" for name, value in wanted.items())
    return line(port, f"GET /socket.io/?EIO=4&transport=websocket&lang=fr HTTP/1.1\r\n{head}\r\n".encode())


def frame(data: bytes, *, packed: bool = False) -> bytes:
    """A text message of a web socket's client (RFC 6455, 5.2), compressed if wished (RFC 7692, 7.2)."""
    first = 0x81
    if packed:
        work = zlib.compressobj(wbits=-15)
        data = (work.compress(data) + work.flush(zlib.Z_SYNC_FLUSH))[:-4]
        first |= 0x40
    mask = os.urandom(4)
    short, middle = len(data) < 126, len(data) < 65_536
    size = bytes([0x80 | (len(data) if short else 126 if middle else 127)])
    size += b"" if short else struct.pack(">H" if middle else ">Q", len(data))
    whole = (mask * (len(data) // 4 + 1))[: len(data)]
    hidden = (int.from_bytes(data) ^ int.from_bytes(whole)).to_bytes(len(data))
    return bytes([first]) + size + mask + hidden

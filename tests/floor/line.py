"""A bad line between stations and server: a TCP proxy in this process that breaks one exchange at a time, as told.

It knows where an HTTP message ends and nothing of what it says. Each fault is something that Wi-Fi, a switch, a proxy
or a dying server does; each request is counted by path, each answer by status.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Literal, Self

Fault = Literal[
    "none",  # as it should be
    "black_hole",  # accepted, read, and never answered; the server gets nothing
    "lose_request",  # cut before the server has it
    "lose_reply",  # cut after the server has answered
    "hang_up",  # cut as soon as the server has the request, whether it has answered or not
    "truncate",  # half of the answer's body, then cut
    "truncate_head",  # not even all of the answer's first line
    "half_close",  # half of the answer, then the end of the stream; the connection itself stays
    "twice",  # the server gets it twice, the second time on a connection of its own, at the same moment
]
Choice = Callable[[str], Fault]


def well(_: str) -> Fault:
    """Nothing is broken."""
    return "none"


class BadLine:
    """Listens on a port of its own and talks to the server's. A context manager; `fault` may be changed at any time."""

    def __init__(self, server_port: int) -> None:
        """Bind a port.

        Args:
            server_port: the server's, on this machine.
        """
        self.fault: Choice = well
        """Asked once a request, with its path."""
        self.before_reply: Callable[[str, int], None] = lambda path, status: None
        """Called with path and status when the server has answered and the station has not got it yet."""
        self.after_request: Callable[[str], None] = lambda path: None
        """Called with the path when the server has got the whole request."""
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.sent: list[bytes] = []
        """Every request that the server got, whole, in order: to be sent once more much later."""
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name="bad line", daemon=True)

    @property
    def url(self) -> str:
        """The address for a station's file."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._thread.join(timeout=5)

    def cut(self) -> None:
        """End every connection now."""
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        """Break nothing any more, and end the connections that hang."""
        self.fault = well
        self.cut()

    # --- the threads ---

    def _accept(self) -> None:
        while not self._closing:
            try:
                station, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(station,), name="bad line: one", daemon=True).start()

    def _serve(self, station: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:  # one of the two goes: so does the other
            self._watch(stack, station)
            server: socket.socket | None = None
            while (request := read_message(station)) is not None:
                path = request.split(b" ", 2)[1].decode("ascii", "replace").partition("?")[0]
                self.requests[path] += 1
                fault = self.fault(path)
                if fault == "lose_request":
                    return
                if fault == "black_hole":
                    drain(station)
                    return
                if server is None:
                    server = self._to_server(stack)
                if not self._exchange(station, server, path, request, fault):
                    return

    def _exchange(self, station: socket.socket, server: socket.socket, path: str, request: bytes, fault: Fault) -> bool:
        """Carry one request and its answer; True when the connection can be used again."""
        twin: threading.Thread | None = None
        if fault == "twice":
            twin = threading.Thread(target=self.again, args=(request,), name="bad line: twin", daemon=True)
            twin.start()
        server.sendall(request)
        self.sent.append(request)
        self.after_request(path)
        if fault == "hang_up":
            station.shutdown(socket.SHUT_RDWR)
        reply = read_message(server)
        if twin is not None:
            twin.join(timeout=60)
        if reply is None:
            return False
        status = status_of(reply)
        self.statuses[status] += 1
        self.before_reply(path, status)
        head, blank, body = reply.partition(b"\r\n\r\n")
        match fault:
            case "lose_reply" | "hang_up":
                return False
            case "truncate_head":
                station.sendall(head[:7])
                return False
            case "truncate" | "half_close":
                station.sendall(head + blank + body[: len(body) // 2])
                if fault == "half_close":
                    station.shutdown(socket.SHUT_WR)
                    drain(station)
                return False
            case _:
                station.sendall(reply)
                return True

    def again(self, request: bytes) -> None:
        """Send a request to the server on a connection of its own; nobody gets the answer."""
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            server = self._to_server(stack)
            server.sendall(request)
            reply = read_message(server)
            if reply is not None:
                self.statuses[status_of(reply)] += 1

    def _to_server(self, stack: contextlib.ExitStack) -> socket.socket:
        server = socket.create_connection(("127.0.0.1", self._server_port), timeout=60)
        self._watch(stack, server)
        return server

    def _watch(self, stack: contextlib.ExitStack, connection: socket.socket) -> None:
        """Close it at the end of `stack`, and let `cut` end it before."""

        def forget() -> None:
            with self._lock:
                self._open.discard(connection)
            connection.close()

        stack.callback(forget)
        with self._lock:
            self._open.add(connection)


def read_message(connection: socket.socket) -> bytes | None:
    """One whole HTTP message with a Content-Length, or without a body; None when the connection ends before."""
    data = b""
    while (at := data.find(b"\r\n\r\n")) < 0:
        piece = connection.recv(65_536)
        if not piece:
            return None
        data += piece
    length = 0
    for line in data[:at].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(data) < at + 4 + length:
        piece = connection.recv(65_536)
        if not piece:
            return None
        data += piece
    return data


def status_of(reply: bytes) -> int:
    """The status of an answer: `HTTP/1.1 200 OK`."""
    return int(reply.split(b" ", 2)[1])


def drain(connection: socket.socket) -> None:
    """Read and forget, until the other side ends."""
    while connection.recv(65_536):
        pass

"""The reference server behind real HTTP on loopback, with a switch for everything that can go wrong on the way.

A stand-in for the network side only: the station's half that is tested against it is the real one.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mes.wire import EnrollReply, EnrollRequest, FloorReply
from tests.stations.reference_server import ReferenceServer

TOKEN = "mst_1_secret"
CODE = "PINE-4711"


@dataclass(frozen=True)
class Trouble:
    """What happens to one request.

    `status` answers without handling it. With `handle` 0 nothing is stored and nothing answered. `cut` sends only half
    of the reply, `garbage` another text; `hold` waits until the event is set or the server closed, then handles it.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    handle: int = 1  # how often it arrives
    cut: bool = False
    garbage: bytes | None = None
    hold: threading.Event | None = None


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    token: str | None
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class WireServer:
    """Serves until `close`. `script` puts troubles on a path, one after the other; without one all goes well."""

    def __init__(self, folder: Path, tls: tuple[Path, Path] | None = None, *, port: int = 0) -> None:
        self.authority = ""  # PEM, given to everybody at /ca.pem
        self.reference = ReferenceServer(folder / "server.db")
        self.plan: dict[str, Any] = {"revision": 1, "hash": "a" * 64, "content": {}}
        self.floor = FloorReply(cursor=7, whole=True, orders=(), units=(), components=(), held_lots=())
        self.seen: list[Seen] = []
        self._script: dict[str, list[Trouble]] = {}
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._http.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._http.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        for troubles in self._script.values():
            for trouble in troubles:
                if trouble.hold is not None:
                    trouble.hold.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        with contextlib.suppress(Exception):
            self.reference.close()

    def script(self, path: str, *troubles: Trouble) -> None:
        """The next requests to this path meet these troubles, in this order."""
        self._script.setdefault(path, []).extend(t for trouble in troubles for t in [trouble] * trouble.times)

    def requests(self, path: str) -> list[Seen]:
        """What came to this path so far."""
        return [seen for seen in list(self.seen) if seen.path.split("?")[0] == path]

    def _next_trouble(self, path: str) -> Trouble:
        waiting = self._script.get(path)
        return waiting.pop(0) if waiting else Trouble()

    def answer(self, seen: Seen) -> tuple[int, bytes]:
        path = seen.path.split("?")[0]
        if path == "/ca.pem":
            return 200, self.authority.encode()
        if path == "/api/v1/enroll":
            if EnrollRequest.model_validate_json(seen.body).code != CODE:
                return 403, b'{"error": "bad_code", "message": "This code is not known. Ask for a new one."}'
            return 200, EnrollReply(station="bench-1", token=TOKEN).model_dump_json().encode()
        if seen.token != f"Bearer {TOKEN}":
            return 401, b'{"error": "token", "message": ""}'
        if path == "/api/v1/plan":
            return 200, json.dumps(self.plan).encode()
        if path == "/api/v1/floor":
            return 200, self.floor.model_dump_json().encode()
        return self.reference.post(path, seen.body)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    super().handle_one_request()
                    return
                self.close_connection = True

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                seen = Seen(self.command, self.path, self.headers.get("Authorization"), body)
                server.seen.append(seen)
                trouble = server._next_trouble(self.path.split("?")[0])
                if trouble.hold is not None:
                    trouble.hold.wait(30)
                if server._closing.is_set():
                    self.close_connection = True
                    return
                status, content = trouble.status, b'{"error": "told", "message": ""}'
                if status is None:
                    if trouble.handle == 0:
                        self.close_connection = True
                        return
                    for _ in range(trouble.handle):
                        status, content = server.answer(seen)
                assert status is not None
                content = trouble.garbage if trouble.garbage is not None else content
                self.send_response(status)
                for name, value in trouble.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if trouble.cut else content)
                if trouble.cut:
                    self.close_connection = True

        return Handler


@contextlib.contextmanager
def serving(folder: Path, tls: tuple[Path, Path] | None = None, *, port: int = 0) -> Iterator[WireServer]:
    """A server for the length of a block."""
    server = WireServer(folder, tls, port=port)
    try:
        yield server
    finally:
        server.close()

"""Serves the bench page on this machine only, in threads of the agent's process.

Waitress writes each piece of the stream to the socket as it comes: a change is in the browser a few milliseconds later.
It knows nothing of what the page shows.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from stations.screen.app import MAX_STREAMS, create_bench_app
from stations.screen.source import ScreenSource

HOST: Final = "127.0.0.1"
PORT: Final = 8470
THREADS: Final = MAX_STREAMS + 4  # a stream holds a thread; four are left for pages, pictures and what is pressed


class LoopbackServer:
    """A WSGI application on 127.0.0.1. `with LoopbackServer(app) as server:` runs it until the block ends."""

    def __init__(self, app: Any, *, port: int = PORT, closing: threading.Event | None = None) -> None:
        """Bind the port; 0 takes a free one.

        Raises:
            OSError: when the port is taken.
        """
        self._closing = closing or threading.Event()
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            host=HOST,
            port=port,
            threads=THREADS,
            connection_limit=100,
            channel_request_lookahead=1,  # keeps on reading while a stream runs, and so sees the browser go
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self.port = int(self._server.effective_port)
        self.url = f"http://{HOST}:{self.port}/"
        self._thread = threading.Thread(target=self._server.run, name="bench-page", daemon=True)

    def start(self) -> Self:
        """Begin to answer, in a thread of its own."""
        self._thread.start()
        return self

    def close(self) -> None:
        """End the streams, answer what has begun, give the port back. Takes about a second at most."""
        self._closing.set()
        self._server.task_dispatcher.shutdown(timeout=3)
        # A task that ends at this moment pulls it, too: then all is closed, the trigger with it, before this pull.
        with suppress(OSError):
            self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._sockets))
        self._thread.join(timeout=3)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def bench_server(source: ScreenSource, *, port: int = PORT) -> LoopbackServer:
    """The bench page of `source`, ready to `start()`; its address is the result's `url`."""
    closing = threading.Event()
    app: Flask = create_bench_app(source, closing=closing)
    return LoopbackServer(app, port=port, closing=closing)

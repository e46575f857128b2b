"""A board without a browser: listens to the server's pushes and notes when each ledger position has arrived.

It speaks the few frames of Engine.IO 4 and Socket.IO 5 that a board needs, over a real web socket. What a push says is
not looked at, only how far it reaches.
"""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

# Source: socket.io-protocol 5 and engine.io-protocol 4: the first digit is the packet's type, then Socket.IO's own.
OPEN: Final = "0"
PING, PONG = "2", "3"
CONNECT: Final = "40"
EVENT: Final = "42"
AGAIN_S: Final = 0.5
LISTEN_S: Final = 0.5


class Board:
    """A thread that watches like a board on the wall; after a loss it connects again."""

    def __init__(self, server_url: str, language: str = "fr") -> None:
        parts = urlsplit(server_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._url = f"{scheme}://{parts.netloc}/socket.io/?EIO=4&transport=websocket&lang={language}"
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._positions: list[int] = []
        self._times: list[float] = []
        self.pushes = 0
        self.connections = 0
        self.connected = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Look away."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=3)

    def arrived(self, position: int) -> float | None:
        """When the first push came that reaches this ledger position, Unix time in seconds; None: none has."""
        at = bisect_left(self._positions, position)
        return self._times[at] if at < len(self._times) else None

    def hear(self, frame: str, at: float) -> str | None:
        """Take in one frame; returns what must be answered."""
        if frame == PING:
            return PONG
        if frame.startswith(OPEN):
            return CONNECT
        if frame.startswith(CONNECT):
            self.connections += 1
            self.connected.set()
        elif frame.startswith(EVENT):
            self._pushed(json.loads(frame[len(EVENT) :]), at)
        return None

    def _pushed(self, event: Any, at: float) -> None:
        match event:
            case ["board", {"to": int(position)}]:
                self.pushes += 1
                # After the server's restart its first push may reach less far: what has arrived, has arrived.
                if not self._positions or position > self._positions[-1]:
                    self._positions.append(position)
                    self._times.append(at)
            case _:
                pass

    def _run(self) -> None:
        from simple_websocket import Client, ConnectionClosed, ConnectionError  # comes with the server's packages

        while not self._stop.is_set():
            try:
                socket = Client(self._url, headers={"Origin": self._origin})
            except (OSError, ConnectionError, ConnectionClosed):
                self._stop.wait(AGAIN_S)
                continue
            try:
                while not self._stop.is_set():
                    frame = socket.receive(timeout=LISTEN_S)
                    at = time.time()
                    answer = self.hear(frame, at) if isinstance(frame, str) else None
                    if answer is not None:
                        socket.send(answer)
            except (OSError, ConnectionClosed, ValueError):
                self._stop.wait(AGAIN_S)
            finally:
                with suppress(Exception):
                    socket.close()

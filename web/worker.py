"""gunicorn's threaded worker, with threads that wait for their stations and not for whoever dawdles.

Between two requests of one connection gunicorn hands it to the main thread and back to another thread, which costs as
much as a scan's whole transaction. A station that drains its outbox asks again within a millisecond: its thread waits
that long. On the other hand gunicorn gives a thread to every connection for as long as its request takes to arrive, and
64 half requests would shut the server: here a request has to be whole in time, a connection that says nothing gets no
thread, and one address only so many connections. It knows gunicorn only, no route but that of the sockets, and no rule.
"""

from __future__ import annotations

import errno
import select
import selectors
import socket
from collections import defaultdict
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from gunicorn.workers import gthread

from web.gate import SOCKETS

LINGER_MS: Final = 10  # how long a thread may be kept from other connections; nobody waits while threads are free
FIRST_S: Final = 0.05  # how long a new connection keeps a thread before it has said a word
# From a request's first byte to its last, and to the last of its answer; while threads are free, and when others wait.
CALM_S: Final = (20.0, 120.0)
HURRY_S: Final = (1.5, 20.0)
LEAVE_S: Final = (
    2.0  # how long a closed connection may go on to send what nobody reads; else the answer could be cut off
)
EACH: Final = 128  # connections of one address; a board has six at most
NOT_NOW: Final = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK, errno.EMFILE, errno.ENFILE)
LOOPBACK: Final = ("127.0.0.1", "::1")  # a proxy, a demo's stations: whoever is on this computer needs no such attack


class LingeringWorker(gthread.ThreadWorker):
    """`gthread`, as in gunicorn's documentation, but for what a thread waits for."""

    each = EACH

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since: dict[Any, float] = {}
        """Connection → since when a thread is with its request."""
        self._whole: set[Any] = set()
        """Those of them whose request has arrived."""
        self._leaving: dict[Any, float] = {}
        """Connection that has had its last answer → when it is closed, at the latest."""
        self._of: defaultdict[str, set[Any]] = defaultdict(set)

    # --- the main thread ---

    def accept(self, listener: Any) -> None:
        """Take a connection, unless its address has enough of them."""
        try:
            line, client = listener.accept()
        except OSError as error:
            if error.errno in NOT_NOW:
                return
            raise
        address = client[0] if isinstance(client, tuple) else ""
        if len(self._of[address]) >= self.each and address not in LOOPBACK:
            line.close()
            return
        conn = gthread.TConn(self.cfg, line, client, listener.getsockname())
        self._of[address].add(conn)
        conn.close = partial(self._close, conn, address, conn.close)
        self.nr_conns += 1
        self.enqueue_req(conn)

    def _close(self, conn: Any, address: str, close: Any, graceful: bool = False) -> None:
        """Count a connection out. gunicorn would wait here for the other side, and nobody else be served meanwhile."""
        mine = self._of[address]
        mine.discard(conn)
        if not mine:
            del self._of[address]
        try:
            if graceful and self.alive:
                conn.sock.shutdown(socket.SHUT_WR)
                conn.sock.setblocking(False)
                self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
                self._leaving[conn] = monotonic() + LEAVE_S
                conn.close = close
                return
        except (OSError, ValueError, KeyError):
            pass  # it has gone already
        close()

    def _drain(self, conn: Any, line: Any) -> None:
        try:
            if line.recv(65_536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._leave(conn)

    def _leave(self, conn: Any) -> None:
        del self._leaving[conn]
        with suppress(OSError, ValueError, KeyError):
            self.poller.unregister(conn.sock)
        conn.close()

    def murder_pending(self) -> None:
        """Besides what gunicorn does each second: end what has taken too long."""
        super().murder_pending()
        now = monotonic()
        for conn in [each for each, until in self._leaving.items() if until < now]:
            self._leave(conn)
        to_arrive, to_be_done = HURRY_S if self.tpool._work_queue.qsize() else CALM_S
        for conn, since in tuple(self._since.items()):
            with suppress(OSError):  # of the plain socket: a thread that waits wakes up, also below TLS
                if now - since > to_be_done:
                    socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)
                elif now - since > to_arrive and conn not in self._whole:
                    socket.socket.shutdown(conn.sock, socket.SHUT_RD)

    # --- a thread of the pool ---

    def handle(self, conn: Any) -> Any:
        """Serve a connection's request, and those that follow at once; then give it back to the main thread."""
        if not conn.initialized and not conn.wait_for_data(FIRST_S):
            return gthread._DEFER
        kept = self._in_time(conn)
        while kept is True and self.alive and self._asks_again(conn):
            kept = self._in_time(conn)
        return kept

    def _in_time(self, conn: Any) -> Any:
        self._since[conn] = monotonic()
        try:
            return super().handle(conn)
        finally:
            self._forget(conn)

    def _forget(self, conn: Any) -> None:
        self._since.pop(conn, None)
        self._whole.discard(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The head of a request is here. Without a body it is whole; and a web socket lasts."""
        if "CONTENT-LENGTH" not in dict(req.headers):
            if req.path.startswith(SOCKETS):
                self._forget(conn)
            else:
                self._whole.add(conn)
        return super().handle_request(req, conn)

    def _asks_again(self, conn: Any) -> bool:
        if self.tpool._work_queue.qsize() or conn.is_http2 or conn.parser.unreader.buf.getvalue():
            return False  # others wait for a thread; or the next request has been read already: the main thread's case
        ready = select.poll()
        try:
            ready.register(conn.sock, select.POLLIN)
            return bool(ready.poll(LINGER_MS))
        except (OSError, ValueError):
            return False  # closed: the main thread finds out


class ProxiedWorker(LingeringWorker):
    """Behind a proxy everybody comes from one address: the proxy does the counting."""

    each = 1_000_000

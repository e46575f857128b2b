"""gunicorn's threaded worker, with a thread that waits a moment for the next request of its connection.

Between two requests of one connection gunicorn hands it to the main thread and back to another thread, which costs as
much as a scan's whole transaction. A station that drains its outbox asks again within a millisecond. It knows gunicorn
only, no route and no rule.
"""

from __future__ import annotations

import select
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

LINGER_MS: Final = 10  # how long a thread may be kept from other connections; nobody waits while threads are free


class LingeringWorker(ThreadWorker):
    """`gthread`, as in gunicorn's documentation, but for what a thread does right after an answer."""

    def handle(self, conn: Any) -> Any:
        """Serve a connection's request, and those that follow at once; then give it back to the main thread."""
        kept = super().handle(conn)
        while kept is True and self.alive and self._asks_again(conn):
            kept = super().handle(conn)
        return kept

    def _asks_again(self, conn: Any) -> bool:
        if self.tpool._work_queue.qsize() or conn.is_http2 or conn.parser.unreader.buf.getvalue():
            return False  # others wait for a thread; or the next request has been read already: the main thread's case
        ready = select.poll()
        try:
            ready.register(conn.sock, select.POLLIN)
            return bool(ready.poll(LINGER_MS))
        except (OSError, ValueError):
            return False  # closed: the main thread finds out

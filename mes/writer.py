"""One queue for all who write: fair, in order of arrival, and one fsync for all that wait.

SQLite's own busy handler starves (of two tight-loop writers one may wait for seconds while percentiles look fine), so
the writers of one process take turns here. Everything that waits when a turn begins shares one transaction; answers go
out after its commit. A job that fails is taken back alone; the others are not troubled by it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mes import wire
from mes.db.session import writing
from mes.ingest import Batch, Refusal, ingest
from mes.ledger import Memory

T = TypeVar("T")
Job = tuple[Any, Future[Any]]
"""A `Batch`, or a use case `(session, now) -> result`, and where its outcome goes."""

log = logging.getLogger(__name__)
MAX_TOGETHER: Final = 64  # jobs in one transaction: bounds how long the first of them waits for the last


class Busy(RuntimeError):
    """The database cannot take anything now; nothing was written. Try again."""


class Writer:
    """The queue through which alone this process writes.

    The thread that finds the queue idle does its turn itself: for one station at a time that saves two changes of
    thread, which cost as much as the transaction. What has come meanwhile is the background thread's.

    Args:
        engine: the database.
        clock: the server's time.
        after_commit: called with nothing after each transaction that wrote; it must be quick and must not raise.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        after_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._after_commit = after_commit
        self._jobs: deque[Job] = deque()
        self._turn = threading.Condition()
        self._busy = False
        self._stopping = False
        self._memory = Memory()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def ingest(self, batch: Batch) -> Future[wire.IngestReply | Refusal]:
        """Judge a batch; the future is done after the commit."""
        return self._put(batch)

    def do(self, use_case: Callable[[Session, datetime], T]) -> Future[T]:
        """Run `use_case(session, now)` in its own savepoint; the future is done after the commit."""
        return self._put(use_case)

    def close(self) -> None:
        """Finish what waits, then stop."""
        with self._turn:
            self._stopping = True
            self._turn.notify_all()
        self._thread.join(timeout=10)

    def _put(self, job: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._turn:
            if self._stopping:
                raise Busy("the server is stopping")
            if self._busy or self._jobs:
                self._jobs.append((job, future))
                return future
            self._busy = True
        self._turn_of([(job, future)])
        with self._turn:
            self._busy = False
            if self._jobs:
                self._turn.notify_all()
        return future

    def _run(self) -> None:
        while True:
            with self._turn:
                while self._busy or (not self._jobs and not self._stopping):
                    self._turn.wait()
                if not self._jobs:
                    return
                self._busy = True
                together = [self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_TOGETHER))]
            self._turn_of(together)
            with self._turn:
                self._busy = False
                self._turn.notify_all()

    def _turn_of(self, jobs: Sequence[Job]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with writing(self._engine) as session:
                outcomes = self._work(session, jobs)
        except BaseException as error:
            self._memory.forget()
            failure: BaseException = error
            if isinstance(error, OperationalError):
                log.warning("the database cannot write now: %s", error.orig)
                failure = Busy(str(error.orig))
            else:
                log.exception("a transaction of %d jobs failed", len(jobs))
            for _, future in jobs:
                future.set_exception(failure)
            return
        try:
            self._after_commit()
        except Exception:
            log.exception("after the commit")
        for future, result, problem in outcomes:
            if problem is not None:
                future.set_exception(problem)
            else:
                future.set_result(result)

    def _work(self, session: Session, jobs: Sequence[Job]) -> list[tuple[Future[Any], Any, BaseException | None]]:
        """Neighbouring batches are judged in one fold; a use case stands between them in its own savepoint."""
        out: list[tuple[Future[Any], Any, BaseException | None]] = []
        i = 0
        while i < len(jobs):
            job, future = jobs[i]
            if isinstance(job, Batch):
                j = i
                while j < len(jobs) and isinstance(jobs[j][0], Batch):
                    j += 1
                replies = ingest(session, [b for b, _ in jobs[i:j]], now=self._clock(), memory=self._memory)
                out.extend((f, reply, None) for (_, f), reply in zip(jobs[i:j], replies, strict=True))
                i = j
                continue
            try:
                with session.begin_nested():
                    out.append((future, job(session, self._clock()), None))
            except OperationalError:
                raise  # the database, not the job: all of this turn comes again
            except Exception as error:
                out.append((future, None, error))
            i += 1
        return out

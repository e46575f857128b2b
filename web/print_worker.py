"""The server's printing: one thread a label printer takes the next label of its queue.

It must not know how a label looks, nor what a printer says: that is `mes.zpl` and `mes.domain.printer_talk`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy.orm import Session

from mes import printing, station_printing
from mes.domain.printer import Printer
from mes.domain.printer_talk import Limits, Outcome, deliver
from mes.printer_line import CLOCK, TcpLine
from web.printer_port import SerialLine
from web.site import Site

log = logging.getLogger(__name__)
LOOK_S: Final = 1.0  # how soon a label that was queued by another process, or a printer of a new plan, is seen
REST_S: Final = 5.0  # before a printer that cannot print is tried again


class Here(Protocol):
    """What is needed of the server."""

    def reading(self) -> Any:
        """A session that only looks."""

    def do(self, use_case: Callable[[Session, datetime], Any]) -> Any:
        """A use case, committed."""


def start(site: Site) -> threading.Event:
    """Settle what an earlier run left, then print; setting the event that is returned ends it."""
    stop = threading.Event()
    site.do(lambda session, now: printing.recover(session, now=now))
    threading.Thread(target=_watch, args=(site, stop), name="printing", daemon=True).start()
    return stop


def _watch(site: Site, stop: threading.Event) -> None:
    """Give each printer of the plan its thread."""
    busy: dict[str, threading.Thread] = {}
    while not stop.wait(LOOK_S):
        try:
            with site.reading() as session:
                known = printing.printers(session)
                silent = station_printing.silent(session, known, now=site.clock())
            if silent:
                site.do(lambda session, now: station_printing.give_up(session, now=now))
        except Exception:
            log.exception("the printers of the plan cannot be read; it is tried again")
            continue
        for printer in (p for p in known if p.station is None):
            thread = busy.get(printer.id)
            if thread is None or not thread.is_alive():
                thread = threading.Thread(target=_run, args=(site, printer.id, stop), daemon=True)
                busy[printer.id] = thread
                thread.start()


def _run(site: Site, name: str, stop: threading.Event) -> None:
    pause = 0.0
    while not stop.wait(pause):
        try:
            with site.reading() as session:
                printer = next((p for p in printing.printers(session) if p.id == name), None)
            if printer is None or printer.station is not None:
                return
            pause = {None: LOOK_S, True: 0.0, False: REST_S}[step(site, printer)]
        except Exception:
            log.exception("printer %s: it is tried again", name)
            pause = REST_S


def step(site: Here, printer: Printer, limits: Limits = Limits()) -> bool | None:  # noqa: B008
    """Print the next label.

    Returns:
        None when none waits; True when it was printed; False when it was not, or nobody knows.
    """
    with site.reading() as session:
        broken = printing.under_way(session, printer.id)  # only this thread sends: it has failed on the way
    if broken:
        site.do(lambda session, now: printing.recover(session, now=now, printer=printer.id))
        return False
    with site.reading() as session:
        task = printing.next_task(session, printer)
    if task is None:
        return None
    job = task.job
    if not task.data:
        site.do(lambda session, now: printing.wait(session, job, "code_wide", now=now))
        return False
    begin = lambda: bool(site.do(lambda session, now: printing.begin(session, job, now=now)))  # noqa: E731
    outcome = _deliver(printer, task.data, begin, limits)
    if outcome.state == "printed":
        return bool(site.do(lambda session, now: printing.came_out(session, job, now=now)))
    settle = printing.wait if outcome.state == "wait" else printing.doubt
    site.do(lambda session, now: settle(session, job, outcome.why, now=now))
    return False


def _deliver(printer: Printer, data: bytes, begin: Callable[[], bool], limits: Limits) -> Outcome:
    try:
        line = _open(printer, limits)
    except OSError:
        return Outcome("wait", "printer_away")
    with line:
        return deliver(line, data, begin, answers=printer.answers, clock=CLOCK, limits=limits)


def _open(printer: Printer, limits: Limits) -> TcpLine | SerialLine:
    address = printer.address
    return TcpLine.open(address, limits.connect_s) if isinstance(address, tuple) else SerialLine.open(address)

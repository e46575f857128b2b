"""The stations’ door for their label printers: the next label, and what became of one. Its routes are `api`’s."""

from __future__ import annotations

from flask import Response, g

from mes import station_printing, wire
from mes.domain.printer import Printer
from web.api import blueprint
from web.api_talk import Rejected, answered, parsed
from web.auth import role
from web.site import site


@blueprint.post("/print/next")
@role("station")
def print_next() -> Response:
    """The next label for a printer of this station, which holds none of it."""
    printer = _own(parsed(wire.PrintNextRequest).printer)
    here = site()
    with here.reading() as session:
        idle = station_printing.nothing_open(session, printer)
    # A station asks every few seconds: nothing is written while there is nothing to say.
    task = None if idle else here.do(lambda session, now: station_printing.next_task(session, printer, now=now))
    if task is None:
        return answered(wire.PrintNextReply(task=None))
    data = task.data.decode("ascii")
    found = wire.PrintTask(job=task.job, since=task.since, nth=task.nth, data=data, answers=printer.answers)
    return answered(wire.PrintNextReply(task=found))


@blueprint.post("/print/said")
@role("station")
def print_said() -> Response:
    """What the station says of a label of its printer."""
    asked = parsed(wire.PrintSaidRequest)
    _own(asked.printer)
    return answered(wire.PrintSaidReply(go=site().do(lambda s, now: station_printing.said(s, asked, now=now))))


def _own(name: str) -> Printer:
    with site().reading() as session:
        found = station_printing.of_station(session, g.station, name)
    if found is None:
        raise Rejected(
            404, "no_printer", "The plan has no such printer at this station. See [[printer]] in plant.toml."
        )
    return found

"""The page of the label printers: what waits, why, and what somebody says of a label in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from mes import printing
from mes.db.session import reading
from mes.db.tables import PrintJob
from mes.domain.printer import Printer
from tests.server.worlds import Workshop, released_order, workshop_plan
from tests.web.pages import START, Office, text_of

ORDER = "OF-2026-118"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop whose plan names a printer."""
    plan = workshop_plan()
    printer = Printer(id="zebra-1", url="tcp://127.0.0.1:9", label="57x32")
    there = Printer(id="zebra-2", station="pack-2", label="57x32")
    lines = tuple(line.model_copy(update={"printer": "zebra-1"}) for line in plan.plant.lines)
    plan = plan.model_copy(
        update={"plant": plan.plant.model_copy(update={"printers": (printer, there), "lines": lines})}
    )
    made = Workshop(f"sqlite:///{tmp_path / 'atelier.db'}", plan, start=START)
    yield made
    made.close()


@pytest.fixture
def units(office: Office) -> list[str]:
    """The units of a released order."""
    return released_order(office.shop, "NOMAD-1000", 2, order=ORDER)


def states(office: Office) -> list[str]:
    with reading(office.shop.engine) as session:
        return list(session.scalars(select(PrintJob.state).order_by(PrintJob.id)))


def test_the_page_of_an_order_sends_its_labels_to_a_printer_in_place_of_a_file(
    office: Office, units: list[str]
) -> None:
    assert '<option value="printer:zebra-1" selected>' in office.get(f"/order/{ORDER}")
    answer = office.post(f"/order/{ORDER}", "/labels/units", order=ORDER, paper="printer:zebra-1")
    assert "2 labels wait for printer zebra-1." in text_of(answer.text)
    office.post(f"/unit/{units[0]}", "/labels/unit", unit=units[0], paper="printer:zebra-1", symbology="qr")
    assert states(office) == ["waiting"] * 3
    page = text_of(office.get("/printers"))
    assert units[1] in page
    assert f"{units[0]} unit · copy 2" in page
    office.post(f"/order/{ORDER}", "/labels/units", order=ORDER, paper="printer:none")
    assert states(office) == ["waiting"] * 3


def test_a_label_in_doubt_shows_why_and_waits_for_somebodys_word(office: Office, units: list[str]) -> None:
    office.post(f"/order/{ORDER}", "/labels/units", order=ORDER, paper="printer:zebra-1")
    office.site.do(lambda session, now: printing.begin(session, 1, now=now))
    office.site.do(lambda session, now: printing.doubt(session, 1, "printer_lost", now=now))
    page = text_of(office.get("/printers"))
    assert "The printer fell silent at work. Look whether the label came out." in page
    assert page.count("It came out") == 1
    office.post("/printers", "/printers/decide", job="1", decision="came_out")
    office.post("/printers", "/printers/decide", job="2", decision="cancel")
    assert states(office) == ["printed", "cancelled"]
    journal = text_of(office.get("/audit"))
    assert f"Printer zebra-1, label of {units[0]}: it came out." in journal
    assert f"Printer zebra-1, label of {units[1]}: not wanted." in journal
    office.post("/printers", "/printers/decide", job="2", decision="again")
    assert states(office) == ["printed", "cancelled"]
    assert office.post("/printers", "/printers/decide", job="2", decision="twice").status_code == 400


def test_a_printer_at_a_station_that_is_not_heard_says_so_while_labels_wait_for_it(
    office: Office, units: list[str]
) -> None:
    assert "at station pack-2 ready to print" in text_of(office.get("/printers"))
    office.post(f"/order/{ORDER}", "/labels/units", order=ORDER, paper="printer:zebra-2")
    assert "Station pack-2 is not on the network. The labels wait." in text_of(office.get("/printers"))
    office.site.seen.heard("pack-2", office.site.clock())
    assert "at station pack-2 at work" in text_of(office.get("/printers"))

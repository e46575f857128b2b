"""Label printers: a label comes out once, or a person says what became of it; never twice by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import audit, labels, printing
from mes.cli import main
from mes.db.session import reading, writing
from mes.db.tables import Label as LabelCount
from mes.db.tables import PrintJob
from mes.domain.printer import Printer, read_status
from mes.domain.printer_talk import Limits
from stations.simulator.label_printer import PrinterFault, SerialLabelPrinter, VirtualLabelPrinter
from tests.server.bench import START, Floor
from tests.server.small_plan import small_plan
from tests.server.test_labels import replayed
from tests.server.zpl_reader import read_zpl
from tests.waiting import wait_for
from web.print_worker import step

QUICK = Limits(connect_s=2.0, answer_s=2.0, print_s=0.3, ask_s=0.01)
UNITS = [f"GEN-2648-{n:05}" for n in (1, 2, 3)]


class Site:
    """The two ways into the database that printing needs."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with reading(self.floor.engine) as session:
            yield session

    def do(self, use_case: Callable[[Session, datetime], Any]) -> Any:
        with writing(self.floor.engine) as session:
            return use_case(session, START)


class Shop:
    """A floor with an order of three units and one label printer."""

    def __init__(
        self,
        folder: Path,
        *,
        answers: bool = True,
        device: VirtualLabelPrinter | SerialLabelPrinter | None = None,
    ) -> None:
        self.device = device or VirtualLabelPrinter()
        self.printer = Printer(id="zebra", url=self.device.url, label="57x32", answers=answers)
        plan = small_plan()
        plan = plan.model_copy(update={"plant": plan.plant.model_copy(update={"printers": (self.printer,)})})
        self.url = f"sqlite:///{folder / 'shop.db'}"
        self.floor = Floor(self.url, plan)
        self.order = self.floor.order("GEN", 3)
        self.site = Site(self.floor)

    def queue(self, *serials: str) -> None:
        with writing(self.floor.engine) as session:
            made = labels.unit_labels(session, self.order, serials=serials or None)
            assert isinstance(made, list)
            assert printing.queue(session, made, "zebra", now=START).done

    def step(self) -> bool | None:
        return step(self.site, self.printer, QUICK)

    def jobs(self) -> list[tuple[str, str, str]]:
        with reading(self.floor.engine) as session:
            return [(j.subject, j.state, j.why) for j in session.scalars(select(PrintJob).order_by(PrintJob.id))]

    def decide(self, decision: printing.Decision, job: int = 1) -> str:
        with writing(self.floor.engine) as session:
            return printing.decide(session, job, decision, now=START).reason

    def counted(self) -> dict[str, int]:
        with reading(self.floor.engine) as session:
            return {row.subject: row.copies for row in session.scalars(select(LabelCount))}

    def out(self) -> list[str]:
        """What came out of the printer: the words under the code, and the mark of a copy."""
        return [" ".join(f.data for f in read_zpl(data)[0].fields[3:]) for data in self.device.printed]

    def close(self) -> None:
        self.device.close()
        self.floor.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.close()


@pytest.fixture
def mute(tmp_path: Path) -> Iterator[Shop]:
    """The same with a printer that never answers."""
    made = Shop(tmp_path, answers=False)
    made.device.fault = "silent"
    yield made
    made.close()


def test_labels_come_out_in_order_and_are_counted_when_they_are_out(shop: Shop, tmp_path: Path) -> None:
    shop.queue()
    assert shop.counted() == {}
    assert [shop.step() for _ in range(4)] == [True, True, True, None]
    assert shop.out() == UNITS
    assert shop.counted() == dict.fromkeys(UNITS, 1)
    assert replayed(shop.floor, tmp_path)


def test_a_label_of_which_another_is_printed_or_on_its_way_is_marked_as_a_copy(shop: Shop) -> None:
    shop.queue(UNITS[0])
    shop.queue(UNITS[0])
    assert [shop.step(), shop.step()] == [True, True]
    shop.queue(UNITS[0])
    assert shop.step()
    assert shop.out() == [UNITS[0], f"{UNITS[0]} copy 2", f"{UNITS[0]} copy 3"]
    assert shop.counted() == {UNITS[0]: 3}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("paper", "printer_paper"),
        ("head", "printer_head"),
        ("ribbon", "printer_ribbon"),
        ("pause", "printer_paused"),
    ],
)
def test_a_printer_that_says_what_it_lacks_is_sent_nothing_and_goes_on_when_it_is_mended(
    shop: Shop, fault: PrinterFault, why: str
) -> None:
    shop.device.strike(fault)
    shop.queue(UNITS[0])
    assert shop.step() is False
    assert shop.jobs() == [(UNITS[0], "waiting", why)]
    assert shop.device.kept == []
    shop.device.strike(None)
    assert shop.step() is True
    assert shop.out() == [UNITS[0]]


@pytest.mark.parametrize(("fault", "came"), [("before", 0), ("after", 1), ("half", 0), ("mute", 0)])
def test_a_label_of_which_nobody_knows_is_unsure_and_never_sent_again_by_itself(
    shop: Shop, fault: PrinterFault, came: int
) -> None:
    shop.device.fault = fault
    shop.queue(UNITS[0], UNITS[1])
    assert shop.step() is False
    assert [state for _unit, state, _why in shop.jobs()] == ["unsure", "waiting"]
    shop.device.fault = None
    assert [shop.step() for _ in range(3)] == [None, None, None]  # what is behind it waits, too
    assert len(shop.device.printed) == came
    assert shop.counted() == {}


def test_an_unsure_label_that_came_out_is_counted_and_the_next_one_follows(shop: Shop, tmp_path: Path) -> None:
    shop.device.fault = "after"
    shop.queue(UNITS[0], UNITS[1])
    assert shop.step() is False
    assert shop.decide("came_out") == ""
    assert shop.decide("came_out") == "print_settled"
    assert shop.counted() == {UNITS[0]: 1}
    assert shop.step() is True
    assert shop.out() == UNITS[:2]
    assert replayed(shop.floor, tmp_path)


def test_an_unsure_label_that_is_printed_again_is_marked_as_a_copy(shop: Shop) -> None:
    shop.device.fault = "half"
    shop.queue(UNITS[0])
    assert shop.step() is False
    assert shop.decide("again") == ""
    assert shop.step() is True
    assert shop.out() == [f"{UNITS[0]} copy 2"]


def test_what_a_person_says_of_a_label_is_a_row_of_the_ledger_and_only_once(shop: Shop, tmp_path: Path) -> None:
    shop.device.fault = "after"
    shop.queue(UNITS[0], UNITS[1])
    assert shop.step() is False
    assert [shop.decide("again"), shop.decide("again"), shop.decide("cancel", 2)] == ["", "print_settled", ""]
    with reading(shop.floor.engine) as session:
        rows = audit.page(session, subjects=["orders"]).entries
    told = [(e.said["job"], e.said["subject"], e.said["decision"]) for e in rows if e.kind == "LabelDecided"]
    assert told == [(2, UNITS[1], "cancel"), (1, UNITS[0], "again")]
    assert replayed(shop.floor, tmp_path)


def test_a_label_that_is_not_wanted_never_comes_out(shop: Shop) -> None:
    shop.queue(UNITS[0], UNITS[1])
    assert shop.decide("cancel") == ""
    assert [shop.step(), shop.step()] == [True, None]
    assert shop.out() == [UNITS[1]]
    assert shop.decide("cancel", 2) == "print_settled"


def test_a_printer_that_is_switched_off_or_does_not_answer_keeps_its_labels_waiting(shop: Shop) -> None:
    shop.queue(UNITS[0])
    shop.device.fault = "silent"
    quick = Limits(connect_s=1.0, answer_s=0.05, print_s=0.3, ask_s=0.01)
    assert step(shop.site, shop.printer, quick) is False
    assert shop.jobs() == [(UNITS[0], "waiting", "printer_silent")]
    shop.device.close()
    assert shop.step() is False
    assert shop.jobs() == [(UNITS[0], "waiting", "printer_away")]


def test_a_printer_without_a_voice_is_believed_when_it_closes_the_line_in_order(mute: Shop) -> None:
    mute.queue(UNITS[0])
    assert mute.step() is True
    assert mute.out() == [UNITS[0]]
    assert mute.counted() == {UNITS[0]: 1}


def test_a_server_that_dies_with_a_label_under_way_asks_a_person_and_prints_nothing_again(
    shop: Shop, tmp_path: Path
) -> None:
    shop.device.fault = "mute"
    shop.queue(UNITS[0])
    code = (
        "import sys; from mes.db.session import engine_for; from mes.domain.printer import Printer\n"
        "from tests.server.test_printing import Site; from types import SimpleNamespace\n"
        "from web.print_worker import step\n"
        "step(Site(SimpleNamespace(engine=engine_for(sys.argv[1]))), Printer.model_validate_json(sys.argv[2]))"
    )
    root = Path(__file__).parents[2]
    child = subprocess.Popen([sys.executable, "-c", code, shop.url, shop.printer.model_dump_json()], cwd=root)
    wait_for(lambda: shop.device.kept != [])
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert shop.jobs() == [(UNITS[0], "sending", "")]
    shop.device.strike(None)  # and now it does come out
    assert shop.step() is False
    assert shop.jobs() == [(UNITS[0], "unsure", "printer_stopped")]
    assert shop.step() is None
    assert shop.out() == [UNITS[0]]


def test_a_server_that_dies_before_the_first_byte_is_durable_sends_the_label_later(shop: Shop) -> None:
    shop.queue(UNITS[0])
    with reading(shop.floor.engine) as session:
        assert printing.next_task(session, shop.printer) is not None  # and here it dies
    assert shop.step() is True
    assert shop.out() == [UNITS[0]]


def test_a_label_that_does_not_fit_the_printers_paper_is_not_queued(shop: Shop) -> None:
    with writing(shop.floor.engine) as session:
        made = labels.unit_labels(session, shop.order)
        assert isinstance(made, list)
        assert printing.queue(session, made, "other", now=START).reason == "unknown_printer"
    assert shop.jobs() == []


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_status_that_is_not_whole_says_nothing(cut: int) -> None:
    lines = (b"030,1,0,0256,000,0,0,0,000,0,0,0", b"000,0,0,0,1,2,6,0,00000000,1,000", b"1234,0")
    whole = b"".join(b"\x02" + line + b"\x03\r\n" for line in lines)
    assert read_status(whole[:cut]) is None
    found = read_status(whole)
    assert found
    assert found.trouble() == "printer_paper"


def test_the_command_line_queues_labels_and_says_what_became_of_them(shop: Shop) -> None:
    run = CliRunner(env={"MES_LANG": "en"})
    base = ["--database", shop.url]
    done = run.invoke(main, ["labels", "units", shop.order, "--printer", "zebra", *base])
    assert done.exit_code == 0, done.output
    assert "3 labels" in done.output
    shop.device.fault = "after"
    assert shop.step() is False
    listed = run.invoke(main, ["print", "list", *base]).output.splitlines()
    assert [line.split("\t")[2] for line in listed] == ["unsure", "waiting", "waiting"]
    assert run.invoke(main, ["print", "came-out", "1", *base]).exit_code == 0
    assert run.invoke(main, ["print", "again", "1", *base]).exit_code == 1
    assert run.invoke(main, ["print", "cancel", "2", *base]).exit_code == 0
    assert run.invoke(main, ["labels", "units", shop.order, *base]).exit_code == 2
    assert json.dumps(shop.counted()) == json.dumps({UNITS[0]: 1})

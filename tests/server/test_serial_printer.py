"""Label printers on a serial port of the server: the same queue, the same doubts, on a pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mes.domain.printer import read_address
from mes.domain.printer_talk import Limits
from mes.domain.serial_line import SerialLine, read_serial_line
from mes.plan.errors import Findings
from mes.plan.tables import PrinterTable
from stations.simulator.label_printer import PrinterFault, SerialLabelPrinter
from tests.server.test_printing import UNITS, Shop, replayed
from tests.waiting import wait_for
from web import printer_port as port
from web.print_worker import step

HASTY = Limits(answer_s=0.1)


class SerialShop(Shop):
    """A floor whose label printer is on a serial port; its plug may be put in under another name."""

    def __init__(self, folder: Path) -> None:
        self.cable = SerialLabelPrinter(folder / "printer").__enter__()
        super().__init__(folder, device=self.cable)

    def step(self) -> bool | None:
        self.cable.settled()
        self.printer = self.printer.model_copy(update={"url": self.cable.url})
        return super().step()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SerialShop]:
    made = SerialShop(tmp_path)
    yield made
    made.close()


def test_labels_come_out_once_over_a_serial_port_whatever_breaks(shop: SerialShop, tmp_path: Path) -> None:
    shop.queue()
    assert [shop.step() for _ in range(4)] == [True, True, True, None]
    assert shop.out() == UNITS
    ended: list[tuple[PrinterFault, str, str]] = [
        ("paper", "waiting", "printer_paper"),
        ("silent", "waiting", "printer_silent"),
        ("before", "unsure", "printer_lost"),
        ("half", "unsure", "printer_lost"),
        ("after", "unsure", "printer_lost"),
        ("mute", "unsure", "printer_late"),
    ]
    for job, (fault, state, why) in enumerate(ended, 4):
        shop.device.fault = fault
        shop.queue(UNITS[0])
        assert (step(shop.site, shop.printer, HASTY) if fault == "silent" else shop.step()) is False, fault
        assert shop.jobs()[-1] == (UNITS[0], state, why)
        assert shop.step() in (None, False)
        assert shop.decide("cancel", job) == ""
        shop.device.kept.clear()
        shop.device.strike(None)
    assert len(shop.device.printed) == 4  # the three, and the one that came out before its line was lost
    shop.queue(UNITS[0])
    shop.cable.port.unplug()
    shop.printer = shop.printer.model_copy(update={"url": "serial:///dev/no-such-port"})
    assert super(SerialShop, shop).step() is False
    assert shop.jobs()[-1] == (UNITS[0], "waiting", "printer_away")
    assert replayed(shop.floor, tmp_path)


def test_a_printer_without_a_voice_is_believed_when_its_line_has_taken_all_and_not_while_it_says_stop(
    shop: SerialShop,
) -> None:
    shop.printer = shop.printer.model_copy(update={"answers": False})
    shop.device.fault = "silent"
    shop.queue(UNITS[0])
    assert shop.step() is True
    where = read_serial_line(shop.cable.url)
    assert where
    with port.SerialLine.open(where) as line:
        with pytest.raises(OSError, match="lock"):
            port.SerialLine.open(where)

        def takes() -> bool:
            try:
                line.send(b"^", 0.05)
                line.end(0.05)
            except OSError:
                return False
            return True

        assert takes()
        shop.cable.port.write(b"\x13")  # XOFF
        wait_for(lambda: not takes())
        shop.cable.port.write(b"\x11")
        wait_for(takes)
        shop.cable.port.write(b"\x13")
        wait_for(lambda: not takes())  # and closing it now waits for nothing


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("serial:///dev/ttyUSB0", SerialLine("/dev/ttyUSB0")),
        ("serial:///dev/serial/by-id/usb-Zebra_GK420t-if00", SerialLine("/dev/serial/by-id/usb-Zebra_GK420t-if00")),
        (
            "serial:///dev/ttyS1?baud=19200&bits=7&parity=E&stop=2&flow=rtscts",
            SerialLine("/dev/ttyS1", 19_200, 7, "E", 2, "rtscts"),
        ),
        ("serial:///dev/ttyS1?flow=none", SerialLine("/dev/ttyS1", flow="none")),
        *(
            (url, None)
            for url in (
                "serial:///etc/passwd", "serial:///dev/../etc/passwd", "serial://ttyS0", "serial:///dev/ttyS0?baud=9601",
                "serial:///dev/ttyS0?baud=9600&baud=300", "serial:///dev/ttyS0?speed=9600", "serial:///dev/ttyS0?baud",
                "serial:///dev/ttyS0?bits=9", "serial:///dev/ttyS0?parity=n", "serial:///dev/ttyS0?stop=0",
                "serial:///dev/ttyS0?flow=dtr", "serial:///dev/tty S0", "/dev/ttyS0", "",
            )
        ),
    ],
)  # fmt: skip
def test_the_address_of_a_serial_printer_says_its_port_and_how_the_line_is_set(
    url: str, line: SerialLine | None
) -> None:
    assert read_serial_line(url) == line
    assert read_address(url) == line
    findings = Findings()
    made = findings.decode(PrinterTable, {"id": "z", "url": url, "label": "57x32"}, file="plant.toml", table="printer")
    assert (made is not None) == (line is not None)
    assert line is not None or "serial:///dev/ttyUSB0" in str(findings.errors[0])

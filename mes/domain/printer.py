"""Label printers as the plan describes them, and what a printer says of itself. It must not know sockets and jobs.

Source: Zebra, ZPL II Programming Guide, `~HS` (host status return).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from mes.domain.serial_line import SerialLine, read_serial_line
from mes.wire import Frozen

Trouble = Literal["printer_paper", "printer_head", "printer_ribbon", "printer_paused", "printer_hot", "printer_busy"]
ADDRESS: Final = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):([0-9]{1,5})")
PER_MM: Final = {203: 8, 300: 12, 600: 24}
"""Dots in a millimetre, by what makers call dpi."""

STATUS: Final = b"~HS"
_LINE: Final = re.compile(rb"\x02([0-9A-Za-z,]*)\x03")


class Printer(Frozen):
    """`[[printer]]`: a label printer that speaks ZPL.

    `url`: where the server finds it; or `station`: where it stands, on a port of that name. `label`: width x height of
    a label, in mm. `answers`: it says how it is (`~HS`) on the line that it prints from; one that does not is believed
    when it has taken all and closed the line in order.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$")]
    url: Annotated[str, Field(max_length=200)] = ""
    station: Annotated[str, Field(max_length=48)] | None = None
    label: Annotated[str, Field(max_length=20)]
    dpi: Literal[203, 300, 600] = 203
    answers: bool = True

    @property
    def per_mm(self) -> int:
        """Dots in a millimetre."""
        return PER_MM[self.dpi]

    @property
    def address(self) -> tuple[str, int] | SerialLine:
        """Host and port, or a serial port of the server."""
        found = read_address(self.url)
        if found is None:
            raise ValueError(f"{self.url} is no address of a printer")
        return found


def read_address(url: str) -> tuple[str, int] | SerialLine | None:
    """`tcp://192.168.1.30:9100` or `serial:///dev/ttyUSB0?baud=9600`; None for anything else."""
    found = ADDRESS.fullmatch(url)
    if found is None:
        return read_serial_line(url)
    port = int(found[2])
    return (found[1].strip("[]"), port) if 1 <= port <= 65_535 else None


@dataclass(frozen=True, slots=True)
class Status:
    """How a printer is. `formats` wait in its memory, `remaining` labels of the batch are to come."""

    paper_out: bool
    paused: bool
    head_open: bool
    ribbon_out: bool
    hot: bool
    formats: int
    partial: bool
    remaining: int

    @property
    def idle(self) -> bool:
        """Nothing that it was told is still to be printed."""
        return self.formats == 0 and self.remaining == 0 and not self.partial

    def trouble(self) -> Trouble | None:
        """What somebody must do before it prints; None: nothing."""
        if self.head_open:
            return "printer_head"
        if self.paper_out:
            return "printer_paper"
        if self.ribbon_out:
            return "printer_ribbon"
        if self.hot:
            return "printer_hot"
        return "printer_paused" if self.paused else None


def read_status(data: bytes) -> Status | None:
    """The three lines of an answer to `~HS`; None while they are not whole, or are none.

    The first has twelve fields: paper out is the second, pause the third, formats in the buffer the fifth, a partial
    format the eighth, too hot the twelfth. The second has eleven: head up is the third, ribbon out the fourth, labels
    that remain the ninth.
    """
    lines = [line.split(b",") for line in _LINE.findall(data)]
    if len(lines) < 3 or len(lines[0]) < 12 or len(lines[1]) < 11:
        return None
    one, two = lines[0], lines[1]
    try:
        return Status(
            paper_out=int(one[1]) == 1,
            paused=int(one[2]) == 1,
            head_open=int(two[2]) == 1,
            ribbon_out=int(two[3]) == 1,
            hot=int(one[11]) == 1,
            formats=int(one[4]),
            partial=int(one[7]) == 1,
            remaining=int(two[8]),
        )
    except ValueError:
        return None

"""A customer's list of serials, from a sheet or pasted: one serial a line, and each line's problem.

Bytes and values in, values out: it knows no database. Which serials are in use is given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mes import sheet
from mes.domain.barcode import Plain
from mes.domain.barcode import read as scanned
from mes.domain.plain import plain
from mes.sheet import Problem
from mes.wire import MOST_SERIALS

HEADINGS: Final = ("serial", "serial number", "numero de serie", "serie", "serials", "numeros de serie", "n° de serie")
"""How the heading of the first column may read, in small letters and without accents; it may be missing."""
LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class SerialSheet:
    """The serials of a list, good or bad, each with its line, and all that is wrong."""

    rows: Sequence[tuple[int, str]]
    problems: Sequence[Problem]

    @property
    def serials(self) -> tuple[str, ...]:
        """The serials alone, as the list has them."""
        return tuple(serial for _line, serial in self.rows)


def rows_of(content: bytes) -> list[tuple[int, str]]:
    """Line and text of each serial: the first column of a CSV or XLSX without its heading and its empty lines.

    Raises:
        mes.sheet.Unreadable: it is no sheet, or too long.
    """
    cells = sheet.cells(content, most_rows=MOST_SERIALS, least_rows=1)
    found = [(line, row[0]) for line, row in enumerate(cells, 1) if row and row[0]]
    return found[1:] if found and plain(found[0][1]) in HEADINGS else found


def read(content: bytes, order: str, quantity: int, *, taken: Callable[[Sequence[str]], set[str]]) -> SerialSheet:
    """Read a list and check each serial.

    Args:
        order, quantity: whose list it is, and how many serials it needs.
        taken: of these serials, those that no order may be given any more.
    """
    try:
        rows = rows_of(content)
    except sheet.Unreadable as error:
        return SerialSheet((), (error.problem,))
    problems: list[Problem] = []
    if len(rows) != quantity:
        said = {"order": order, "count": len(rows), "quantity": quantity}
        problems.append(Problem(0, "", "serials_count", said))
    good = [serial for _line, serial in rows if well_formed(serial)]
    used = taken(good)
    seen: set[str] = set()
    for line, serial in rows:
        reason = (
            "serial_form" if not well_formed(serial) else
            "serial_twice" if serial in seen else
            "serial_taken" if serial in used else ""
        )  # fmt: skip
        seen.add(serial)
        if reason:
            problems.append(Problem(line, "serial", reason, {"serial": serial[:LONGEST]}))
    return SerialSheet(tuple(rows), tuple(problems))


def well_formed(serial: str) -> bool:
    """Does a scanner read this text as a serial, and can a row keep it?"""
    return 0 < len(serial) <= LONGEST and serial.isascii() and serial.isprintable() and scanned(serial) == Plain(serial)


def written(serials: Sequence[str]) -> str:
    """Serials as a list that `read` reads alike: what a page hands back when its reader has looked at it."""
    return sheet.written(("serial",), ({"serial": serial} for serial in serials))

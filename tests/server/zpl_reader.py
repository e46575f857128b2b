"""Reads the ZPL that Atelier writes and draws its codes, by the manual and not by the code that writes it.

Only the commands that are allowed are known; any other one fails, so that a text that became a command is found out.

Source: Zebra, ZPL II Programming Guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import segno
from barcode.charsets import code128 as tables

COMMAND = re.compile(r"\^(XA|XZ|CI|LH|PW|LL|FO|GB|A0|BY|BC|BQ|FH|FD|FS|FR|PQ)([^^~]*)")


@dataclass
class Field:
    """What stands at a place: a text, bars or a square."""

    x: int
    y: int
    kind: str
    data: str
    size: tuple[int, int]
    module: int = 0


@dataclass
class Read:
    """One format: its size in dots, its fields."""

    width: int
    height: int
    fields: list[Field]

    def picture(self) -> np.ndarray:
        """The label with its codes, white elsewhere."""
        page = np.full((self.height, self.width), 255, np.uint8)
        for field in self.fields:
            if field.kind == "bars":
                self._put(page, field, np.tile(bars(field.data, field.module), (field.size[1], 1)), 0)
            elif field.kind == "square":
                self._put(page, field, square(field.data, field.module), 10)
        return page

    def _put(self, page: np.ndarray, field: Field, dark: np.ndarray, down: int) -> None:
        y, x = field.y + down, field.x
        high, wide = dark.shape
        assert y + high <= self.height, "a code runs off the label"
        assert x + wide <= self.width, "a code runs off the label"
        page[y : y + high, x : x + wide][dark] = 0


def read_zpl(data: bytes) -> list[Read]:
    """Every format in the bytes; nothing may stand between commands."""
    text = data.decode("ascii").replace("\n", "")
    spans = list(COMMAND.finditer(text))
    assert "".join(m[0] for m in spans) == text, "something is not one of our commands"
    out: list[Read] = []
    state: dict[str, str] = {}
    for m in spans:
        name, value = m[1], m[2]
        if name == "XA":
            out.append(Read(0, 0, []))
        elif name in ("PW", "LL"):
            setattr(out[-1], "width" if name == "PW" else "height", int(value))
        elif name == "PQ":
            assert value == "1"
        elif name == "CI":
            assert value == "28"
        elif name == "FS":
            if "FD" in state:
                out[-1].fields.append(_field(state))
            state = {}
        else:
            state[name] = value
    return out


def _field(state: dict[str, str]) -> Field:
    x, y = (int(n) for n in state["FO"].split(","))
    raw = state["FD"]
    if "FH" in state:
        mark = re.escape(state["FH"])
        hexed = re.sub(rf"{mark}([0-9A-F]{{2}})", lambda h: bytes.fromhex(h[1]).decode("latin-1"), raw)
        raw = hexed.encode("latin-1").decode("utf-8")
    if "BC" in state:
        high = int(state["BC"].split(",")[1])
        return Field(x, y, "bars", raw, (0, high), int(state["BY"]))
    if "BQ" in state:
        return Field(x, y, "square", raw, (0, 0), int(state["BQ"].split(",")[2]))
    _n, high, wide = (*state["A0"].split(","), "0")[:3]
    return Field(x, y, "text", raw, (int(wide), int(high)))


def bars(data: str, module: int) -> np.ndarray:
    """One row of the modules of `^BC` data with its check character. Source: ^BC, "Code 128 Subsets"."""
    starts, moves = {">9": 103, ">:": 104, ">;": 105}, {">5": 99, ">6": 100, ">7": 101, ">8": 102}
    values = [starts[data[:2]]]
    held, i = {103: "A", 104: "B", 105: "C"}[values[0]], 2
    while i < len(data):
        two = data[i : i + 2]
        if two in moves:
            values.append(moves[two])
            held = {99: "C", 100: "B", 101: "A"}.get(moves[two], held)
            i += 2
        elif held == "B":
            sign, step = (">", 2) if two == ">0" else (data[i], 1)
            values.append(ord(sign) - 32)
            i += step
        else:
            values.append(int(two))
            i += 2
    check = (values[0] + sum(n * v for n, v in enumerate(values[1:], 1))) % 103
    row = "".join(tables.CODES[v] for v in [*values, check]) + tables.STOP + "11"
    return np.repeat(np.array([c == "1" for c in row]), module)


def square(data: str, module: int) -> np.ndarray:
    """The modules of `^BQ` data. Source: ^BQ, "Field data": error correction, input mode, comma, data."""
    level, mode, comma = data[0], data[1], data[2]
    assert (mode, comma) == ("A", ",")
    matrix = segno.make(data[3:], micro=False, error=level.lower(), boost_error=False).matrix
    dark = np.array([[bool(cell) for cell in row] for row in matrix])
    return np.kron(dark, np.ones((module, module), bool)).astype(bool)

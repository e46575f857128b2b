"""How a serial line is set: speeds, and a printer's line as one address. It must not know devices, nor open a port."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args
from urllib.parse import parse_qsl

BAUDS: Final = (300, 600, 1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)
Flow = Literal["none", "xonxoff", "rtscts"]
"""How a device says that it takes no more bytes now: not at all, by XOFF and XON, or by a wire."""
Parity = Literal["N", "E", "O"]

_ADDRESS: Final = re.compile(r"serial://(/dev/[A-Za-z0-9_./:@+-]{1,100})(?:\?([a-z0-9=&A-Z]{0,80}))?")


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A port of this computer and how it is set.

    The defaults are those of label printers. Source: Zebra, ZPL II Programming Guide, `^SC`: 9600, 8N1, XON/XOFF.
    """

    path: str
    baud: int = 9600
    bits: Literal[7, 8] = 8
    parity: Parity = "N"
    stop: Literal[1, 2] = 1
    flow: Flow = "xonxoff"


def read_serial_line(url: str) -> SerialLine | None:
    """`serial:///dev/ttyUSB0?baud=9600&bits=8&parity=N&stop=1&flow=xonxoff`; None for anything else.

    Every key may be left out, and none stands twice. The path lies below /dev and leads nowhere else.
    """
    found = _ADDRESS.fullmatch(url)
    if found is None or ".." in found[1]:
        return None
    try:
        pairs = parse_qsl(found[2] or "", strict_parsing=bool(found[2]), keep_blank_values=True)
    except ValueError:
        return None
    said = dict(pairs)
    if len(said) < len(pairs) or said.keys() - {"baud", "bits", "parity", "stop", "flow"}:
        return None
    baud, bits, stop = said.get("baud", "9600"), said.get("bits", "8"), said.get("stop", "1")
    parity, flow = said.get("parity", "N"), said.get("flow", "xonxoff")
    if (
        baud not in map(str, BAUDS)
        or bits not in ("7", "8")
        or stop not in ("1", "2")
        or parity not in get_args(Parity)
        or flow not in get_args(Flow)
    ):
        return None
    return SerialLine(
        found[1],
        int(baud),
        8 if bits == "8" else 7,
        cast(Parity, parity),
        1 if stop == "1" else 2,
        cast(Flow, flow),
    )

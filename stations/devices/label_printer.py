"""Label printers that speak ZPL: how their answers are framed. What they say is `mes.domain.printer`'s business.

Source: Zebra, ZPL II Programming Guide, `~HS`: three lines, each STX … ETX CR LF.
"""

from __future__ import annotations

from typing import Final

from stations.frames import PRINTABLE, Framing

STX: Final = b"\x02"
ETX: Final = b"\x03"
FRAMING: Final = Framing(terminator=(ETX, b"\r\n", b"\r", b"\n"), prefix=STX, allowed=PRINTABLE)

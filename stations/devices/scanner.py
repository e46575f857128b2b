"""Barcode scanners over a serial line: how they frame, and what makes them beep well or badly.

What a frame says is `mes.domain.barcode`'s business. Feedback is a courtesy of the device: the screen and the station's
own sound are what an operator can rely on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stations.frames import Framing

FRAMING: Final = Framing()
"""CR, LF or CR LF. Source: factory setting of the usual models, 9600 8N1 with CR or CR LF behind the data."""
FRAMING_STX_ETX: Final = Framing(terminator=(b"\x03",), prefix=b"\x02")


@dataclass(frozen=True, slots=True)
class Feedback:
    """Bytes that make a scanner say "well read" and "not accepted"; empty where the model has no such thing."""

    good: bytes = b""
    bad: bytes = b""


FEEDBACK: Final[dict[str, Feedback]] = {
    "none": Feedback(),
    # Datalogic, host commands: B good-read beep, F long beeps "not on file".
    "datalogic": Feedback(b"B", b"F"),
    # Datalogic cordless bases: ESC [ 3 q good tone, ESC [ 4 q bad tone.
    "datalogic-cordless": Feedback(b"\x1b[3q", b"\x1b[4q"),
    # CipherLab: one beep command; there is none for "bad".
    "cipherlab": Feedback(b"#@////\r", b""),
    # Honeywell and Metrologic: BEL is three beeps "give up"; the good beep is the scanner's own.
    "honeywell": Feedback(b"", b"\x07"),
}
"""Feedback by model family. Source: the makers' host-command tables. Needs the matching option in the scanner.

ACK and NAK are left out on purpose: a scanner sends again on NAK, and a second scan would be born from a refusal.
"""

"""A label before it is on paper: its code, the words around it, and what its copies are counted of.

Whoever needs a new kind of label makes such a value; `mes.labels` looks whether it reads back, counts it and has it
drawn, on a sheet, a roll or a label printer. It must not know paper, printers and the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Template = Literal["unit", "carton", "bag", "hold"]
Symbology = Literal["code128", "gs1-128", "qr"]
Tone = Literal["", "stop", "kept", "go"]
"""A band of colour: red, blue, green. Its word says the same, for who sees no colours and for black printers."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label.

    Args:
        subject: what the copies are counted of, 1 to 64 characters; of a unit's label its serial.
        code: what a scanner shall read; in GS1-128, element strings with GS (0x1D) after each of variable length.
        head, aside: the line over the code, left and right.
        words: what a person reads in place of the code, under it; empty: the code itself.
        lines: more lines under the words.
        order, unit: what it is of, for the record; may be empty on cartons and bags.
        check: the code is a serial, which a bench must not take for anything else.
    """

    template: Template
    subject: str
    code: str
    symbology: Symbology
    head: str
    aside: str = ""
    words: str = ""
    lines: tuple[str, ...] = ()
    tone: Tone = ""
    order: str = ""
    unit: str = ""
    check: bool = True

    @property
    def read_as(self) -> str:
        """What a person reads in place of the code."""
        return self.words or self.code

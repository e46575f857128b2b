"""What was printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelRow:
    """`label`."""

    template: str
    subject: str
    copies: int
    printed_at: str

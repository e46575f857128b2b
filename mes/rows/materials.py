"""Component lots and their receipts."""

from __future__ import annotations

from dataclasses import dataclass

from mes.domain.lots import LotKnown


@dataclass(frozen=True, slots=True)
class LotRow:
    """`lot`."""

    part: str
    lot: str
    state: str = "free"
    why: str = ""
    received: int = 0
    receipts: int = 0
    received_on: str | None = None
    supplier: str = ""
    supplier_lot: str = ""
    owner: str = "ours"
    customer: str = ""
    expires: str | None = None
    concession: str | None = None

    def rule(self, left: int | None, until: str) -> LotKnown:
        """What the rules need of it.

        Args:
            left, until: what its concession still permits; None and empty without one.
        """
        return LotKnown(self.state == "held", self.expires or "", self.receipts > 0, left, until)


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """`receipt`."""

    part: str
    lot: str
    number: int
    quantity: int
    received_on: str
    supplier: str
    supplier_lot: str
    delivery: str
    recorded_at: str


@dataclass(frozen=True, slots=True)
class LoadedRow:
    """`loaded`."""

    order: str
    step: str
    station: str
    part: str
    lot: str
    since: str


@dataclass(frozen=True, slots=True)
class LotUseRow:
    """`lot_use`."""

    order: str
    step: str
    part: str
    lot: str
    pieces: int
    quantity: int
    used_at: str

"""What a scanned label says of a component lot that comes in: part, lot, pieces, last day. Pure; no database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mes.domain import barcode
from mes.domain.barcode import Plain
from mes.domain.route import Plan
from mes.domain.supplier_label import EOT, GS, RS, ComponentLabel, Gs1

_SPELT: Final = {"GS": GS, "RS": RS, "EOT": EOT}
_CONTROL: Final = re.compile(r"[{<](GS|RS|EOT)[}>]")


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a label says; empty where it does not."""

    part: str = ""
    lot: str = ""
    quantity: str = ""
    expires: str = ""
    order: str = ""


def read(text: str, plan: Plan) -> Scanned | None:
    """What a label says, in the plan's names for parts; None for what is no label of a part.

    Args:
        text: as a scanner types it into a page; `{GS}`, `<GS>` and the pictures of the separators count as them.
    """
    spelt = _CONTROL.sub(lambda m: _SPELT[m[1]], text).translate({0x241D: GS, 0x241E: RS, 0x2404: EOT})
    parts = plan.components()
    match barcode.read(spelt):
        case ComponentLabel() as label:
            named = [p for p in (label.part, label.maker_part) if p]
            part = next((p for p in named if p in parts), named[0] if named else "")
            return Scanned(part, label.lot or "", str(label.quantity or ""), order=label.order or "")
        case Gs1() as code:
            part = code.customer_part or code.gtin or ""
            return Scanned(part, code.lot or "", str(code.quantity or ""), code.expires or "", code.order or "")
        case Plain(text=plain):
            return _plain(plain, plan)
        case _:
            return None


def _plain(text: str, plan: Plan) -> Scanned | None:
    """A supplier's plain label, by the patterns of the plan's components."""
    for component in plan.components().values():
        if component.part == text:
            return Scanned(text)
        found = re.fullmatch(component.pattern, text) if component.pattern else None
        if found is not None and (lot := found.groupdict().get("lot")):
            return Scanned(component.part, lot)
    return None

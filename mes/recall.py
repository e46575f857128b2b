"""The recall list: all units and counted orders that contain a lot or serial, for a table, a spreadsheet or paper.

Texts of one language out of `mes.genealogy`; it knows neither HTTP nor HTML.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from mes import typeset
from mes.domain.orders import ORDER_STATES
from mes.domain.route import Plan
from mes.export import Table, csv_bytes, xlsx
from mes.genealogy import Use, Wanted
from mes.i18n import N_, translator
from mes.labels import printed_on
from mes.trace_sheet import UNIT_STATES

KINDS: Final = ("csv", "xlsx", "pdf", "json")
ON_A_PAGE: Final = (0, 1, 2, 4, 5, 6, 8, 10, 12, 13, 14, 16)
"""The columns that fit a page: what somebody at a telephone needs."""
_FURTHER: Final = {"packed": N_("packed"), "released": N_("released"), "delivered": N_("delivered")} | {
    "counted": N_("counted")
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is concerned."""

    units: int
    orders: int
    customers: int
    pieces: int = 0


def counts(uses: Sequence[Use]) -> Counts:
    """How many units, orders and customers a list names."""
    return Counts(
        len({u.unit for u in uses if u.unit}),
        len({u.order for u in uses if u.order}),
        len({u.customer for u in uses if u.customer}),
        _pieces(uses),
    )


def _pieces(uses: Sequence[Use]) -> int:
    """Counted pieces, those that met the lot at two steps once."""
    most: dict[str, int] = {}
    for use in uses:
        most[use.order] = max(most.get(use.order, 0), use.pieces)
    return sum(most.values())


def said_of(found: Counts, language: str) -> str:
    """How much is concerned, in words."""
    say = translator(language).gettext
    said = say(N_("%(units)s units, %(orders)s orders, %(customers)s customers")) % {
        "units": found.units,
        "orders": found.orders,
        "customers": found.customers,
    }
    return f"{said}, {_in_pieces(found.pieces, language)}" if found.pieces else said


def _in_pieces(count: int, language: str) -> str:
    return translator(language).ngettext("%(num)s counted piece", "%(num)s counted pieces", count) % {"num": count}


def table(uses: Sequence[Use], wanted: Wanted, plan: Plan | None, language: str) -> Table:
    """The list in words, a line a unit and component.

    Args:
        plan: names the products, and the site's clock.
    """
    say, zone = translator(language).gettext, ZoneInfo(plan.plant.timezone if plan else "UTC")
    head = (
        say(N_("Customer")), say(N_("Order")), say(N_("Customer’s reference")), say(N_("State of the order")),
        say(N_("Unit")), say(N_("Product")), say(N_("State")), say(N_("Part")), say(N_("Serial or lot")),
        say(N_("Quantity")), say(N_("Inside of")), say(N_("Put in")), say(N_("In it now")), say(N_("Carton")),
        say(N_("Pallet")), say(N_("Release")), say(N_("Delivery")), say(N_("Pieces")),
    )  # fmt: skip
    states = {state: say(word) for state, word in (UNIT_STATES | _FURTHER).items()}
    yes, no = say(N_("yes")), say(N_("no, taken out"))
    rows = [
        (
            u.customer,
            u.order,
            u.reference,
            ORDER_STATES[u.order_state][language] if u.order_state in ORDER_STATES else u.order_state,
            u.unit or _in_pieces(u.pieces, language),
            _product(plan, u.product, language),
            states.get(u.stage, u.stage),
            u.part,
            u.number,
            u.quantity,
            u.inside if u.inside != u.unit else "",
            f"{datetime.fromisoformat(u.installed_at).astimezone(zone):%Y-%m-%d %H:%M}",
            no if u.out else yes,
            u.carton,
            u.pallet,
            u.release,
            u.delivery,
            u.pieces or "",
        )
        for u in uses
    ]
    return Table(" ".join(filter(None, (wanted.part, wanted.number))), head, rows)


def _product(plan: Plan | None, product: str, language: str) -> str:
    found = plan.product(product) if plan else None
    return found.name.to(language) if found else product


def paper(made: Table, uses: Sequence[Use], language: str, *, day: str) -> dict[str, Any]:
    """What the template of the recall list shows."""
    say = translator(language).gettext
    return {
        "title": say(N_("Recall list: %(what)s")) % {"what": made.name},
        "language": language,
        "said": said_of(counts(uses), language),
        "foot": say(N_("Made on %(day)s")) % {"day": day},
        "head": [made.head[i] for i in ON_A_PAGE],
        "rows": [[str(row[i]) for i in ON_A_PAGE] for row in made.rows],
    }


def as_json(uses: Sequence[Use], wanted: Wanted) -> str:
    """The list for a program: ids and UTC times, as they are kept."""
    said = {**asdict(wanted), **asdict(counts(uses)), "uses": [asdict(u) for u in uses]}
    return json.dumps(said, ensure_ascii=False, indent=1)


def file(kind: str, uses: Sequence[Use], wanted: Wanted, plan: Plan | None, language: str, *, now: datetime) -> bytes:
    """The list as a file of one of the `KINDS`."""
    if kind == "json":
        return as_json(uses, wanted).encode()
    made = table(uses, wanted, plan, language)
    if kind == "csv":
        return csv_bytes(made, language)
    if kind == "xlsx":
        return xlsx([made], made_at=now)
    day = printed_on(plan, now, language) if plan else now.date().isoformat()
    return typeset.pdf("recall", paper(made, uses, language, day=day), now=now)

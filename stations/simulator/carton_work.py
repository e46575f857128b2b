"""How a person packs: ask for a carton, scan what goes in, have it weighed, close it; half a carton is put aside.

Part of the person's mind (see `stations.simulator.mind`): pure, and only what the screen shows counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mes.domain.barcode import write
from mes.domain.route import CartonHolding
from stations.simulator.floor import Loose
from stations.simulator.mind import GIVE_UP_AFTER, Act, Hands, Place, command
from stations.simulator.seen import Seen

TAKE_S: Final = 20.0
"""To take the next thing, or an empty carton, in seconds of the plan."""
LIFT_S: Final = 30.0
"""To close the flaps and put the carton onto the scale."""
IN: Final = frozenset({"packed", "packed_full", "packed_here"})
SHUT: Final = frozenset({"carton_done", "carton_closed", "carton_gone", "carton_held", "unknown_carton"})
FULL_UP: Final = frozenset({"other_order", "other_product", "other_customer", "carton_full"})
"""It does not go into this one: this one is closed as it is, the thing goes into the next."""
NOT_PACKED: Final = frozenset(
    {
        "unknown_unit", "unit_held", "unit_unfinished", "unit_scrapped", "unit_withdrawn", "packed_elsewhere",
        "not_packed", "not_packed_here", "order_held", "order_closed", "not_lot_order", "unknown_order", "too_late",
    }
)  # fmt: skip
NO_NUMBERS: Final = frozenset({"no_gs1_prefix", "sscc_used_up"})


class CartonWork:
    """The packing part of the mind."""

    def __init__(self, place: Place, hands: Hands) -> None:
        self._place, self._hands = place, hands
        self._carton: str | None = None
        self._thing: Loose | None = None
        self._ordered = self._shut = False
        self._able = any(p.carton and place.station.id in p.carton.stations for p in place.plan.products)

    # --- what the screen says ---

    def hear(self, seen: Seen) -> None:
        """A new banner: is it in the carton, is the carton closed?"""
        if seen.reason in NO_NUMBERS:
            self._able = False
        if seen.reason in SHUT and self._carton in (None, seen.args.get("carton")):
            self._carton, self._shut, self._ordered = None, False, False
        thing, about = self._thing, seen.args.get("unit") or seen.args.get("order")
        if thing is None or about != thing.id:
            return
        if seen.reason in IN:
            self._place.floor.packed(self._place.station.id, thing)
            self._thing = None
        elif seen.reason == "needs_quantity":
            self._ordered = True
        elif seen.reason == "pieces_unfinished":
            self._place.floor.packed(self._place.station.id, thing, left=int(seen.args.get("left") or 0))
            self._thing = None
        elif seen.reason in FULL_UP:
            self._thing, self._shut = None, True
        elif seen.reason in NOT_PACKED:
            self._place.floor.packed(self._place.station.id, thing, left=0)
            self._thing = None

    # --- a carton is open ---

    def go_on(self, seen: Seen) -> Act | None:
        """The next scan while a carton is open."""
        if seen.carton != self._carton:
            self._carton, self._shut, self._ordered = seen.carton, False, False
        row = next((n for n in seen.needs if n.kind == "quantity"), None)
        have, room = (row.have, row.want - row.have) if row is not None else (0, 1)
        if self._hands.reds >= GIVE_UP_AFTER:
            self._hands.reds, self._carton = 0, None
            return command("LEAVE")
        if seen.reason == "carton_not_full" and self._shut:
            self._weigh(seen, have)
            return command("YES")
        if have and (room <= 0 or self._shut):
            self._weigh(seen, have)
            return command("DONE", self._place.takes(LIFT_S))
        return self._put_in(seen, room if have else 0)

    def _put_in(self, seen: Seen, room: int) -> Act | None:
        """The next thing; room 0: nobody knows yet how much there is."""
        thing = self._thing = self._place.floor.to_pack(self._place.station.id)
        if thing is None:
            return command("LEAVE")
        if thing.pieces == 0:
            return Act(self._place.takes(TAKE_S), thing.id)
        if not self._ordered and seen.reason != "needs_quantity":
            return Act(self._place.takes(TAKE_S), write("order", thing.id))
        rule = self._rule(thing.product)
        fits = min(thing.pieces, room or (rule.holds if rule else 1))
        self._thing = replace(thing, pieces=fits)
        return Act(self._place.takes(TAKE_S), write("quantity", fits))

    def _weigh(self, seen: Seen, have: int) -> None:
        """Put it onto the scale; now and then something has been forgotten, and a red answer makes it good."""
        rule = self._rule(self._place.floor.last_packed(self._place.station.id))
        if rule is None or rule.net_g is None or rule.tolerance_g is None:
            return
        grams = rule.tare_g + have * rule.net_g
        if seen.reason != "weight_light" and self._place.happens(self._place.odds.bad_lead):
            grams -= 2 * rule.tolerance_g
        self._place.bench.weigh(rule.instrument, max(0.0, grams))

    def _rule(self, product: str) -> CartonHolding | None:
        found = self._place.plan.product(product)
        return found.carton if found else None

    # --- no carton is open ---

    def begin(self) -> Act | None:
        """Take up the carton that was put aside, or ask for a new one, where something waits to be packed."""
        place = self._place
        if not self._able or self._hands.unit is not None or place.floor.to_pack(place.station.id) is None:
            return None
        if self._carton is not None:
            return Act(place.takes(TAKE_S), f"]C100{self._carton}")
        return command("CARTON", place.takes(TAKE_S))

"""The carton on the packing bench: what is in it, and what the screen lists of it. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from mes import wire
from mes.domain.packing import Carton, holding, weight
from mes.domain.route import Holding, Plan, Test, Text
from stations.view import Need

WEIGHT: Final = "weight"
INSIDE: Final = Text(fr="Dans le carton", en="In the carton")
"""What the count is called where each thing is scanned: then there is no number to type."""


@dataclass(frozen=True, slots=True)
class Box:
    """A carton or pallet that is being packed here.

    `inside` are serials, SSCCs or orders; `order` is the counted order whose pieces are being packed. `deeds` are what
    went in here, for UNDO. `weighing` is the number of the run in which the scale is asked; `partial`: the operator has
    said that it shall be closed as it is.
    """

    carton: Carton
    plan: Plan
    inside: tuple[str, ...] = ()
    order: str | None = None
    deeds: tuple[wire.UnitsPacked, ...] = ()
    weighing: int | None = None
    partial: bool = False

    @property
    def sscc(self) -> str:
        """Its number."""
        return self.carton.sscc

    @property
    def rule(self) -> Holding | None:
        """How the plan says that it is packed; None until something is in it."""
        return holding(self.plan, self.carton)

    @property
    def holds(self) -> int:
        """How many it takes; 0 when that is not known yet."""
        return self.rule.holds if self.rule else 0

    @property
    def weighed(self) -> bool:
        """Whether it may be closed without asking the scale."""
        rule = self.rule
        return rule is None or rule.tolerance_g is None or self.carton.weighed == "passed"

    def put_in(self, body: wire.UnitsPacked, product: str | None) -> Box:
        """Something went in."""
        thing = body.unit or body.inner or body.order or ""
        pieces = 1 if body.unit or body.inner else body.quantity
        carton = replace(
            self.carton,
            product=self.carton.product or product,
            have=self.carton.have + pieces,
            state="open",
            weighed=None,
            weight_g=None,
        )
        return replace(
            self, carton=carton, inside=(*self.inside, thing), deeds=(*self.deeds, body), weighing=None, partial=False
        )

    def learn(self, told: object) -> Box:
        """What the server says of the carton after something went in: the plan's rule for it hangs on its product."""
        said = box_of(told, self.plan) if isinstance(told, dict) else None
        if said is None or said.sscc != self.sscc:
            return self
        of = said.carton
        return replace(self, carton=replace(self.carton, product=of.product, order=of.order, customer=of.customer))

    def take_out(self, body: wire.UnitsUnpacked) -> Box:
        """The last one came out again."""
        thing = body.unit or body.inner or body.order or ""
        pieces = 1 if body.unit or body.inner else body.quantity
        inside = list(self.inside)
        if thing in inside:
            inside.reverse()
            inside.remove(thing)
            inside.reverse()
        carton = replace(self.carton, have=max(0, self.carton.have - pieces), weighed=None, weight_g=None)
        return replace(self, carton=carton, inside=tuple(inside), deeds=self.deeds[:-1], weighing=None, partial=False)

    def limits(self) -> tuple[float, float] | None:
        """What it may weigh, in grams, by what the station knows; None: only the server can say."""
        rule, product = self.rule, self.plan.product(self.carton.product or "")
        if rule is None or self.carton.level == "pallet" or product is None or product.carton is None:
            return None
        return weight([(self.carton.have, product.carton.net_g)], rule)

    def test(self) -> Test | None:
        """What the scale is asked."""
        rule = self.rule
        name = Text(fr="Poids", en="Weight")
        return Test(id=WEIGHT, name=name, unit="kg", instrument=rule.instrument, ask=rule.ask) if rule else None

    def args(self, thing: str) -> Mapping[str, Any]:
        """What the sentence says of something that went in."""
        return {"unit": thing, "have": self.carton.have, "holds": self.holds or "–"}

    @property
    def counted(self) -> bool:
        """Whether pieces go in, by their number; as long as nobody knows, they may."""
        product = self.plan.product(self.carton.product or "")
        return self.carton.level == "carton" and (product is None or product.tracking == "lot")

    def rows(self) -> tuple[Need, ...]:
        """What the screen lists."""
        have, holds = self.carton.have, max(1, self.holds)
        full = have >= holds
        first = Need("quantity", "ok" if full else "doing", None if self.counted else INSIDE, have=have, want=holds)
        weighs = self.rule is not None and self.rule.tolerance_g is not None
        state = {"passed": "ok", "failed": "bad"}.get(self.carton.weighed or "", "doing" if self.weighing else "todo")
        second = (
            (Need("test", state, Text(fr="Poids", en="Weight"), unit="kg", value=self._kg()),) if weighs else ()  # type: ignore[arg-type]
        )
        return (first, *second, Need("done", "doing" if full else "todo"))

    def _kg(self) -> float | None:
        return self.carton.weight_g / 1000 if self.carton.weight_g is not None else None


def box_of(told: Mapping[str, Any], plan: Plan) -> Box | None:
    """The carton as the server tells of it; None when a newer server writes it in a way that is not understood."""
    try:
        said = wire.FloorCarton.model_validate(told)
    except ValueError:
        return None
    kept = said.model_dump(exclude={"inside"})
    return Box(Carton(**kept), plan, said.inside)

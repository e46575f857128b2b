"""What was counted of an order without serials: at each step the good pieces, and the scrap by defect. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes.db.tables import Tally
from mes.domain.route import Plan, Product, Step


@dataclass(frozen=True, slots=True)
class Counted:
    """One step: good pieces, scrap by defect code (the most first), and what it can still count now."""

    step: Step
    good: int
    scrap: Sequence[tuple[str, int]]
    left: int

    @property
    def scrapped(self) -> int:
        """All scrap of the step."""
        return sum(n for _, n in self.scrap)


def by_step(session: Session, order: str, quantity: int, product: Product) -> list[Counted]:
    """The steps of the route in their order.

    Args:
        quantity: of the order: what the first step is offered; the others are offered the good ones of the step before.
    """
    rows = session.execute(select(Tally.step, Tally.defect, Tally.quantity).where(Tally.order == order)).all()
    found: list[Counted] = []
    offered = quantity
    for step in product.steps:
        good = sum(r.quantity for r in rows if r.step == step.id and not r.defect)
        bad = [(r.defect, r.quantity) for r in rows if r.step == step.id and r.defect]
        left = max(0, offered - good - sum(n for _, n in bad))
        found.append(Counted(step, good, sorted(bad, key=lambda d: (-d[1], d[0])), left))
        offered = good
    return found


def defect_name(plan: Plan, code: str, language: str) -> str:
    """A defect by name; its code where the plan does not know it any more."""
    defect = plan.defect(code)
    return defect.name.to(language) if defect else code

"""A carton that is weighed: its limits follow from what is in it, and must find a piece that is missing.

In the carton are the unit, with all that went into it on the way, what the pack steps so far put beside it, and what is
enclosed without a scan. Weights are grams; the limits are in the test's own unit. It knows tables of a plan, no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mes.domain.measurement import convert
from mes.domain.route import Step, Weigh
from mes.plan.errors import Raw, label, rows


@dataclass(frozen=True, slots=True)
class Packed:
    """A piece in the carton: what it is called, how many of it, the weight of one in grams (None: not in the plan)."""

    name: str
    quantity: int
    weight_g: float | None


def packed(product: Raw | None, steps: Sequence[Raw]) -> tuple[Packed, ...]:
    """The unit and the components of the pack steps among `steps`, as the files say it."""
    unit = Packed(label(product or {}, 1), 1, _number((product or {}).get("weight_g")))
    beside = [c for step in steps if step.get("kind") == "pack" for c in rows(step, "components")]
    return (unit, *(Packed(label(c, i), _count(c), _number(c.get("weight_g"))) for i, c in enumerate(beside, 1)))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _count(component: Raw) -> int:
    quantity = component.get("quantity", 1)
    return quantity if isinstance(quantity, int) else 1


def inside(pieces: Sequence[Packed], weigh: Weigh) -> tuple[Packed, ...]:
    """All that is in the carton."""
    return (*pieces, *(Packed(e.name.en, e.quantity, e.weight_g) for e in weigh.enclosed))


def limits(pieces: Sequence[Packed], weigh: Weigh, unit: str) -> tuple[float, float]:
    """The lightest and the heaviest complete carton, in `unit`; a weight that is not known counts as nothing."""
    known = ((p.quantity, p.weight_g) for p in inside(pieces, weigh) if p.weight_g is not None)
    nominal = sum((quantity * Decimal(repr(weight_g)) for quantity, weight_g in known), Decimal(0))
    tolerance = Decimal(repr(weigh.tolerance_g))
    low, high = (convert(float(grams), "g", unit) for grams in (nominal - tolerance, nominal + tolerance))
    if low is None or high is None:
        raise ValueError(f"{unit} is no unit of mass")
    return low, high


def with_limits(step: Step, pieces: Sequence[Packed]) -> Step:
    """The step with the limits of what it weighs written out: from here on they are limits like any others."""
    if not any(t.weigh for t in step.tests):
        return step
    tests = [
        t.model_copy(update=dict(zip(("low", "high"), limits(pieces, t.weigh, t.unit), strict=True))) if t.weigh else t
        for t in step.tests
    ]
    return step.model_copy(update={"tests": tuple(tests)})

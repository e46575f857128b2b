"""Acceptance sampling in the office: what is inspected, the verbs, and what is read. One function a verb; the caller
commits.

How a lot is judged stands in `mes.domain.sampling`, what follows from it in `mes.fold_sampling`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import fold_sampled, wire
from mes.db.tables import CartonRow, LotInspection, Packed, SamplingSeries, WorkOrder
from mes.domain.orders import Against
from mes.domain.route import Plan, Product, Step
from mes.domain.sampling import IN_A_ROW, REDUCED_FROM, Series
from mes.fold_sampling import Offer, series_of
from mes.fold_sampling import offer as folded_offer
from mes.fold_shipping import product_of
from mes.i18n import N_
from mes.orders import Answer, request
from mes.rows import InspectionRow
from mes.world import World

LISTED: Final = 200
BATCH: Final = 500
OPEN: Final = ("released", "in_work", "on_hold", "completed")
SEVERITIES: Final[Mapping[str, str]] = {
    "normal": N_("normal inspection"), "tightened": N_("tightened inspection"), "reduced": N_("reduced inspection"),
    "stopped": N_("sampling stopped"),
}  # fmt: skip
STATES: Final[Mapping[str, str]] = {
    "accepted": N_("lot accepted"), "rejected": N_("lot not accepted"), "again": N_("not accepted, shown again"),
}  # fmt: skip
DECISIONS: Final[Mapping[str, str]] = {
    "resume": N_("Sampling goes on, tightened"), "normal": N_("Back to normal inspection"),
}  # fmt: skip
HEAD: Final = (
    N_("Inspection"), N_("When"), N_("Order"), N_("Product"), N_("Step"), N_("Lot size"), N_("Level"), N_("AQL"),
    N_("Kind of inspection"), N_("Code letter"), N_("Sample size"), N_("Ac"), N_("Re"), N_("Nonconforming"),
    N_("Result"),
    N_("Shown again for"), N_("Nonconformity"), N_("Kind of inspection afterwards"), N_("Switching score"),
)  # fmt: skip
Decision = Literal["resume", "normal"]


def inspect(session: Session, body: wire.LotInspected, *, now: datetime, actor: str | None = None) -> Answer:
    """Judge a lot by its sample; what does not conform is held in the same transaction."""
    return request(session, "LotInspected", body, now=now, actor=actor)


def decide(
    session: Session, product: str, step: str, decision: Decision, why: str, *, now: datetime, actor: str | None = None
) -> Answer:
    """Let sampling go on after it had stopped, or end reduced inspection."""
    body = wire.SeriesDecided(product=product, step=step, decision=decision, why=why)
    return request(session, "SeriesDecided", body, now=now, actor=actor)


# --- what is read -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step of an order after which lots are sampled: how much no lot holds yet, and the lots that count.

    Attributes:
        again: those of them that were not accepted, with how much of each is left to be shown again.
    """

    step: Step
    ready: int
    series: Series
    lots: Sequence[InspectionRow]
    cartons: Sequence[str]
    known: bool
    again: Sequence[tuple[InspectionRow, int]]


def offer(session: Session, stated: wire.LotStated) -> Offer | Against:
    """The lot that somebody states and the plan that it is inspected by; or what is not right with it."""
    return folded_offer(World(session), stated)


def of_order(session: Session, order: str, world: World | None = None) -> tuple[Product, list[Waiting]] | None:
    """What of an order waits for an inspection, step by step; None for one that there is not, or not released."""
    world = world or World(session)
    row = world.orders.get(order)
    product = product_of(world, row) if row else None
    if row is None or product is None:
        return None
    out = []
    for step in product.sampled:
        assert step.sampling is not None
        lots = fold_sampled.inspections_of(world, order, step.id)
        taken = {c for lot in lots for c in json.loads(lot.cartons)}
        if product.tracking == "serial":
            ready = len(fold_sampled.ready_units(world, row, product, step))
        else:
            ready = fold_sampled.ready_pieces(world, row, step)
        series = series_of(world, product.id, step.id, step.sampling)
        cartons = [c for c in _closed_cartons(session, order) if c not in taken]
        known = world.series.get(product.id, step.id) is not None
        left = [(lot, _left(world, product, lot)) for lot in lots if lot.state == "rejected"]
        out.append(Waiting(step, ready, series, lots, cartons, known, [each for each in left if each[1]]))
    return product, out


def _left(world: World, product: Product, lot: InspectionRow) -> int:
    """How much of a lot is not scrap."""
    if product.tracking == "lot":
        return fold_sampled.left_of(world, lot)
    units = (world.units.get(serial) for serial in fold_sampled.units_in(world, lot))
    return sum(1 for u in units if u is not None and u.state not in ("scrapped", "withdrawn"))


def _closed_cartons(session: Session, order: str) -> Sequence[str]:
    query = (
        select(CartonRow.sscc)
        .join(Packed, Packed.carton == CartonRow.sscc)
        .where(Packed.order == order, Packed.removed_at.is_(None), CartonRow.state == "closed")
        .distinct()
        .order_by(CartonRow.sscc)
        .limit(LISTED)
    )
    return session.scalars(query).all()


def waiting(session: Session) -> list[tuple[WorkOrder, Waiting]]:
    """Orders of which something has passed a sampled step and is in no lot, or in one that was not accepted."""
    out: list[tuple[WorkOrder, Waiting]] = []
    world = World(session)
    query = select(WorkOrder).where(WorkOrder.state.in_(OPEN)).order_by(WorkOrder.due, WorkOrder.id).limit(LISTED)
    for order in session.scalars(query).all():
        found = of_order(session, order.id, world)
        out += [(order, each) for each in found[1] if each.ready or each.again] if found else []
    return out


def series(session: Session) -> Sequence[SamplingSeries]:
    """Every series, by product and step."""
    return session.scalars(select(SamplingSeries).order_by(SamplingSeries.product, SamplingSeries.step)).all()


def one_series(session: Session, product: str, step: str) -> SamplingSeries | None:
    """The series of a product at a step."""
    return session.get(SamplingSeries, (product, step))


def rule_of(row: SamplingSeries) -> Series:
    """A series as the rules see it."""
    return Series(row.severity, row.score, tuple(json.loads(row.recent)), row.not_accepted, row.stopped)  # type: ignore[arg-type]


_STOPPED: Final = N_("%(row)s lots were not accepted under tightened inspection. Quality decides when it goes on.")
_TIGHTENED: Final = N_(
    "Two of %(row)s lots were not accepted. %(row)s accepted lots in a row make it normal again: %(good)s so far."
)
_REDUCED: Final = N_("The switching score has reached %(least)s. One lot that is not accepted makes it normal again.")
_SCORED: Final = N_(
    "Switching score %(score)s; reduced from %(least)s. Two lots of %(row)s that are not accepted make it tightened."
)
_NORMAL: Final = N_("Two lots of %(row)s that are not accepted make it tightened.")


def why(series: Series, *, wanted: bool) -> tuple[str, Mapping[str, Any]]:
    """Why the next lot is inspected so, and what changes it: a text of the catalogue with its values.

    Args:
        wanted: does the plan want reduced inspection after a good series?
    """
    said: dict[str, Any] = {"row": IN_A_ROW, "score": series.score, "least": REDUCED_FROM}
    if series.stopped:
        return _STOPPED, said
    if series.severity == "tightened":
        good = len(list(takewhile(bool, reversed(series.recent))))
        return _TIGHTENED, {**said, "good": good}
    if series.severity == "reduced":
        return _REDUCED, said
    return (_SCORED if wanted else _NORMAL), said


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which inspections; empty: all."""

    order: str = ""
    product: str = ""
    step: str = ""


def listed(session: Session, wanted: Wanted, *, most: int = LISTED) -> Sequence[LotInspection]:
    """The latest inspections, the newest first."""
    return session.scalars(_query(wanted).limit(most)).all()


def every(session: Session, wanted: Wanted) -> Iterator[LotInspection]:
    """All of them, read as they are wanted."""
    yield from session.scalars(_query(wanted).execution_options(yield_per=BATCH))


def _query(wanted: Wanted) -> Any:
    given = {"order": wanted.order, "product": wanted.product, "step": wanted.step}
    query = select(LotInspection).order_by(LotInspection.at.desc(), LotInspection.id.desc())
    return query.where(*(getattr(LotInspection, name) == value for name, value in given.items() if value))


def as_data(row: LotInspection) -> dict[str, Any]:
    """One inspection for programs."""
    names = (
        "id", "at", "order", "product", "step", "quantity", "level", "aql", "severity", "letter", "sample", "accept",
        "found", "state", "again", "nc", "severity_after", "score_after", "note",
    )  # fmt: skip
    values = {name: getattr(row, name) for name in names}
    return {**values, "reject": row.accept + 1, "cartons": json.loads(row.cartons), "bad": json.loads(row.bad)}


def as_row(row: LotInspection, say: Callable[[str], str]) -> tuple[Any, ...]:
    """One inspection as a row of a table, below `HEAD`.

    Args:
        say: translates a text of the catalogue.
    """
    return (
        row.id, row.at, row.order, row.product, row.step, row.quantity, row.level, float(row.aql),
        say(SEVERITIES[row.severity]), row.letter, row.sample, row.accept, row.accept + 1, row.found,
        say(STATES[row.state]), row.again or "", row.nc or "", say(SEVERITIES[row.severity_after]), row.score_after,
    )  # fmt: skip


def names(plan: Plan | None, product: str, step: str, language: str) -> tuple[str, str]:
    """Product and step by name; by their ids where the plan does not have them any more."""
    made = plan.product(product) if plan else None
    at = made.step(step) if made else None
    return (made.name.to(language) if made else product, at.name.to(language) if at else step)

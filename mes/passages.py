"""How units flow: where they stand now, how many begin and end a day, how long they take, and Little's law as a check.

Reads only, from `passage` (a row a unit) by the days that are asked for, so a page costs what these days hold. It
knows no person. Formulas are in `mes.domain.flow`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, TypeVarTuple, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from mes.db.base import utc_text
from mes.db.tables import Passage, UnitRow, WorkOrder
from mes.domain.figures import way_may_be_shown
from mes.domain.flow import Bin, Little, Spread, Visit, histogram, little, spread
from mes.domain.route import Plan, Product
from mes.yielded.periods import midnight

By = Literal["product", "order"]
BY: Final = get_args(By)
MOST_DAYS: Final = 366
Columns = TypeVarTuple("Columns")
Ended = Row[str, str, str, str | None, str | None, str | None]
Begun = Row[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: first and last day of the site, both included; only this product or order, where not empty."""

    by: By
    since: date
    until: date
    product: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    """What ended of a product or an order (its key) in these days.

    Attributes:
        cycle: seconds from the first bench to the end, of finished units; None where they may not be shown.
        lead: seconds from the release of the order to the end, of finished units.
    """

    key: str
    product: str
    finished: int
    scrapped: int
    cycle: tuple[float, ...] | None
    lead: tuple[float, ...]

    @property
    def cycle_spread(self) -> Spread | None:
        """How the cycle times are spread."""
        return spread(self.cycle or ())

    @property
    def lead_spread(self) -> Spread | None:
        """How the lead times are spread."""
        return spread(self.lead)

    @property
    def shown(self) -> tuple[float, ...]:
        """What a histogram is drawn of: cycle times, or lead times where those may not be shown."""
        return self.lead if self.cycle is None else self.cycle

    @property
    def bins(self) -> list[Bin]:
        """The histogram."""
        return histogram(self.shown)


@dataclass(frozen=True, slots=True)
class DayCount:
    """Units that began, were finished and were lost on one day."""

    day: date
    begun: int
    finished: int
    scrapped: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Units that have begun and are not over, at one step of a product: on a bench, waiting for it, held."""

    product: str
    step: str
    on_bench: int
    waiting: int
    held: int

    @property
    def all(self) -> int:
        """All of them."""
        return self.on_bench + self.waiting + self.held


@dataclass(frozen=True, slots=True)
class Flow:
    """The answer; `until` is the end of the days, or now."""

    ways: tuple[Ways, ...]
    days: tuple[DayCount, ...]
    standing: tuple[Standing, ...]
    little: Little | None
    since: datetime
    until: datetime


def read(session: Session, plan: Plan, q: Question, *, now: datetime) -> Flow:
    """What flowed on these days, and where everything stands now."""
    zone = ZoneInfo(plan.plant.timezone)
    first, last = midnight(q.since, zone), midnight(q.until + timedelta(days=1), zone)
    end = max(first, min(last, now.astimezone(UTC)))
    ended = _ended(session, q, first, end)
    begun = _begun(session, q, first, end)
    hidden = {p.id for p in plan.products if not way_may_be_shown(_stations(p))}
    return Flow(
        tuple(_ways(q, ended, hidden)),
        tuple(_days(q, ended, begun, zone)),
        tuple(_standing(session, plan, q)),
        _little(session, q, ended, begun, hidden, first, end),
        first,
        end,
    )


def _stations(product: Product) -> int:
    """Over how many stations a product's way leads at least."""
    return len({step.stations[0] for step in product.steps})


# --- what the database says -------------------------------------------------------------------------------------------


def _ended(session: Session, q: Question, first: datetime, end: datetime) -> Sequence[Ended]:
    """What ended in these days: product, order, began, ended, result, and when the order was released."""
    p = Passage
    wanted = (
        select(p.product, UnitRow.order, p.began_at, p.ended_at, p.result, WorkOrder.released_at)
        .join(UnitRow, UnitRow.serial == p.unit)
        .join(WorkOrder, WorkOrder.id == UnitRow.order)
        .where(p.ended_at >= utc_text(first), p.ended_at < utc_text(end))
    )
    return session.execute(_only(wanted, q).order_by(p.ended_at, p.unit)).all()


def _begun(session: Session, q: Question, first: datetime, end: datetime) -> Sequence[Begun]:
    """What began in these days: product, began, ended."""
    p = Passage
    wanted = select(p.product, p.began_at, p.ended_at)
    if q.order:
        wanted = wanted.join(UnitRow, UnitRow.serial == p.unit)
    return session.execute(_only(wanted.where(p.began_at >= utc_text(first), p.began_at < utc_text(end)), q)).all()


def _only(wanted: Select[*Columns], q: Question) -> Select[*Columns]:
    """One product or order; the statement has the table of units where an order is named."""
    if q.product:
        wanted = wanted.where(Passage.product == q.product)
    return wanted.where(UnitRow.order == q.order) if q.order else wanted


def _through(session: Session, q: Question, hidden: Iterable[str], first: datetime, end: datetime) -> int:
    """How many were on their way when the days began and still when they ended.

    They are counted among those that are on their way now, and those that ended later: for days that reach until now
    there are none of these.
    """
    p = Passage
    wanted = select(func.count()).select_from(p).where(p.product.not_in(sorted(hidden)), p.began_at < utc_text(first))
    if q.order:
        wanted = wanted.join(UnitRow, UnitRow.serial == p.unit)
    still = _only(wanted.where(p.ended_at.is_(None)), q)
    later = _only(wanted.where(p.ended_at >= utc_text(end)), q)
    return int(session.scalar(still) or 0) + int(session.scalar(later) or 0)


def _standing(session: Session, plan: Plan, q: Question) -> list[Standing]:
    """Where the units stand that are on their way now, in the order of the routes."""
    p, u = Passage, UnitRow
    held = u.nc.is_not(None)
    wanted = (
        select(u.product, u.step, u.state, held, func.count()).join(p, p.unit == u.serial).where(p.ended_at.is_(None))
    )
    found: dict[tuple[str, str], Counter[str]] = {}
    rows = session.execute(_only(wanted, q).group_by(u.product, u.step, u.state, held))
    for product, step, state, is_held, count in rows:
        where = "held" if is_held else "on_bench" if state == "in_work" else "waiting"
        found.setdefault((product, step), Counter())[where] += int(count)
    places = {(x.id, s.id): (n, x.place(s.id)) for n, x in enumerate(plan.products) for s in x.steps}
    return [
        Standing(*key, found[key]["on_bench"], found[key]["waiting"], found[key]["held"])
        for key in sorted(found, key=lambda key: (*places.get(key, (len(plan.products), 0)), key))
    ]


# --- what it comes to -------------------------------------------------------------------------------------------------


def _seconds(since: str, until: str) -> float:
    return max(0.0, (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())


def _ways(q: Question, ended: Sequence[Ended], hidden: set[str]) -> list[Ways]:
    groups: dict[tuple[str, str], list[Ended]] = {}
    for row in ended:
        key = row.product if q.by == "product" else row.order
        groups.setdefault((key, row.product), []).append(row)
    out = []
    for (key, product), rows in sorted(groups.items()):
        done = [r for r in rows if r.result == "done"]
        cycle = tuple(_seconds(r.began_at, r.ended_at) for r in done)
        lead = tuple(_seconds(r.released_at, r.ended_at) for r in done if r.released_at)
        lost = sum(r.result == "scrapped" for r in rows)
        out.append(Ways(key, product, len(done), lost, None if product in hidden else cycle, lead))
    return out


def _days(q: Question, ended: Sequence[Ended], begun: Sequence[Begun], zone: ZoneInfo) -> list[DayCount]:
    """Every day, the empty ones, too."""

    def day(at: str) -> date:
        return datetime.fromisoformat(at).astimezone(zone).date()

    began = Counter(day(r.began_at) for r in begun)
    over = Counter((day(r.ended_at), r.result) for r in ended)
    days = [q.since + timedelta(days=n) for n in range((q.until - q.since).days + 1)]
    return [DayCount(d, began[d], over[d, "done"], over[d, "scrapped"]) for d in days]


def _little(
    session: Session,
    q: Question,
    ended: Sequence[Ended],
    begun: Sequence[Begun],
    hidden: set[str],
    first: datetime,
    end: datetime,
) -> Little | None:
    """Both sides of the law over the days, of units whose way leads over several stations."""
    if q.product in hidden:
        return None
    start, stop, until = first.timestamp(), end.timestamp(), utc_text(end)

    def at(moment: str) -> float:
        return datetime.fromisoformat(moment).timestamp()

    visits = [Visit("", at(r.began_at), at(r.ended_at)) for r in ended if r.product not in hidden]
    visits += [
        Visit("", at(r.began_at))
        for r in begun
        if r.product not in hidden and (r.ended_at is None or r.ended_at >= until)
    ]
    visits += [Visit("", start)] * _through(session, q, hidden, first, end)
    return little(visits, start, stop)

"""The figures of some days as tables with typed columns: yields, stations, defects, nonconformities, orders.

Columns are named for programs, and are the same in every language: a report is read by a spreadsheet or by pandas. What
is undefined is empty. Nobody stands in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from mes import flow_tables, nc_pareto, passages, station_times, yielded
from mes.board import progress
from mes.board.model import OrderProgress
from mes.db.base import utc_text
from mes.db.tables import StepDefect, WorkOrder
from mes.domain.oee import Oee, Times, allocation_efficiency, utilisation_efficiency
from mes.domain.route import Plan
from mes.export import Cell, Table
from mes.nc_log import Filter, Log
from mes.station_spells import SPELLS, Group, OneStation, by_line, by_spell
from mes.yielded import By, Question
from mes.yielded.figures import cells, keys
from mes.yielded.periods import midnight

YIELDS: tuple[By, ...] = ("product", "line", "step", "shift", "day", "week")
FIGURES = (
    "planned_s", "making_s", "planned_stop_s", "trial_s", "waiting_s", "out_of_order_s",
    "not_known_s", "outside_s", "availability", "effectiveness", "quality", "allocation", "utilisation", "oee",
)  # fmt: skip
ORDERS = (
    "order", "product", "quantity", "state", "done", "in_work", "waiting", "held", "scrapped", "to_start", "due",
    "late_days",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the site, both included, and the moment at which the report is made."""

    since: date
    until: date
    now: datetime


def tables(session: Session, plan: Plan, of: Days) -> list[Table]:
    """All tables, each with its name."""
    yields = []
    for by in YIELDS:
        rows = yielded.asked(session, plan, Question(by, of.since, of.until))
        yields.append(Table(f"yield_by_{by}", keys(), [cells(row) for row in rows]))
    return [
        *yields,
        *_stations(session, plan, of),
        *_flow(session, plan, of),
        Table("defects", ("product", "step", "defect", "found"), _defects(session, of)),
        *_ncs(session, plan, of),
        Table("orders", ORDERS, _orders(session, plan, of)),
    ]


def _stations(session: Session, plan: Plan, of: Days) -> list[Table]:
    """The hours and the OEE of each station; of each line, shift, day and week over all stations."""
    found = station_times.read(session, plan, of.since, of.until, now=of.now)
    stations = [(x.station.id, x.station.line, *_figures(x.times, x.oee)) for x in found.lines]
    groups: list[tuple[str, list[Group]]] = [("line", by_line(plan, found))]
    for by in SPELLS:
        with suppress(OneStation):  # its shifts would be one person's
            groups.append((by, by_spell(session, plan, by, of.since, of.until, now=of.now)))
    return [
        Table("stations", ("station", "line", *FIGURES), stations),
        *(
            Table(f"oee_by_{by}", (by, *FIGURES), [(g.key, *_figures(g.times, g.oee)) for g in some])
            for by, some in groups
        ),
    ]


def _figures(t: Times, o: Oee) -> tuple[Cell, ...]:
    spent = (t.planned_busy, t.production, t.setup, t.delay, t.idle, t.down, t.unknown, t.outside)
    ratios = (o.availability, o.effectiveness, o.quality, allocation_efficiency(t), utilisation_efficiency(t))
    return (*spent, *(r.value for r in ratios), o.index)


def _flow(session: Session, plan: Plan, of: Days) -> list[Table]:
    """How long units took by product, what was finished a day, and where units stand now."""
    question = passages.Question("product", of.since, of.until)
    made = flow_tables.tables(passages.read(session, plan, question, now=of.now))
    return [replace(table, name=f"flow_{name}") for name, table in made.items()]


def _defects(session: Session, of: Days) -> list[Sequence[Cell]]:
    d, found = StepDefect, func.sum(StepDefect.found)
    rows = session.execute(
        select(d.product, d.step, d.defect, found)
        .where(d.day >= of.since.isoformat(), d.day <= of.until.isoformat())
        .group_by(d.product, d.step, d.defect)
        .order_by(found.desc(), d.product, d.step, d.defect)
    )
    return [(product, step, defect, int(count)) for product, step, defect, count in rows]


def _ncs(session: Session, plan: Plan, of: Days) -> list[Table]:
    log, wanted = Log.of(plan, of.now), Filter(first=of.since, last=of.until)
    out = []
    for by in ("defect", "step", "supplier"):
        bars = nc_pareto.pareto(session, log, wanted, by)
        rows = [(b.key, b.product or b.cause, b.count, b.cost / 100) for b in bars]
        out.append(Table(f"nonconformities_by_{by}", (by, "of", "count", "cost"), rows))
    return out


def _orders(session: Session, plan: Plan, of: Days) -> list[Sequence[Cell]]:
    """Orders that were open on one of the days, as they stand now."""
    zone = ZoneInfo(plan.plant.timezone)
    first, end = utc_text(midnight(of.since, zone)), utc_text(midnight(of.until + timedelta(days=1), zone))
    o = WorkOrder
    rows = session.execute(
        select(o.id, o.product)
        .where(o.created_at < end, or_(o.ended_at.is_(None), o.ended_at >= first), o.state != "cancelled")
        .order_by(o.id)
    ).all()
    known = progress(session, plan, [r.id for r in rows], today=of.now.astimezone(zone).date())
    return [_order(r.product, known[r.id]) for r in rows if r.id in known]


def _order(product: str, p: OrderProgress) -> Sequence[Cell]:
    pieces = (p.done, p.in_work, p.between, p.held, p.scrapped, p.to_start)
    return (p.id, product, p.quantity, p.state, *pieces, p.due, p.late_days)

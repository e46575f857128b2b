"""The board at a moment: rows in, frozen values out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time, tzinfo
from typing import Any

from sqlalchemy.orm import Session

from mes.board import rows as looked
from mes.board import shift_figures
from mes.board.model import Board, Line, Link, Nonconformity, Signal, StepYield, Tile
from mes.board.network import links
from mes.board.orders import progress_of, untranslated
from mes.board.rows import Rows
from mes.board.shift_figures import Outputs
from mes.board.tiles import Count, Here, InWork, attention, tile
from mes.db.base import utc_text
from mes.domain.figures import may_be_shown
from mes.domain.nonconformity import UNDECIDED
from mes.domain.reasons import sentence
from mes.domain.route import Plan, Station
from mes.domain.shifts import shift_at
from mes.i18n import translator
from mes.ledger import last_position
from mes.nc_log import SAMPLES
from mes.signals import place, stopping


def snapshot(session: Session, plan: Plan | None, *, now: datetime, seen: Mapping[str, datetime], tz: tzinfo) -> Board:
    """Read the board.

    Args:
        session: a reading session in a transaction of its own.
        plan: the latest published plan, None before the first.
        now: the server's time.
        seen: station id → when it last spoke to this process.
        tz: the plant's time zone: where its day begins.
    """
    if plan is None:
        return Board(cursor=last_position(session), now=utc_text(now), planned=False)
    local = now.astimezone(tz)
    at_work = shift_at(plan.plant.shifts, tz, now)
    day_start = utc_text(datetime.combine(local.date(), time.min, tz))
    since = utc_text(at_work.start) if at_work else day_start
    rows = looked.read(session, plan, day_start=day_start, since=since, at_work=at_work is not None)
    outputs = shift_figures.outputs(rows, plan, at_work, now, tz) if at_work else {}
    tiles, yields = _tiles(rows, plan, now, seen), _yields(rows, plan, outputs)
    return Board(
        cursor=rows.cursor,
        now=utc_text(now),
        planned=True,
        site=plan.plant.site,
        shift=at_work.shift if at_work else None,
        finished_today=rows.finished,
        lines=_lines(rows, plan, tiles, outputs, yields),
        orders=progress_of(rows.work, local.date()),
        nonconformities=tuple(_nonconformity(row, plan) for row in rows.work.ncs),
        signals=tuple(_signal(row, plan) for row in rows.signals),
        yields=yields,
        attention=attention(list(tiles.values())),
    )


# --- stations ---------------------------------------------------------------------------------------------------------


def _tiles(rows: Rows, plan: Plan, now: datetime, seen: Mapping[str, datetime]) -> dict[str, Tile]:
    here = links(rows.presence, seen, now)
    orders = {o.id: o for o in rows.work.orders}
    benches: dict[str, list[InWork]] = {}
    for unit in rows.units:
        order = orders.get(unit.order)
        product = (rows.work.plan_of(order.revision) if order else plan).product(unit.product)
        step = product.step(unit.step) if product else None
        benches.setdefault(unit.station, []).append(InWork(unit.serial, step, unit.since))
    waiting, to_start = _before(rows, plan)
    undecided = {n.id for n in rows.work.ncs if n.state in UNDECIDED}
    return {
        station.id: tile(
            station,
            Here(
                row=rows.stations.get(station.id),
                args=rows.station_args(station.id),
                link=here.get(station.id, Link()),
                faults=tuple(rows.faults.get(station.id, ())),
                units=benches.get(station.id, ()),
                count=_count(rows, station, orders),
                waiting=waiting.get(station.id, 0),
                to_start=to_start.get(station.id, 0),
            ),
            open_ncs=undecided,
            now=now,
        )
        for station in plan.stations
    }


def _before(rows: Rows, plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    """Station → units that wait before it, and units not yet begun whose first step it does."""
    waiting: dict[str, int] = {}
    to_start: dict[str, int] = {}
    for order in rows.work.orders:
        product = rows.work.plan_of(order.revision).product(order.product)
        if product is None or order.state == "on_hold":
            continue
        for step in product.steps:
            for station in step.stations:
                waiting[station] = waiting.get(station, 0) + rows.work.waiting.get((order.id, step.id), 0)
        reserved = rows.work.states.get(order.id, {}).get("reserved", 0)
        reserved += max(0, order.quantity - order.scanned) if order.scanned is not None else 0
        for station in product.steps[0].stations:
            to_start[station] = to_start.get(station, 0) + reserved
    return waiting, to_start


def _count(rows: Rows, station: Station, orders: Mapping[str, Any]) -> Count | None:
    """What the order that the station spoke of last has counted here; None when it did not speak of a lot order."""
    row = rows.stations.get(station.id)
    order = orders.get(row.unit) if row is not None and row.unit else None
    product = rows.work.plan_of(order.revision).product(order.product) if order else None
    if order is None or product is None or product.tracking != "lot":
        return None
    step = next((s for s in product.steps if station.id in s.stations), None)
    if step is None:
        return None
    good, scrap = rows.work.tallies.get((order.id, step.id), (0, 0))
    return Count(step, good, scrap)


def _lines(
    rows: Rows, plan: Plan, tiles: Mapping[str, Tile], outputs: Outputs, yields: Sequence[StepYield]
) -> tuple[Line, ...]:
    line_of = {s.id: s.line for s in plan.stations}
    in_work: dict[str, int] = {}
    for unit in rows.units:
        in_work[line_of[unit.station]] = in_work.get(line_of[unit.station], 0) + 1
    for order in rows.work.orders:
        product = rows.work.plan_of(order.revision).product(order.product)
        for step in product.steps if product else ():
            line = line_of.get(step.stations[0], "")
            in_work[line] = in_work.get(line, 0) + rows.work.waiting.get((order.id, step.id), 0)
    held: dict[str, int] = {}
    for nc in rows.work.ncs:
        if nc.unit_state is not None and nc.unit_state != "scrapped":
            line = line_of.get(nc.station or "", "")
            held[line] = held.get(line, 0) + 1
    first: dict[str, tuple[int, int]] = {}
    for each in yields:
        made = plan.product(each.product)
        at = made.step(each.step) if made else None
        line = line_of.get(at.stations[0], "") if at else ""
        good, judged = first.get(line, (0, 0))
        first[line] = good + each.good, judged + each.total
    return tuple(
        Line(
            line.id,
            line.name,
            tuple(tiles[s.id] for s in sorted(plan.stations, key=lambda s: s.place) if s.line == line.id),
            in_work.get(line.id, 0),
            held.get(line.id, 0),
            shift_figures.of_line(outputs, plan, line.id),
            *first.get(line.id, (0, 0)),
        )
        for line in plan.plant.lines
        if any(s.line == line.id for s in plan.stations)
    )


# --- quality ----------------------------------------------------------------------------------------------------------


def _nonconformity(row: Any, plan: Plan) -> Nonconformity:
    product = plan.product(row.product)
    step = product.step(row.step) if product else None
    return Nonconformity(
        id=row.id,
        unit=row.unit,
        order=row.order,
        station=row.station,
        step=step.name if step else untranslated(row.step),
        cause=row.cause,
        label=_about(row, plan),
        state=row.state,
        opened_at=row.opened_at,
    )


def _signal(row: Any, plan: Plan) -> Signal:
    found = place(plan, row)
    return Signal(row.id, found[1].name if found else untranslated(row.test), stopping(plan, row))


def _about(row: Any, plan: Plan) -> Mapping[str, str] | None:
    """What it is about: what somebody has called it, the defect, the test, the lot, or what contradicts the record."""
    detail = json.loads(row.detail)
    if row.title:
        return {"fr": row.title, "en": row.title}
    if row.defect:
        defect = plan.defect(row.defect)
        return defect.name.model_dump() if defect else {"fr": row.defect, "en": row.defect}
    if isinstance(test := detail.get("test"), dict):
        return test
    if row.cause == "lot_held":
        return {"fr": f"Lot {detail['lot']} de {detail['part']}", "en": f"Lot {detail['lot']} of {detail['part']}"}
    if row.cause == "sample":
        said = SAMPLES[detail["accepted"]]
        return {language: translator(language).gettext(said) % detail for language in ("fr", "en")}
    if row.cause == "contradiction" and detail.get("why"):
        return {language: sentence(str(detail["why"]), detail, language)[0] for language in ("fr", "en")}
    return None


def _yields(rows: Rows, plan: Plan, outputs: Outputs) -> tuple[StepYield, ...]:
    """The steps at which units are judged, the one with the most failures first; of two alike in the order of the
    route. In a shift also those at which nothing is judged yet and something is planned."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows.visits:
        good, total = counts.get((row.product, row.step), (0, 0))
        counts[row.product, row.step] = good + int(row.good), total + int(row.total)
    found: list[tuple[int, int, int, StepYield]] = []
    for i, product in enumerate(plan.products):
        for nth, step in enumerate(product.steps):
            good, total = counts.get((product.id, step.id), (0, 0))
            output = outputs.get((product.id, step.id))
            if not may_be_shown("product" if step.judges else "work") or not (total or (output and output.planned)):
                continue
            value = StepYield(product.id, product.name, step.id, step.name, good, total, output)
            found.append((good - total, i, nth, value))
    return tuple(value for *_, value in sorted(found, key=lambda f: f[:3]))

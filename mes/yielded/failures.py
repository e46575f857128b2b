"""Failures counted: which test, defect, step, product, order, line or station has most of them, and the units behind.

It reads the rows of `mes.fold_failures`: what it costs grows with what went wrong in the days that are asked for, and
not with what passed. It names no person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from mes.db.base import utc_text
from mes.db.tables import Failure
from mes.domain.ratios import Ratio
from mes.domain.route import Plan
from mes.yielded.periods import midnight
from mes.yielded.reads import CannotAsk, Question, asked, at_line, first_station, line_of, spells_of

Go = Literal["first", "again", "bench", "scrap"]
By = Literal["cause", "step", "product", "order", "line", "station"]
GOES: Final[tuple[Go, ...]] = get_args(Go)
BY: Final[tuple[By, ...]] = get_args(By)
MOST: Final = 200
"""Rows of units on a page."""
MOST_IN_FILE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked.

    Attributes:
        since, until: first and last day of the site, both included. An order is taken over its whole life.
        go: first attempts, later ones, the bench, or what was lost.
        product, order, line, station, step: only these, where not empty; the station "-" is the office.
        of, cause: only this cause, where not empty; a test is meant with its step.
    """

    since: date
    until: date
    go: Go = "first"
    by: By = "cause"
    product: str = ""
    order: str = ""
    line: str = ""
    station: str = ""
    step: str = ""
    of: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One group: how many, and the share (0 to 1) of it and all larger ones in the whole.

    Attributes:
        key: the product, order, line, station, step or cause.
        product, step: where the key means something only there, else "".
        of: what a cause is.
        narrower: the fields of `Wanted` that ask for this group alone; none for a line that the plan does not know.
    """

    key: str
    product: str
    step: str
    of: str
    count: int
    share: float
    narrower: dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One cause of one failure: a unit, or so many pieces (then `unit` is empty)."""

    unit: str
    order: str
    product: str
    step: str
    station: str
    of: str
    cause: str
    count: int
    at: str


def bars(session: Session, plan: Plan, wanted: Wanted) -> list[Bar]:
    """The groups, the largest first.

    Raises:
        CannotAsk: the last day lies before the first one.
    """
    f = Failure
    many = func.sum(f.found if wanted.by == "cause" else f.once)
    columns: tuple[Any, ...] = {
        "cause": (f.of, f.cause, f.product, f.step),
        "step": (f.product, f.step),
        "product": (f.product,),
        "order": (f.order,),
        "station": (f.station,),
        "line": (f.station, f.product, f.step),
    }[wanted.by]
    counted: dict[tuple[str, str, str, str], int] = {}
    for *group, count in session.execute(_narrowed(select(*columns, many), plan, wanted).group_by(*columns)):
        key = _key(plan, wanted.by, group)
        counted[key] = counted.get(key, 0) + int(count)
    ranked = sorted(((k, n) for k, n in counted.items() if n), key=lambda item: (-item[1], item[0]))
    whole, so_far, out = sum(n for _names, n in ranked), 0, list[Bar]()
    for names, count in ranked:
        so_far += count
        out.append(Bar(*names, count, so_far / whole, _narrower(wanted.by, *names)))
    return out


def _key(plan: Plan, by: By, group: list[str]) -> tuple[str, str, str, str]:
    """A group: its name, and where that means something. A test is one of its step; a defect is the same everywhere."""
    if by == "cause":
        of, cause, product, step = group
        return (cause, product, step, of) if of == "test" else (cause, "", "", of)
    if by == "step":
        return group[1], group[0], "", ""
    if by == "line":
        station, product, step = group
        return line_of(plan, station or first_station(plan, product, step)), "", "", ""
    return group[0], "", "", ""


def _narrower(by: By, key: str, product: str, step: str, of: str) -> dict[str, str]:
    if by == "cause":
        return {"of": of, "cause": key, **({"product": product, "step": step} if step else {})}
    if by == "step":
        return {"step": key, "product": product}
    return {by: key or "-"} if key or by == "station" else {}


def rows(session: Session, plan: Plan, wanted: Wanted, most: int = MOST) -> list[Row]:
    """The units and pieces behind, the latest first; an event with several causes stands once for each."""
    f = Failure
    columns: tuple[Any, ...] = (f.unit, f.order, f.product, f.step, f.station, f.of, f.cause, f.found, f.at)
    query = _narrowed(select(*columns), plan, wanted).order_by(f.at.desc(), f.event_id, f.unit, f.place).limit(most)
    return [Row(*row) for row in session.execute(query)]


def total(session: Session, plan: Plan, wanted: Wanted) -> int:
    """How many units failed, runs said nothing, or units and pieces were lost: each event once."""
    return int(session.scalar(_narrowed(select(func.sum(Failure.once)), plan, wanted)) or 0)


def of_judged(session: Session, plan: Plan, wanted: Wanted, failed: int) -> Ratio | None:
    """First attempts that failed, of all first attempts there; None for other kinds, and at one station (the sums of
    orders have none)."""
    if wanted.go != "first" or wanted.station:
        return None
    only = {"product": wanted.product, "order": wanted.order, "line": wanted.line, "step": wanted.step}
    question = Question("order" if wanted.order else "product", wanted.since, wanted.until, **only)
    return Ratio(failed, sum(row.counts.first for row in asked(session, plan, question)))


def by_stretch(session: Session, plan: Plan, question: Question) -> dict[str, int]:
    """The defects and failed tests of first attempts by day, shift or week, for one product and step."""
    spells, f = spells_of(plan, question), Failure
    query = (
        select(spells.c.key, func.sum(f.found))
        .select_from(spells)
        .join(f, and_(f.at >= spells.c.since, f.at < spells.c.until))
        .where(f.product == question.product, f.step == question.step, f.go == "first")
        .group_by(spells.c.key)
    )
    return {key: int(many) for key, many in session.execute(query)}


def _narrowed(query: Select[Any], plan: Plan, w: Wanted) -> Select[Any]:
    if w.since > w.until:
        raise CannotAsk("wrong_way_round")
    return query.where(*_conditions(plan, w))


def _conditions(plan: Plan, w: Wanted) -> Iterable[ColumnElement[bool]]:
    f = Failure
    yield f.go == w.go
    if w.order:
        yield f.order == w.order
    else:
        zone = ZoneInfo(plan.plant.timezone)
        yield f.at >= utc_text(midnight(w.since, zone))
        yield f.at < utc_text(midnight(w.until + timedelta(days=1), zone))
    for column, value in ((f.product, w.product), (f.step, w.step), (f.of, w.of), (f.cause, w.cause)):
        if value:
            yield column == value
    if w.station:
        yield f.station == ("" if w.station == "-" else w.station)
    if w.line:
        yield at_line(plan, w.line, f)

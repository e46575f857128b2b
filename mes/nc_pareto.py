"""Nonconformities counted: which defect, step, product, supplier, customer or station has most of them, and what they
have cost; how many came each week. Reads only.

The filter is that of the log, so each bar leads to exactly its rows there. The database counts; what comes back is as
long as there are bars.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes.db.tables import Nonconformity
from mes.i18n import N_
from mes.nc_export import Words
from mes.nc_log import CUSTOMER, NONE, Filter, Log, joined, where

By = Literal["defect", "step", "product", "supplier", "customer", "station"]
BY: Final[tuple[By, ...]] = get_args(By)
MOST_WEEKS: Final = 60
"""Weeks of a trend that are drawn; the files have all."""

_NC: Final = Nonconformity
_COST: Final = func.sum(_NC.cost_material + _NC.cost_work + _NC.cost_other)


@dataclass(frozen=True, slots=True)
class Bar:
    """One group. `filter` says in the words of the log's filter which rows they are; `cost` is in cents.

    `share` is that of this bar and of all before it in the whole, from 0 to 1.
    """

    key: str
    product: str
    cause: str
    count: int
    cost: int
    share: float
    filter: dict[str, str]


@dataclass(frozen=True, slots=True)
class Week:
    """The nonconformities that were opened in one week of the site, from `monday` on."""

    monday: date
    count: int
    cost: int


def _columns(by: By) -> tuple[Any, ...]:
    """What makes a group: its name, and what its name means something only with."""
    if by == "defect":  # what no defect names is told apart by where it came from
        return func.coalesce(_NC.defect, ""), _NC.cause
    if by == "step":
        return _NC.step, _NC.product
    column: Any = CUSTOMER if by == "customer" else func.coalesce(_NC.__table__.c[by], "")
    return (column,)


def pareto(session: Session, log: Log, wanted: Filter, by: By, *, cost: bool = False) -> list[Bar]:
    """The groups, the largest first.

    Args:
        cost: by what they have cost, instead of by how many they are.
    """
    columns = _columns(by)
    query = select(*columns, func.count(), _COST)
    query = joined(query.select_from(_NC), log, wanted) if by == "customer" else _narrowed(query, log, wanted)
    query = query.group_by(*columns)
    merged: dict[tuple[str, str], tuple[int, int]] = {}
    for key, *more, count, spent in session.execute(query):
        second = str(more[0] or "") if more and not (by == "defect" and key) else ""
        was = merged.get((str(key or ""), second), (0, 0))
        merged[(str(key or ""), second)] = (was[0] + int(count), was[1] + int(spent or 0))
    weight = 1 if cost else 0
    rows = sorted(merged.items(), key=lambda item: (-item[1][weight], -item[1][0], item[0]))
    whole, so_far, out = sum(values[weight] for _key, values in rows), 0, []
    for (key, second), values in rows:
        so_far += values[weight]
        share = so_far / whole if whole else 0.0
        filters = {by: _exactly(by, key)} | ({"source": second} if by == "defect" and second else {})
        filters |= {"product": second or NONE} if by == "step" else {}
        product, cause = (second, "") if by == "step" else ("", second)
        out.append(Bar(key, product, cause, *values, share, filters))
    return out


def _exactly(by: By, key: str) -> str:
    """A value that the log's filter takes for this group and no other: it finds customers and suppliers by a part of
    their name."""
    return NONE if not key else f"={key}" if by in ("customer", "supplier") else key


def weeks(session: Session, log: Log, wanted: Filter, *, most: int | None = None) -> list[Week]:
    """How many were opened in each week of the site, the oldest first, weeks without any included.

    Args:
        most: only the last so many; None: all.

    The database counts by hours of UTC; they are put into weeks here, for no database knows the site's calendar.
    """
    hour = func.substr(_NC.opened_at, 1, 13)
    found, monday_of = dict[date, tuple[int, int]](), _Mondays(ZoneInfo(log.timezone))
    query = _narrowed(select(hour, func.count(), _COST), log, wanted).group_by(hour)
    if most is not None:
        newest = session.scalar(_narrowed(select(func.max(_NC.opened_at)), log, wanted))
        if newest is None:
            return []
        query = query.where(_NC.opened_at >= log.midnight(monday_of(newest[:13]) - timedelta(weeks=most - 1)))
    for at, count, spent in session.execute(query):
        monday = monday_of(at)
        was = found.get(monday, (0, 0))
        found[monday] = was[0] + int(count), was[1] + int(spent or 0)
    if not found:
        return []
    return [Week(monday, *found.get(monday, (0, 0))) for monday in _mondays(min(found), max(found))]


class _Mondays:
    """The Monday of a UTC hour at the site: a day is looked at twice, for its hours before and after noon."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._known: dict[str, tuple[int, date, date, date]] = {}

    def __call__(self, hour: str) -> date:
        """Args: hour: such as `2026-11-23T08`."""
        number = int(hour[11:])
        half = hour[:11] + ("a" if number < 12 else "p")
        if half not in self._known:
            day = date.fromisoformat(hour[:10])
            middle = datetime(day.year, day.month, day.day, 0 if number < 12 else 23, tzinfo=UTC).astimezone(self._zone)
            offset = middle.utcoffset() or timedelta()
            ends = [d - timedelta(days=d.weekday()) for d in (day - _DAY, day, day + _DAY)]
            self._known[half] = (int(offset.total_seconds() // 3600), ends[0], ends[1], ends[2])
        shift, before, same, after = self._known[half]
        local = number + shift
        return before if local < 0 else after if local > 23 else same


_DAY: Final = timedelta(days=1)


def _narrowed(query: Any, log: Log, wanted: Filter) -> Any:
    """Without the orders where only their customers would be asked for."""
    query = query.select_from(_NC)
    return joined(query, log, wanted) if wanted.customer else query.where(*where(log, wanted))


def _mondays(first: date, last: date) -> Iterable[date]:
    while first <= last:
        yield first
        first += timedelta(days=7)


def name(words: Words, by: By, bar: Bar) -> str:
    """A group in words."""
    if by == "defect":
        unnamed = words.say(N_("no defect named: %(source)s")) % {"source": words.source(bar.cause)}
        return words.defect(bar.key) if bar.key else unnamed
    if not bar.key:
        return words.say(N_("not said"))
    if by == "step":
        step = words.step(bar.product, bar.key)
        return f"{words.product(bar.product)} · {step}" if bar.product else step
    known = {"product": words.product, "station": words.station}
    return known[by](bar.key) if by in known else bar.key

"""A unit's history in words: the same sections for the page, the paper and the spreadsheet, and its drawings.

It turns the frozen value of `mes.trace` into texts of one language at the site's own clock; it reads no table, and
knows neither HTTP nor HTML.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from mes import drawing
from mes.domain.measurement import show
from mes.domain.orders import ORDER_STATES
from mes.domain.route import Step, Test
from mes.domain.runs import limit_text
from mes.drawing import Box, Curve, Drawing, Stop
from mes.export import Cell, Table, csv_bytes, xlsx
from mes.genealogy import Part
from mes.i18n import N_, translator
from mes.trace import Dossier, Event, Series, Value
from mes.trace_chain import Deviation
from mes.trace_chain_sheet import Chain, Section

OUTCOMES: Final = {
    "passed": N_("passed"),
    "failed": N_("failed"),
    "error": N_("error of the bench"),
    "timeout": N_("no answer"),
    "aborted": N_("broken off"),
}
UNIT_STATES: Final = {
    "reserved": N_("not begun"),
    "waiting": N_("waiting"),
    "in_work": N_("in work"),
    "held": N_("held"),
    "done": N_("finished"),
    "scrapped": N_("scrap"),
    "withdrawn": N_("taken out"),
}
KINDS: Final = ("csv", "xlsx", "json")
_DID: Final = {
    "tested": N_("Test run"),
    "inspected": N_("Look"),
    "repaired": N_("Repair"),
    "disqualified": N_("Rejected"),
}


class Sheet:
    """A unit's history in one language.

    Args:
        d: the history.
        language: `fr` or `en`.
    """

    def __init__(self, d: Dossier, language: str) -> None:
        self.d = d
        self.language = language
        self.timezone = d.plan.plant.timezone if d.plan else "UTC"
        self._zone = ZoneInfo(self.timezone)
        self._say = translator(language).gettext
        self._chain = Chain(language, self.when, self.part)

    # --- words ---

    def when(self, at: str | None) -> str:
        """A time at the site, to the minute; empty for none."""
        return f"{datetime.fromisoformat(at).astimezone(self._zone):%Y-%m-%d %H:%M}" if at else ""

    def _word(self, words: dict[str, str], key: str) -> str:
        return self._say(words[key]) if key in words else key

    def _planned(self, step: str) -> Step | None:
        return self.d.made.step(step) if self.d.made else None

    def step(self, step: str, visit: int = 1) -> str:
        """A step by name, and which visit it was, unless it was the first."""
        planned = self._planned(step)
        name = planned.name.to(self.language) if planned else step
        return name if visit < 2 else f"{name} ({self._say(N_('visit %(n)s')) % {'n': visit}})"

    def station(self, station: str) -> str:
        """A station by name."""
        found = self.d.plan.station(station) if self.d.plan else None
        return found.name.to(self.language) if found else station

    def test(self, step: str, test: str) -> str:
        """A test by name."""
        found = self._test(step, test)
        return found.name.to(self.language) if found else test

    def _test(self, step: str, test: str) -> Test | None:
        planned = self._planned(step)
        return next((t for t in planned.tests if t.id == test), None) if planned else None

    def part(self, part: str) -> str:
        """A part by its number, and its name where the plan has one."""
        steps = self.d.made.steps if self.d.made else ()
        found = next((c for s in steps for c in s.components if c.part == part), None)
        return f"{found.name.to(self.language)} ({part})" if found else part

    def _defect(self, code: str) -> str:
        found = self.d.plan.defect(code) if self.d.plan else None
        return found.name.to(self.language) if found else code

    def _shown(self, value: float | None, unit: str) -> str:
        return show(value, unit, self.language) if value is not None else "–"

    @property
    def product(self) -> str:
        """What the unit is."""
        return self.d.made.name.to(self.language) if self.d.made else self.d.product

    @property
    def state(self) -> str:
        """How it stands."""
        return self._word(UNIT_STATES, self.d.state)

    # --- sections ---

    def facts(self) -> list[tuple[str, str]]:
        """What it is and what it was made for: names and values."""
        d, say = self.d, self._say
        order_state = ORDER_STATES[d.order_state][self.language] if d.order_state in ORDER_STATES else d.order_state
        plan = say(N_("%(revision)s (content %(hash)s)")) % {"revision": d.revision, "hash": d.plan_hash[:16]}
        facts = [
            (say(N_("Product")), f"{self.product} ({d.product})" if d.made else d.product),
            (say(N_("State")), self.state),
            (say(N_("Order")), f"{d.order} ({order_state})" if order_state else d.order),
            (say(N_("Customer")), d.customer),
            (say(N_("Customer’s reference")), d.reference),
            (say(N_("Due")), d.due),
            (say(N_("Plan revision")), plan if d.revision else ""),
            (say(N_("Last event")), f"{self.when(d.facts_at)} ({self.timezone})"),
        ]
        return [(name, value) for name, value in facts if value]

    def sections(self) -> tuple[Section, ...]:
        """Everything that is kept of it; a section that has nothing in it is left out."""
        say, d = self._say, self.d
        step, station, result, time = say(N_("Step")), say(N_("Station")), say(N_("Result")), say(N_("Time"))
        test, limits, instrument = say(N_("Test")), say(N_("Limits")), say(N_("Instrument"))
        made = (
            Section(
                "way",
                say(N_("The way of this unit")),
                (step, station, say(N_("Arrived")), say(N_("Left")), result),
                tuple(
                    (
                        self.step(s.step, s.visit),
                        self.station(s.station),
                        self.when(s.started_at),
                        self.when(s.ended_at),
                        self._word(OUTCOMES, s.result) if s.result else say(N_("not ended")),
                    )
                    for s in d.stays
                ),
            ),
            Section(
                "parts",
                say(N_("What is in it")),
                (say(N_("Part")), say(N_("Serial")), say(N_("Lot")), say(N_("Quantity")), step, say(N_("Put in")),
                 say(N_("Taken out"))),
                tuple(self._part_rows(d.parts)),
            ),
            self._chain.origins(d.origins),
            Section(
                "readings",
                say(N_("Readings")),
                (time, step, test, say(N_("Value")), limits, result, instrument),
                tuple(self._reading(e, v) for e in d.events for v in e.values),
            ),
            Section(
                "samples",
                say(N_("Samples")),
                (step, test, say(N_("How many")), say(N_("Lowest")), say(N_("Highest")), limits,
                 say(N_("Out of limits")), say(N_("From")), say(N_("To"))),
                tuple(self._sampled(s) for s in d.samples),
            ),
            Section(
                "events",
                say(N_("Looks, repairs and test runs")),
                (time, step, say(N_("What")), result, say(N_("Text"))),
                tuple(self._event(e) for e in d.events),
            ),
            Section(
                "instruments",
                say(N_("Instruments")),
                (say(N_("Number")), say(N_("What it is")), say(N_("Model")), say(N_("Serial number")),
                 say(N_("Calibration good until")), say(N_("That day"))),
                tuple(
                    (t.device, t.family, t.model, t.serial, t.calibration_due,
                     say(N_("not fit")) if t.unfit else say(N_("fit")))
                    for t in d.tools
                ),
            ),
            self._chain.ncs(d.deviations, self.about, self.step),
            self._chain.decisions(d.decisions),
            self._chain.boxed(d.boxed),
            self._chain.released(d.released),
            self._chain.printed(d.printed),
        )  # fmt: skip
        return tuple(s for s in made if s.rows)

    def _part_rows(self, parts: Sequence[Part], depth: int = 0) -> Iterator[tuple[str, ...]]:
        for p in parts:
            name = "› " * depth + self.part(p.part)
            yield (
                name + (f" ({self._say(N_('disputed'))})" if p.disputed else ""),
                p.serial or "",
                p.lot or "",
                str(p.quantity),
                self.step(p.step),
                self.when(p.installed_at),
                self.when(p.removed_at),
            )
            yield from self._part_rows(p.inside, depth + 1)

    def _instrument(self, v: Value) -> str:
        due = self._say(N_("calibration until %(day)s")) % {"day": v.calibration_due} if v.calibration_due else ""
        return " · ".join(filter(None, (v.device or v.instrument, v.serial, due)))

    def _reading(self, e: Event, v: Value) -> tuple[str, ...]:
        return (
            self.when(e.at),
            self.step(e.step, e.visit),
            self.test(e.step, v.test),
            self._shown(v.value, v.unit),
            limit_text(v)[self.language],
            self._word(OUTCOMES, v.outcome),
            self._instrument(v),
        )

    def _sampled(self, s: Series) -> tuple[str, ...]:
        return (
            self.step(s.step, s.visit),
            self.test(s.step, s.test),
            str(len(s.points)),
            self._shown(min(s.measured, default=None), s.unit),
            self._shown(max(s.measured, default=None), s.unit),
            limit_text(s)[self.language],
            str(s.out),
            self.when(s.points[0].at),
            self.when(s.points[-1].at),
        )

    def _event(self, e: Event) -> tuple[str, ...]:
        said = [*(self._defect(code) for code in e.defects), e.text]
        if e.held and e.outcome != "failed":
            said.append(self._say(N_("not foreseen: the unit was held")))
        return (
            self.when(e.at),
            self.step(e.step, e.visit),
            self._word(_DID, e.did),
            self._word(OUTCOMES, e.outcome) if e.outcome else "",
            " · ".join(filter(None, said)),
        )

    def about(self, n: Deviation) -> str:
        """What a nonconformity is about."""
        test = n.detail.get("test")
        if n.defect or not isinstance(test, dict):
            return self._defect(n.defect) if n.defect else n.title or self._say(N_("Not planned"))
        return str(test.get(self.language) or test.get("fr"))

    # --- drawings ---

    def parts_drawing(self) -> Drawing | None:
        """What is in the unit, drawn; None where nothing is."""
        if not self.d.parts:
            return None
        root = Box(self.d.serial, self.product, tuple(map(self._box, self.d.parts)))
        return drawing.parts(root, alt=self._say(N_("What is in %(unit)s, as a tree")) % {"unit": self.d.serial})

    def _box(self, p: Part) -> Box:
        many = f"{p.quantity} × " if p.quantity > 1 else ""
        out = self._say(N_("taken out")) + ": " if p.removed_at else ""
        return Box(p.part, f"{out}{many}{p.number}", tuple(map(self._box, p.inside)), p.removed_at is not None)

    def way_drawing(self) -> Drawing | None:
        """Its way through the stations, drawn; None where it has not begun."""
        if not self.d.stays:
            return None
        rows = list(dict.fromkeys(s.station for s in self.d.stays))
        stops = [
            Stop(rows.index(s.station), self.step(s.step), self.when(s.started_at)[2:], s.result or "open")
            for s in self.d.stays
        ]
        alt = self._say(N_("The way of %(unit)s through the stations")) % {"unit": self.d.serial}
        return drawing.way([self.station(r) for r in rows], stops, alt=alt)

    def curves(self) -> list[tuple[str, Drawing]]:
        """Each reading that has a history, drawn, with what it is."""
        return [
            (title, self._curve(s, title))
            for s in (*self.d.samples, *self.d.repeated)
            if len(s.measured) > 1
            for title in [f"{self.step(s.step, s.visit)} – {self.test(s.step, s.test)}"]
        ]

    def _curve(self, s: Series, alt: str) -> Drawing:
        points = [(p, p.value) for p in s.points if p.value is not None]
        start = datetime.fromisoformat(points[0][0].at)
        return drawing.curve(
            Curve(
                at=tuple((datetime.fromisoformat(p.at) - start).total_seconds() for p, _ in points),
                values=tuple(value for _, value in points),
                good=tuple(p.outcome != "failed" for p, _ in points),
                low=s.low,
                high=s.high,
                low_label=self._shown(s.low, s.unit),
                high_label=self._shown(s.high, s.unit),
                first=self.when(points[0][0].at),
                last=self.when(points[-1][0].at),
            ),
            alt=alt,
        )

    # --- to take away ---

    def flat(self) -> Table:
        """Everything as one table, a line a fact, numbers as numbers."""
        say = self._say
        head = (
            say(N_("What")), say(N_("Time (%(zone)s)")) % {"zone": self.timezone}, say(N_("Step")), say(N_("Visit")),
            say(N_("Station")), say(N_("Subject")), say(N_("Number")), say(N_("Value")), say(N_("Unit of measure")),
            say(N_("Low limit")), say(N_("High limit")), say(N_("Result")), say(N_("Instrument")), say(N_("Text")),
        )  # fmt: skip
        return Table(self.d.serial, head, sorted(self._facts(), key=lambda row: str(row[1])))

    def _facts(self) -> Iterator[tuple[Cell, ...]]:
        say, d = self._say, self.d
        none: tuple[Cell, ...] = (None,) * 4
        for s in d.stays:
            at = self.when(s.started_at), self.step(s.step), s.visit, self.station(s.station)
            yield say(N_("Arrived")), *at, "", "", *none, "", "", ""
            if s.ended_at:
                at = self.when(s.ended_at), *at[1:]
                yield say(N_("Left")), *at, "", "", *none, self._word(OUTCOMES, s.result or ""), "", ""
        yield from self._part_facts(d.parts, d.serial)
        for e in d.events:
            at = self.when(e.at), self.step(e.step), e.visit, self.station(e.station)
            yield self._word(_DID, e.did), *at, "", "", *none, self._event(e)[3], "", self._event(e)[4]
            for v in e.values:
                measured = v.value, v.unit, v.low, v.high, self._word(OUTCOMES, v.outcome), self._instrument(v), ""
                yield say(N_("Reading")), *at, self.test(e.step, v.test), "", *measured
        for series in d.samples:
            for p in series.points:
                of = say(N_("Sample")), self.when(p.at), self.step(series.step), series.visit, ""
                limits = series.unit, series.low, series.high
                name = self.test(series.step, series.test)
                yield *of, name, "", p.value, *limits, self._word(OUTCOMES, p.outcome), "", ""
        for n in d.deviations:
            said = " · ".join(filter(None, (self._chain.disposition(n.disposition), n.why)))
            what = say(N_("Nonconformity")), self.when(n.opened_at), self.step(n.step), None, self.station(n.station)
            yield *what, self.about(n), n.id, *none, self._chain.nc_state(n.state), "", said
            for name, since in list(self._chain.nc_times(n))[1:]:
                yield name, self.when(since), "", None, "", self.about(n), n.id, *none, "", "", ""
        for fact, time, subject, number, value, result, text in self._chain.facts(
            d.origins, d.decisions, d.boxed, d.released, d.printed
        ):
            yield fact, time, "", None, "", subject, number, value, *none[1:], result, "", text

    def _part_facts(self, parts: Sequence[Part], unit: str) -> Iterator[tuple[Cell, ...]]:
        say = self._say
        for p in parts:
            for what, at in ((N_("Put in"), p.installed_at), (N_("Taken out"), p.removed_at)):
                if at:
                    where = self.when(at), self.step(p.step), None, ""
                    yield say(what), *where, p.part, p.number, p.quantity, "", None, None, "", "", unit
            yield from self._part_facts(p.inside, p.number)

    def tables(self) -> list[Table]:
        """Everything as the sheets of a workbook: all facts, then section by section."""
        facts = Table(self._say(N_("Unit")), (self._say(N_("What")), self._say(N_("Value"))), self.facts())
        return [facts, *(Table(s.title, s.head, s.rows) for s in self.sections()), self.flat()]


def as_json(d: Dossier) -> str:
    """The whole history for a program: ids and UTC times, as they are kept."""
    values = {f.name: _plain(getattr(d, f.name)) for f in fields(d) if f.name != "plan"}
    return json.dumps(values, ensure_ascii=False, indent=1)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def file(kind: str, sheet: Sheet, *, made_at: datetime) -> bytes:
    """The whole history as a file of one of the `KINDS`."""
    if kind == "json":
        return as_json(sheet.d).encode()
    return xlsx(sheet.tables(), made_at=made_at) if kind == "xlsx" else csv_bytes(sheet.flat(), sheet.language)

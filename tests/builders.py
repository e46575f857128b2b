"""Builders: a plan, units, orders, a bench and a floor that answers, with all that a test is not about.

`a_bench("bench-1")` is a whole bench with its session, an outbox in memory and a clock; `bench.server()` lets
the floor judge what was kept, by the product's own rules. A test names what it is about and nothing else.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from mes import wire
from mes.domain import gate, told
from mes.domain import unit as rules
from mes.domain.barcode import CommandName, write
from mes.domain.gate import Installed, Order, Unit, Worker
from mes.domain.reasons import REASONS, sentence
from mes.domain.route import (
    Component,
    Defect,
    Line,
    Lines,
    Plan,
    Plant,
    Product,
    Qualification,
    Station,
    Step,
    StepKind,
    Test,
    Text,
)
from mes.domain.told import floor_order
from stations import session as bench_session
from stations.devices.readings import Reading
from stations.inputs import (
    AgentCommand,
    DeviceBack,
    DeviceLost,
    FloorCame,
    Input,
    Kept,
    LinkChanged,
    Measured,
    MeasureNow,
    NotKept,
    PlanCame,
    RackCame,
    SampleNow,
    Scanned,
    Taken,
    Tick,
    VerdictCame,
)
from stations.outbox_rows import Draft
from stations.session import Session, Turn
from stations.view import Banner, Need, Screen

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
UNIT = "NMD-2647-00001"
OTHER = "NMD-2647-00002"
ORDER = "OF-2026-001"
LOT_ORDER = "OF-2026-002"
BATTERY = "B4-77120"
BADGE = "OP-07"


def text(fr: str, en: str = "") -> Text:
    return Text(fr=fr, en=en or fr)


def utc(seconds: float = 0) -> str:
    """A moment of the test's morning, `seconds` after it began."""
    return (AT + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# --- the plan ---------------------------------------------------------------------------------------------------------


def a_component(
    part: str = "BAT-48V", per: Literal["serial", "lot"] = "serial", quantity: int = 1, **more: Any
) -> Component:
    return Component(part=part, name=text(f"Pièce {part}", f"Part {part}"), per=per, quantity=quantity, **more)


def a_test(id: str = "pe", unit: str = "ohm", low: float | None = None, high: float | None = 0.1, **more: Any) -> Test:
    return Test(
        id=id,
        name=text(f"Essai {id}", f"Test {id}"),
        unit=unit,
        low=low,
        high=high,
        instrument="tester",
        ask=id.upper(),
        **more,
    )


def a_step(id: str = "battery", kind: StepKind = "assemble", station: str = "bench-1", **more: Any) -> Step:
    return Step(
        id=id,
        kind=kind,
        stations=(station,),
        name=text(f"Étape {id}", f"Step {id}"),
        instruction=Lines(fr=("Faites-le.",), en=("Do it.",)),
        cycle_s=60,
        **{"begins": "by-itself", **more},
    )


BATTERY_STEP = a_step(
    components=(
        a_component("BAT-48V", pattern=r"(?P<serial>B4-\d{5})"),
        a_component("FUSE-30A", per="lot", quantity=2, pattern=r"FUSE-30A/(?P<lot>[\w-]+)"),
    )
)
LOOK_STEP = a_step("look", "inspect", "bench-2")
SAFETY_STEP = a_step(
    "safety",
    "test",
    "bench-3",
    retests=1,
    tests=(a_test("pe"), a_test("iso", "Mohm", low=1.0, high=None), a_test("hipot", "mA", high=5.0)),
    offline="stop",
)
BURN_IN_STEP = a_step("burn-in", "burn-in", "rack-1", min_s=3600, tests=(a_test("power", "W", low=900, high=1100),))
PACK_STEP = a_step("pack", "pack", "bench-5")


def a_product(*steps: Step, id: str = "NOMAD", serial: str | None = "NMD-{yy}{ww}-{n:05}", **more: Any) -> Product:
    route = steps or (BATTERY_STEP, LOOK_STEP, SAFETY_STEP, BURN_IN_STEP, PACK_STEP)
    fields: dict[str, Any] = {"tracking": "serial", "customer": "C", "name": text("Produit", "Product"), **more}
    return Product(id=id, serial=serial, steps=route, **fields)


KIT = a_product(
    a_step("fill", "count", "count-1"), a_step("seal", "count", "count-2"), id="KIT", serial=None, tracking="lot"
)


def a_station(id: str, place: int, places: int = 1) -> Station:
    return Station(id=id, name=text(f"Poste {id}", f"Station {id}"), line="line-1", place=place, places=places)


QUALIFICATION = Qualification(id="work", name=text("Le métier", "The trade"), months=12)


def a_plan(*products: Product, languages: tuple[Literal["fr", "en"], ...] = ("fr", "en")) -> Plan:
    return Plan(
        plant=Plant(
            site="Site",
            timezone="Europe/Paris",
            languages=languages,
            lines=(Line(id="line-1", name=text("L")),),
            qualifications=(QUALIFICATION,),
        ),
        defects=(
            Defect(code="SCRATCH", name=text("Rayure", "Scratch"), severity="minor"),
            Defect(code="CRACK", name=text("Fissure", "Crack"), severity="major"),
        ),
        products=products or (a_product(), KIT),
        stations=(
            a_station("bench-1", 1),
            a_station("bench-2", 2),
            a_station("bench-3", 3),
            a_station("rack-1", 4, places=3),
            a_station("bench-5", 5),
            a_station("count-1", 6),
            a_station("count-2", 7),
        ),
        pictures={"fit": "<svg/>"},
    )


# --- what the rules decide about --------------------------------------------------------------------------------------


def an_order(id: str = ORDER, product: str = "NOMAD", quantity: int = 10, state: gate.OrderState = "released") -> Order:
    return Order(id, product, quantity, state, revision=1)


def a_unit(serial: str = UNIT, step: str = "battery", state: gate.UnitState = "waiting", **more: Any) -> Unit:
    fields: dict[str, Any] = {"order": ORDER, "product": "NOMAD", "visits": {step: 1}, **more}
    return Unit(serial=serial, step=step, state=state, **fields)


def a_unit_at_work(step: str = "battery", station: str = "bench-1", **more: Any) -> Unit:
    return a_unit(step=step, state="in_work", station=station, **{"since": utc(), **more})


def a_case(unit: Unit | None = None, **more: Any) -> rules.Case:
    """A decision's surroundings: a unit at work on bench-1, an open order, somebody signed in, a request."""
    fields: dict[str, Any] = {
        "event_id": "e-1",
        "unit": unit or a_unit_at_work(),
        "serial": UNIT,
        "order": an_order(),
        "plan": a_plan(),
        "station": "bench-1",
        "operator": BADGE,
        "asks": True,
        "at": utc(60),
        **more,
    }
    return rules.Case(**fields)


def an_installed(
    part: str = "BAT-48V", serial: str | None = BATTERY, lot: str | None = None, quantity: int = 1
) -> Installed:
    return Installed(f"i-{part}-{serial or lot}", part, serial, lot, quantity)


ALL_FITTED = (an_installed(), an_installed("FUSE-30A", None, "L1", 2))


# --- a floor that answers ---------------------------------------------------------------------------------------------


@dataclass
class Floor:
    """The server's part, by the server's own rules, for units only; everything else is noted."""

    plan: Plan
    units: dict[str, Unit] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    inside: dict[str, list[Installed]] = field(default_factory=dict)
    held_lots: set[tuple[str, str]] = field(default_factory=set)
    stopped: list[wire.FloorStop] = field(default_factory=list)
    permits: list[wire.FloorPermit] = field(default_factory=list)
    lot_days: list[wire.FloorLotDay] = field(default_factory=list)
    signalled: dict[str, str] | None = None
    left: int = 100
    workers: dict[str, Worker] | None = None
    register: tuple[wire.FloorInstrument, ...] | None = None

    def _initialised(self, station: str, event_id: str, draft: Draft, body: wire.UnitsInitialized) -> wire.IngestResult:
        answer = gate.initialise(
            serial=body.unit,
            order=self.orders.get(body.order),
            order_id=body.order,
            plan=self.plan,
            station=station,
            operator=draft.operator,
            known=body.unit in self.units,
            have=sum(u.order == body.order for u in self.units.values()),
        )
        if answer.go:
            made = Unit(body.unit, body.order, self.orders[body.order].product, "reserved", body.step, {body.step: 1})
            self.units[body.unit] = made
        verdict: wire.Verdict = "accepted" if answer.go else "refused" if draft.asks else "held"
        return wire.IngestResult(
            event_id=event_id, status="recorded", verdict=verdict, reason=answer.reason, args=dict(answer.args)
        )

    def judge(
        self, station: str, event_id: str, draft: Draft, at: str, mono_ms: int = 0, boot: str = ""
    ) -> wire.IngestResult:
        body = wire.FLOOR_KINDS[draft.kind, draft.v].model_validate_json(draft.body)
        serial = getattr(body, "unit", None)
        if isinstance(body, wire.OperatorActivated):
            answer = gate.sign_in(self._worker(draft.operator))
            verdict: wire.Verdict = "accepted" if answer.go else "refused" if draft.asks else "held"
            return wire.IngestResult(event_id=event_id, status="recorded", verdict=verdict, reason=answer.reason)
        if isinstance(body, wire.HelpRequested) or serial is None:
            return self._other(event_id, body)
        if isinstance(body, wire.UnitsInitialized):
            return self._initialised(station, event_id, draft, body)
        unit = self.units.get(serial)
        installed = self.inside.setdefault(serial, [])
        part, number, lot = (getattr(body, name, None) for name in ("part", "serial", "lot"))
        holders = [
            u for u, items in self.inside.items() for i in items if number and (i.part, i.serial) == (part, number)
        ]
        decision = rules.decide(
            rules.Case(
                event_id=event_id,
                unit=unit,
                serial=serial,
                order=self.orders.get(unit.order) if unit else None,
                plan=self.plan,
                station=station,
                operator=draft.operator,
                asks=draft.asks,
                at=at,
                installed=tuple(installed),
                used_in=holders[0] if holders else None,
                lot_is="held" if (str(part), str(lot)) in self.held_lots else "good",
                competent=self._competent(unit, draft.operator, at),
                boot=boot,
                mono_ms=mono_ms,
                present=sum(u.station == station and u.serial != serial for u in self.units.values()),
            ),
            body,
        )
        args = dict(decision.args)
        if self.signalled and isinstance(body, wire.UnitsTested):
            args["signal"] = self.signalled
        after = decision.unit or unit
        if decision.verdict != "refused" and after is not None:
            if decision.nc is not None:
                args["nc"] = "NC-2026-0001"
                after = replace(after, nc="NC-2026-0001")
            self.units[serial] = after
            if decision.install is not None:
                installed.append(decision.install)
            self.inside[serial] = [i for i in installed if i.id != decision.uninstall]
        arrived = isinstance(body, wire.UnitsArrived) and decision.verdict == "accepted" and draft.asks
        return wire.IngestResult(
            event_id=event_id,
            status="recorded",
            verdict=decision.verdict,
            reason=decision.reason,
            args=args,
            screen=self.screen(serial) if arrived else None,
        )

    def _worker(self, badge: str | None) -> Worker | None:
        return Worker(badge or "") if self.workers is None else self.workers.get(badge or "")

    def _competent(self, unit: Unit | None, badge: str | None, at: str) -> gate.Answer | None:
        product = self.plan.product(unit.product) if unit else None
        step = product.step(unit.step) if product and unit else None
        if step is None or step.qualification is None or self.workers is None:
            return None
        return gate.competence(self._worker(badge), step, at[:10], plan=self.plan)

    def _other(self, event_id: str, body: wire.Frozen) -> wire.IngestResult:
        args: dict[str, Any] = {}
        reason = "noted"
        if isinstance(body, wire.WorkCompleted):
            scrap = sum(s.quantity for s in body.scrap)
            self.left -= body.good + scrap
            reason, args = "counted", {"good": body.good, "scrap": scrap, "left": self.left}
        return wire.IngestResult(event_id=event_id, status="recorded", verdict="accepted", reason=reason, args=args)

    def screen(self, serial: str) -> dict[str, Any]:
        unit = self.units[serial]
        return {
            "unit": floor_unit(unit).model_dump(),
            "order": floor_order(self.orders[unit.order]).model_dump(),
            "installed": [
                {"id": i.id, "part": i.part, "serial": i.serial, "lot": i.lot, "quantity": i.quantity}
                for i in self.inside[serial]
            ],
            "since": unit.since,
        }

    def reply(self, *, whole: bool = True) -> wire.FloorReply:
        return wire.FloorReply(
            cursor=1,
            whole=whole,
            orders=tuple(floor_order(o) for o in self.orders.values()),
            units=tuple(floor_unit(u) for u in self.units.values()),
            components=tuple(
                wire.FloorComponent(part=i.part, serial=i.serial, unit=u)
                for u, items in self.inside.items()
                for i in items
                if i.serial
            ),
            held_lots=tuple(wire.FloorLot(part=p, lot=x) for p, x in self.held_lots),
            stopped=tuple(self.stopped),
            permits=tuple(self.permits),
            lot_days=tuple(self.lot_days),
            badges=None
            if self.workers is None
            else tuple(
                wire.FloorBadge(id=w.badge, language=w.language, until=dict(w.until))
                for w in self.workers.values()
                if w.active
            ),
            instruments=self.register,
        )


def floor_unit(unit: Unit) -> wire.FloorUnit:
    """As a server told it that said the time of arrival beside the unit only."""
    return told.floor_unit(unit).model_copy(update={"since": ""})


def a_worker(badge: str = BADGE, *, language: str = "", active: bool = True, **until: str) -> Worker:
    """Somebody with a badge, and what they may do until when."""
    return Worker(badge, active, until, language)


def a_crew(plan: Plan, count: int = 12) -> dict[str, Worker]:
    """So many people who may do everything."""
    until = {q.id: "2099-12-31" for q in plan.plant.qualifications}
    return {badge: a_worker(badge, **until) for badge in (f"OP-{n:02}" for n in range(1, count + 1))}


def a_floor(
    *units: Unit, orders: Iterable[Order] = (), plan: Plan | None = None, workers: Iterable[Worker] | None = None
) -> Floor:
    """A floor with these units (one that waits for the first step, when none is named), their orders, and people."""
    known = [*orders] or [an_order(), an_order(LOT_ORDER, "KIT", 100)]
    plan = plan or a_plan()
    return Floor(
        plan,
        {u.serial: u for u in (units or (a_unit(),))},
        {o.id: o for o in known},
        workers=a_crew(plan) if workers is None else {w.badge: w for w in workers},
    )


# --- a bench ----------------------------------------------------------------------------------------------------------


@dataclass
class Bench:
    """A session with an outbox in memory. Each action takes a tenth of a second unless told otherwise."""

    station: str
    floor: Floor
    session: Session
    seconds: float = 0.0
    kept: list[tuple[Draft, str]] = field(default_factory=list)
    when: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    sent: int = 0
    last: Turn | None = None
    disk_full: bool = False
    measuring: MeasureNow | None = None
    sampling: SampleNow | None = None
    told: list[AgentCommand] = field(default_factory=list)

    # --- what happens to it ---

    def give(self, kind: type[Any], *, after_s: float = 0.1, **fields: Any) -> Bench:
        self.seconds += after_s
        return self.take(kind(now=utc(self.seconds), mono_ms=int(self.seconds * 1000), **fields))

    def take(self, came: Input) -> Bench:
        turn = bench_session.advance(self.session, came)
        if turn.drafts and self.disk_full:
            self.session = bench_session.advance(self.session, NotKept(now=came.now, mono_ms=came.mono_ms)).session
            return self
        self.session, self.last = turn.session, turn
        for command in turn.commands:
            self.measuring = command if isinstance(command, MeasureNow) else self.measuring
            self.sampling = command if isinstance(command, SampleNow) else self.sampling
            self.told.append(command)
        for draft in turn.drafts:
            event_id = str(uuid.UUID(int=len(self.kept) + 1))
            self.kept.append((draft, event_id))
            self.when[event_id] = (came.now, came.mono_ms, self.session.boot)
            noted = Kept(now=came.now, mono_ms=came.mono_ms, token=draft.token, event_id=event_id)
            self.session = bench_session.advance(self.session, noted).session
        return self

    def scan(self, *codes: str | bytes, after_s: float = 1.5) -> Bench:
        for code in codes:
            self.give(Scanned, raw=code, after_s=after_s)
        return self

    def command(self, *names: CommandName, after_s: float = 1.5) -> Bench:
        return self.scan(*(write("command", n) for n in names), after_s=after_s)

    def badge(self, id: str = BADGE) -> Bench:
        return self.scan(write("badge", id))

    def defect(self, code: str = "SCRATCH") -> Bench:
        return self.scan(write("defect", code))

    def quantity(self, *values: int) -> Bench:
        return self.scan(*(write("quantity", v) for v in values))

    def hear_of_the_floor(self) -> Bench:
        """The server tells what has changed."""
        return self.give(FloorCame, reply=self.floor.reply())

    def link(self, state: str) -> Bench:
        return self.give(LinkChanged, state=state)

    def tick(self, seconds: float = 0.5) -> Bench:
        return self.give(Tick, after_s=seconds)

    def lose(self, name: str = "scanner") -> Bench:
        return self.give(DeviceLost, name=name, family="scanner")

    def find(self, name: str = "scanner") -> Bench:
        return self.give(DeviceBack, name=name, family="scanner")

    def measure(
        self, *values: float | Reading | list[Reading] | None, unit: str | None = None, after_s: float = 0.1
    ) -> Bench:
        """Answer what the session asks the devices for, one value after the other.

        None: no answer at all; a list: what came when the same test was asked for again and again.
        """
        for value in values:
            asked = self.measuring
            assert asked is not None, "nothing is being measured"
            if value is None or isinstance(value, list):
                askings = value or []
            else:
                askings = [value if isinstance(value, Reading) else Reading(value, unit, "measured", f"{value}")]
            taken = tuple(
                Taken(t.id, reading, "MAKER MODEL 42", attempt=n)
                for t in asked.tests
                for n, reading in enumerate(askings, 1)
            )
            self.measuring = None
            self.give(Measured, after_s=after_s, run=asked.run, readings=taken)
        return self

    def sample(self, *values: float | None, after_s: float = 0.1) -> Bench:
        """Answer what a sample asks for, one value after the other, in the test's unit; None: no answer at all."""
        for value in values:
            asked, self.sampling = self.sampling, None
            assert asked is not None, "no sample is being read"
            reading = Reading(value, asked.test.unit, "measured", f"{value}")
            taken = () if value is None else (Taken(asked.test.id, reading, "MAKER MODEL 42"),)
            self.give(Measured, after_s=after_s, run=asked.run, readings=taken)
        return self

    # --- the server ---

    def server(self) -> Bench:
        """The server judges everything that was kept, and its verdicts come back; what they lead to is judged too."""
        while self.sent < len(self.kept):
            draft, event_id = self.kept[self.sent]
            self.sent += 1
            judged = self.floor.judge(self.station, event_id, draft, *self.when[event_id])
            self.hear(draft.token, judged)
        return self

    def hear(self, token: int, result: wire.IngestResult) -> Bench:
        return self.give(
            VerdictCame,
            after_s=0.02,
            token=token,
            event_id=result.event_id,
            status=result.status,
            verdict=result.verdict,
            reason=result.reason,
            args=result.args,
            screen=result.screen,
        )

    def says(self, kind: str, verdict: str, reason: str, *, status: str = "recorded", **args: Any) -> Bench:
        """The server's verdict on the last kept event of that kind, whatever the floor would say."""
        at = max(i for i, (d, _) in enumerate(self.kept) if d.kind == kind)
        self.sent = max(self.sent, at + 1)
        return self.give(
            VerdictCame,
            after_s=0.02,
            token=self.kept[at][0].token,
            status=status,
            verdict=verdict,
            reason=reason,
            args=args,
        )

    # --- what the next reader sees ---

    @property
    def screen(self) -> Screen:
        return bench_session.screen(self.session)

    @property
    def banner(self) -> Banner:
        return self.session.banner

    @property
    def shows(self) -> tuple[str, str]:
        """Tone and reason."""
        return self.banner.tone, self.banner.reason

    @property
    def kinds(self) -> list[str]:
        """The kinds of the kept events, without the sign-in."""
        return [d.kind for d, _ in self.kept if d.kind != "OperatorActivated"]

    def body(self, kind: str) -> Any:
        """The last kept event of that kind, parsed."""
        draft = next(d for d, _ in reversed(self.kept) if d.kind == kind)
        return wire.FLOOR_KINDS[draft.kind, draft.v].model_validate_json(draft.body)

    def draft(self, kind: str) -> Draft:
        return next(d for d, _ in reversed(self.kept) if d.kind == kind)

    def need(self, kind: str, index: int = 0) -> Need:
        return [n for n in self.screen.needs if n.kind == kind][index]


def a_bench(station: str = "bench-1", *units: Unit, signed_in: bool = True, link: str = "up", **more: Any) -> Bench:
    """A bench that is ready: plan and floor are there, the link is up, somebody is signed in."""
    floor = more.get("floor") or a_floor(*units, plan=more.get("plan"), workers=more.get("workers"))
    begun = bench_session.begin(station, instruments=more.get("instruments"), boot=more.get("boot", "boot-1"))
    bench = Bench(station, floor, begun, more.get("at_s", 0.0))
    bench.give(RackCame, note=more.get("note", ""))
    bench.give(PlanCame, plan=floor.plan, revision=1)
    bench.give(FloorCame, reply=floor.reply())
    bench.link(link)
    if signed_in:
        bench.badge()
        if link == "up":
            bench.server()
    return bench


def a_bench_at_work(station: str = "bench-1", *units: Unit, link: str = "up", **more: Any) -> Bench:
    """The same with the unit on the bench."""
    bench = a_bench(station, *units, link=link, **more).scan(UNIT)
    return bench.server() if link == "up" else bench


def holes(banner: Banner) -> list[str]:
    """The arguments that a banner's sentence wants and does not have; its reason, when that is unknown."""
    reason = REASONS.get(banner.reason)
    if reason is None:
        return [banner.reason]
    for language in ("fr", "en"):
        sentence(banner.reason, banner.args, language)
    return sorted(name for name in reason.names if banner.args.get(name) is None)


def args_of(reason: str) -> Mapping[str, Any]:
    """Some value for each argument of a reason."""
    return {
        name: 3 if name in ("left", "minutes", "good", "scrap", "places") else f"some {name}"
        for name in REASONS[reason].names
    }

"""Random histories: whatever happens, the replay of the ledger gives the same state, and twice is once."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import forgetting, lots, orders, quality, sampling, wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Ledger, Nonconformity
from mes.domain.route import Component, Control, Plan, Qualification, Sampling
from mes.fold_sampling import Offer
from tests.server.bench import OPERATOR, PERSON, Bench, Floor
from tests.server.small_plan import small_plan, text

SERIALS = [f"GEN-2648-{n:05}" for n in range(1, 5)] + ["STRANGER"]
unit = st.sampled_from(SERIALS)
station = st.sampled_from(["b1", "b2", "b3"])
step = st.sampled_from(["fit", "test", "look"])
asks = st.booleans()
HOME = {"fit": "b1", "test": "b2", "look": "b3"}

COUNTED = st.sampled_from([("p1", "bag"), ("p2", "box")])
VERBS = st.sampled_from(["hold", "resume", "close", "cancel"])
actions = st.one_of(
    st.tuples(st.just("cycle"), st.sampled_from(SERIALS[:4]), st.floats(0, 8), asks),
    st.tuples(st.just("arrive"), station, unit, step, asks),
    st.tuples(st.just("fit"), station, unit, st.sampled_from(["BAT", "FUSE", "WRONG"]), st.integers(1, 3), asks),
    st.tuples(st.just("unfit"), station, unit, st.integers(0, 30)),
    st.tuples(st.just("test"), station, unit, st.sampled_from([0.5, 3.0, 9.0])),
    st.tuples(st.just("look"), station, unit, st.booleans()),
    st.tuples(st.just("done"), station, unit, step, asks),
    st.tuples(st.just("depart"), station, unit, step),
    st.tuples(st.just("scrap"), station, unit, step),
    st.tuples(st.just("count"), COUNTED, st.integers(0, 60), st.integers(0, 3), asks),
    st.tuples(st.just("load"), COUNTED, st.sampled_from(["FUSE", "NUT"]), st.integers(1, 3), asks),
    st.tuples(st.just("receive"), st.integers(1, 3), st.integers(1, 60)),
    st.tuples(st.just("decide"), st.integers(1, 5), st.sampled_from(["rework", "not_confirmed", "scrap"]), step),
    st.tuples(st.just("lot"), st.booleans(), st.integers(1, 3)),
    st.tuples(
        st.just("order"), st.sampled_from(["hold", "resume", "close", "cancel"]), st.sampled_from(["OF-1", "OF-2"])
    ),
    st.tuples(st.just("poison"), station, st.sampled_from(["Teleported", "UnitsArrived"])),
    st.tuples(st.just("help"), station),
    st.tuples(st.just("fault"), station, st.booleans()),
    st.tuples(st.just("requeue")),
    st.tuples(st.just("who"), station, st.sampled_from([OPERATOR, "STRANGER", None])),
    st.tuples(st.just("forget")),
    st.tuples(st.just("badge"), st.booleans(), st.sampled_from([OPERATOR, "STRANGER"])),
    st.tuples(st.just("able"), st.sampled_from(["2026-11-22", "2026-11-23", None]), st.sampled_from([PERSON, "P-NEW"])),
    st.tuples(st.just("measure"), unit, st.sampled_from([3.0, 9.0]), st.sampled_from(["M-1", "M-2"]), st.booleans()),
    st.tuples(st.just("sample"), unit, st.sampled_from(["M-1", "M-2"])),
    st.tuples(st.just("instrument"), st.sampled_from(["add", "good", "old", "unfit", "out", "back"])),
    st.tuples(st.just("explain"), st.integers(1, 2), st.sampled_from(["machine", "none"])),
    st.tuples(st.just("inspect"), st.sampled_from(["OF-1", "OF-2"]), st.integers(0, 5), st.integers(0, 2)),
    st.tuples(st.just("resume"), st.sampled_from(["GEN", "KIT"])),
    st.tuples(st.just("agree"), unit, st.integers(1, 2), st.sampled_from([OPERATOR, "STRANGER"])),
)


class History:
    """Plays actions; stations' events wait and go out in batches, each twice, streams side by side."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.waiting: dict[str, list[wire.Envelope]] = {}
        self.installed: list[str] = []
        self.sent: list[str] = []

    def keep(self, bench: Bench, *events: wire.Envelope) -> None:
        for e in events:
            self.waiting.setdefault(bench.station, []).append(e)
            if e.kind == "MaterialsInstalled":
                self.installed.append(e.event_id)

    def flush(self) -> None:
        batches = [self.floor.bench(s).batch(*events) for s, events in sorted(self.waiting.items())]
        if not batches:
            return
        self.sent.extend(e.event_id for b in batches for e in b.request.events)
        self.waiting.clear()
        first = self.floor.ingest(*batches)
        again = self.floor.ingest(*reversed(batches), *batches)
        for a, b in zip(first, again[len(batches) :], strict=True):
            assert isinstance(a, wire.IngestReply)
            assert isinstance(b, wire.IngestReply)
            assert [(r.verdict, r.reason, r.args) for r in a.results] == [
                (r.verdict, r.reason, r.args) for r in b.results
            ]
            assert all(r.status in ("duplicate", "quarantined") for r in b.results)

    def office(self, body: wire.Frozen, kind: str | None = None) -> None:
        """What somebody does away from the benches, whether it is refused or not."""
        self.flush()
        named = kind or type(body).__name__
        self.floor.do(lambda session, *, now: orders.request(session, named, body, now=now, actor="P-BOSS"))

    def inspect(self, order: str, quantity: int, found: int) -> None:
        """A lot of what is ready, judged as it is offered."""
        self.flush()
        stated = wire.LotStated(order=order, step="bag" if order == "OF-2" else "fit", quantity=quantity)
        with reading(self.floor.engine) as session:
            offer = sampling.offer(session, stated)
        if isinstance(offer, Offer):
            count = min(found, offer.plan.size)
            seen = {"size": offer.count, "severity": offer.severity, "sample": offer.plan.size, "found": count}
            units = tuple(offer.units)[:count]
            self.office(wire.LotInspected.model_validate({**stated.model_dump(), **seen, "units": units}))

    def play(self, action: tuple) -> None:  # type: ignore[type-arg]
        name, *a = action
        bench = self.floor.bench
        if name == "cycle":
            serial, value, ask = a
            number = SERIALS.index(serial) + 10
            b1, b2 = bench("b1"), bench("b2")
            self.keep(
                b1,
                b1.arrive(serial, "fit", asks=ask),
                b1.fit(serial, "BAT", serial=str(number), asks=ask),
                b1.fit(serial, "FUSE", lot="1", asks=ask),
                b1.fit(serial, "FUSE", lot="1", asks=ask),
                b1.done(serial, "fit", asks=ask),
            )
            self.flush()
            self.keep(b2, b2.arrive(serial, "test"), b2.test(serial, value), b2.done(serial, "test", asks=ask))
        elif name == "arrive":
            self.keep(bench(a[0]), bench(a[0]).arrive(a[1], a[2], asks=a[3]))
        elif name == "fit":
            number = {"serial": str(a[3])} if a[2] == "BAT" else {"lot": str(a[3])}
            self.keep(bench(a[0]), bench(a[0]).fit(a[1], a[2], asks=a[4], **number))
        elif name == "unfit" and self.installed:
            which = self.installed[a[2] % len(self.installed)]
            b = bench(a[0])
            self.keep(b, b.event("MaterialsUninstalled", unit=a[1], step="fit", installation=which))
        elif name == "test":
            self.keep(bench(a[0]), bench(a[0]).test(a[1], a[2]))
        elif name == "look":
            self.keep(bench(a[0]), bench(a[0]).look(a[1], *(["SCR"] if a[2] else [])))
        elif name == "done":
            self.keep(bench(a[0]), bench(a[0]).done(a[1], a[2], asks=a[3]))
        elif name == "depart":
            self.keep(bench(a[0]), bench(a[0]).event("UnitsDeparted", unit=a[1], step=a[2]))
        elif name == "scrap":
            self.keep(bench(a[0]), bench(a[0]).event("UnitsDisqualified", unit=a[1], step=a[2]))
        elif name == "count":
            (where, at), good, scrap, ask = a
            b = bench(where)
            lost = [{"defect": "BENT", "quantity": scrap}] if scrap else []
            self.keep(b, b.event("WorkCompleted", order="OF-2", step=at, good=good, scrap=lost, asks=ask))
        elif name == "load":
            (where, at), part, number, ask = a
            b = bench(where)
            self.keep(b, b.event("MaterialsLoaded", order="OF-2", step=at, part=part, lot=str(number), asks=ask))
        elif name == "receive":
            self.flush()
            self.floor.do(lots.receive, "FUSE", str(a[0]), a[1], received=date(2026, 11, 20))
        elif name == "decide":
            self.flush()
            self.floor.do(quality.decide, f"NC-2026-{a[0]:04}", a[1], step=a[2])
        elif name == "lot":
            self.flush()
            self.floor.do(lots.hold if a[0] else lots.release, "FUSE", str(a[1]), why="x")
        elif name == "order":
            self.flush()
            self.floor.do(getattr(orders, a[0]), a[1])
        elif name == "poison":
            self.keep(bench(a[0]), bench(a[0]).event(a[1], nonsense=1))
        elif name == "help":
            self.keep(bench(a[0]), bench(a[0]).event("HelpRequested"))
        elif name == "fault":
            kind = "FaultOccurred" if a[1] else "FaultCleared"
            self.keep(bench(a[0]), bench(a[0]).event(kind, device="scanner", fault="unplugged"))
        elif name == "who":
            b = bench(a[0])
            b.operator = a[1]
            self.keep(b, b.event("OperatorActivated"))
        elif name == "badge":
            issued = wire.BadgeIssued(badge=a[1], person="P-NEW", language="fr")
            self.office(issued if a[0] else wire.BadgeEnded(badge=a[1]))
        elif name == "able":
            until, person = a
            granted = wire.QualificationGranted(person=person, qualification="trade", valid_until=until or "2026-11-23")
            self.office(granted if until else wire.QualificationWithdrawn(person=person, qualification="trade"))
        elif name == "agree":
            serial, visit, operator = a
            reasons = ("not_qualified", "qualification_expired")
            what = {"unit": serial, "step": "fit", "visit": visit, "operator": operator, "station": "b1"}
            self.office(wire.OverrideGranted(**what, reasons=reasons, by="P-BOSS"))
        elif name == "measure":
            serial, value, device, due = a
            taken = {"test": "volt", "value": value, "unit": "V", "device": device, "serial": "S"}
            taken |= {"outcome": "passed" if value < 5 else "failed", "calibration_due": "2026-11-23" if due else None}
            run = {"unit": serial, "step": "test", "outcome": taken["outcome"], "tests": [taken]}
            self.keep(bench("b2"), bench("b2").event("UnitsTested", **run))
        elif name == "explain":
            self.office(wire.SignalClosed(signal=f"SI-2026-{a[0]:04}", cause=a[1], why="x"))
        elif name == "inspect":
            self.inspect(*a)
        elif name == "resume":
            step = "bag" if a[0] == "KIT" else "fit"
            self.office(wire.SeriesDecided(product=a[0], step=step, decision="resume", why="x"))
        elif name == "sample":
            taken = {"test": "volt", "value": 3.0, "unit": "V", "device": a[1], "outcome": "passed"}
            self.keep(bench("b2"), bench("b2").event("ReadingsRecorded", unit=a[0], step="test", n=1, readings=[taken]))
        elif name == "instrument":
            done = {"instrument": "M-1", "done": "2026-01-01"}
            self.office(
                {
                    "add": lambda: wire.InstrumentDescribed(instrument="M-1", family="f", model="m", serial="S"),
                    "good": lambda: wire.InstrumentCalibrated(**done, result="good", due="2027-01-01"),
                    "old": lambda: wire.InstrumentCalibrated(**done, result="good", due="2026-11-01"),
                    "unfit": lambda: wire.InstrumentCalibrated(**done, result="unfit"),
                    "out": lambda: wire.InstrumentMoved(instrument="M-1", why="x"),
                    "back": lambda: wire.InstrumentMoved(instrument="M-1"),
                }[a[0]](),
                {"add": "InstrumentRegistered", "out": "InstrumentRetired", "back": "InstrumentReturned"}.get(a[0]),
            )
        elif name == "forget":
            self.flush()
            forget(self.floor)
        elif name == "requeue":
            self.flush()
            self.floor.do(lambda session, *, now: quality.requeue(session, now=now))


def forget(floor: Floor) -> None:
    """Generalise the operators of everything until now."""

    def write(use_case: Callable[[Session, datetime], int]) -> int:
        with writing(floor.engine) as session:
            return use_case(session, floor.clock.tick())

    forgetting.generalise(floor.engine, write, now=floor.clock.now + timedelta(days=2), days=1, batch=3)


def plan_with_a_trade() -> Plan:
    """The small plan; fitting asks for a qualification, which only one badge has, and a bag takes two fuses of lots;
    a voltage that is not as usual stops the test, and lots are sampled."""
    plan = small_plan(chart=Control(centre=3.0, sigma=0.7, rules=(1, 2), when="hold"))
    fuses = Component(part="FUSE", name=text("Fusible"), per="lot", quantity=2)
    asked = Sampling(aql=4.0, reduced=True)
    other = {
        "fit": {"qualification": "trade", "sampling": asked},
        "bag": {"components": (fuses,), "sampling": asked},
    }
    steps = [tuple(s.model_copy(update=other.get(s.id, {})) for s in p.steps) for p in plan.products]
    products = tuple(p.model_copy(update={"steps": s}) for p, s in zip(plan.products, steps, strict=True))
    plant = plan.plant.model_copy(update={"qualifications": (Qualification(id="trade", name=text("Métier")),)})
    return plan.model_copy(update={"products": products, "plant": plant})


@pytest.mark.timeout(400)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, max_size=40), st.integers(1, 6))
def test_the_replay_of_any_history_gives_the_same_state(history: list[tuple], every: int) -> None:  # type: ignore[type-arg]
    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(f"sqlite:///{folder}/atelier.db", plan_with_a_trade())
        floor.order("GEN", 4)
        floor.order("KIT", 100, order="OF-2")
        played = History(floor)
        for i, action in enumerate(history):
            played.play(action)
            if i % every == 0:
                played.flush()
        played.flush()
        with reading(floor.engine) as session:
            kept = Counter(session.scalars(select(Ledger.event_id).where(Ledger.source != "office")))
            numbers = sorted(session.scalars(select(Nonconformity.id)))
        assert kept == Counter(played.sent)
        assert numbers == [f"NC-2026-{n:04}" for n in range(1, len(numbers) + 1)]
        _, findings = verify_engine(floor.engine, Path(folder))
        (Path(folder) / "replay.db").unlink()
        forget(floor)
        _, after = verify_engine(floor.engine, Path(folder))
        with reading(floor.engine) as session:
            named = session.scalars(select(Ledger.operator).where(Ledger.source != "office").distinct()).all()
        floor.close()
        assert findings == after == []
        assert set(named) <= {wire.SOMEBODY, None}

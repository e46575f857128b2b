"""Simulated operators on real sessions: whatever the screen shows, a sensible person finds the way on.

The sessions, the gate and the rules are the product's own; time is made up, so a shift takes a second.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mes import plan as plans
from mes.domain import barcode
from mes.domain.gate import Order, Unit
from mes.domain.measurement import judge
from mes.domain.route import Plan, Step
from mes.plan import StationFile
from stations.devices.readings import Reading
from stations.inputs import BadScan, Measured, Taken
from stations.simulator.bench import VirtualBench
from stations.simulator.floor import Floor
from stations.simulator.mind import Act, Place
from stations.simulator.nature import Nature, Truth
from stations.simulator.operator import PATIENCE_S, Mind
from stations.simulator.people import NOTHING_GOES_WRONG, Odds, Pace, Person
from stations.simulator.safety_tester import VirtualSafetyTester
from stations.simulator.scanner import ScanFault
from stations.simulator.seen import Seen, Tally, seen_of
from stations.simulator.stock import Stock, ecia_label, text_for
from stations.state import state_of
from tests.builders import Bench, a_bench, a_floor

CONFIG = Path(__file__).resolve().parents[2] / "config"
SPEED = 60.0
SERIALS = [f"NMD-2647-{n:05}" for n in range(1, 5)]
KIT = "OF-2026-002"


def the_plan(min_s: int = 60) -> Plan:
    """The plan that ships, with a short burn-in."""
    plan = plans.read_plan(CONFIG)
    assert isinstance(plan, Plan)

    def shorter(step: Step) -> Step:
        own_s = step.cycle_s - step.min_s
        short = {"min_s": min_s, "cycle_s": own_s + min_s, "sample_s": min(step.sample_s, 5)}
        return step.model_copy(update=short) if step.min_s else step

    products = tuple(p.model_copy(update={"steps": tuple(map(shorter, p.steps))}) for p in plan.products)
    return plan.model_copy(update={"products": products})


def the_file(station: str) -> StationFile:
    file = plans.read_station(CONFIG / "stations" / f"{station}.toml")
    assert isinstance(file, StationFile)
    return file


@dataclass
class Desk:
    """One person at one bench: the session under it is the product's own."""

    place: Place
    bench: Bench
    mind: Mind
    at_s: float = 0.0
    version: int = 0
    acts: list[Act] = field(default_factory=list)

    @property
    def seen(self) -> Seen:
        """What the person sees, as it travels: through JSON."""
        self.version += 1
        return seen_of(json.loads(json.dumps({"version": self.version, **state_of(self.bench.screen)})))

    def live(self) -> Act | None:
        """Look once, do one thing, wait for the answer."""
        self.bench.seconds = self.at_s
        self.bench.tick(0)
        self.sample()
        act = self.mind.next(self.seen, self.at_s)
        if act is None:
            self.at_s += 0.5
            return None
        self.acts.append(act)
        self.at_s += act.after_s
        self.bench.seconds, before = self.at_s, self.seen
        self.scan(act)
        self.answer()
        patience_s = PATIENCE_S if self.seen.same_as(before) else 0.1
        self.at_s = max(self.bench.seconds, self.at_s + patience_s)
        return act

    def scan(self, act: Act) -> None:
        """The scanner reads well, twice, or badly."""
        if act.fault in ("torn", "noise"):
            self.bench.give(BadScan, after_s=0, raw=b"?", why="torn")
        else:
            for _ in range(2 if act.fault == "double" else 1):
                self.bench.scan(act.scan, after_s=0.01)

    def answer(self) -> None:
        """The server judges, the instruments measure, until nothing is under way."""
        self.bench.server()
        self.sample()
        while (asked := self.bench.measuring) is not None:
            self.bench.measuring = None
            product = self.bench.floor.plan.product("NOMAD-1000")
            step = product.step(asked.step) if product else None
            assert step is not None
            values = {t.id: self.place.nature.shown(asked.unit, step, t) for t in asked.tests}
            taken = tuple(Taken(t.id, Reading(values[t.id], t.unit, "measured", "")) for t in asked.tests)
            self.bench.give(Measured, run=asked.run, readings=taken)
            self.bench.server()

    def sample(self) -> None:
        """Answer what samples ask for; which unit it is, the place says."""
        while (asked := self.bench.sampling) is not None:
            self.bench.sampling = None
            work = next((w for w in self.bench.session.works if w.sampling and w.sampling.number == asked.run), None)
            if work is None:
                return
            reading = Reading(
                self.place.nature.shown(work.serial, work.step, asked.test), asked.test.unit, "measured", ""
            )
            self.bench.give(Measured, run=asked.run, readings=(Taken(asked.test.id, reading),))
            self.bench.server()


class Shop:
    """The shipped plan, a person at each station, units in front of the first one."""

    def __init__(self, odds: Odds = NOTHING_GOES_WRONG, *, seed: int = 1, units: int = len(SERIALS), kits: int = 0):
        self.plan = the_plan()
        self.odds, self.rng = odds, random.Random(seed)
        self.orders: list[str] = []
        self.nature = Nature(seed, odds)
        self.floor = Floor(self.plan)
        nomad, kit = self.plan.product("NOMAD-1000"), self.plan.product("KIT-B")
        assert nomad is not None
        assert kit is not None
        self.nomad = nomad
        first = nomad.steps[0].id
        rows = [{"serial": s, "state": "reserved", "step": first, "nc": None} for s in SERIALS[:units]]
        self.floor.deliver(nomad, rows)
        if kits:
            self.floor.deliver_lot(KIT, kit, kits)
        made = [Unit(s, "OF-1", nomad.id, "reserved", first, {first: 1}) for s in SERIALS[:units]]
        orders = [Order("OF-1", nomad.id, 10, "released", 1), Order(KIT, kit.id, 100, "released", 1)]
        self.server = a_floor(*made, orders=orders, plan=self.plan)
        self.desks = {s.id: self.desk(s.id, f"OP-{n:02}") for n, s in enumerate(self.plan.stations, 1)}

    def desk(self, station: str, badge: str) -> Desk:
        here = self.plan.station(station)
        assert here is not None
        pace = Pace(SPEED, spread=0.1)
        bench = VirtualBench(
            the_file(station),
            self.orders.append,
            nature=self.nature,
            odds=self.odds,
            rng=self.rng,
        )
        person = Person(badge)
        stock = Stock(self.plan, self.rng)
        place = Place(here, self.plan, person, self.floor, self.nature, bench, stock, self.odds, pace, self.rng)
        return Desk(place, a_bench(station, floor=self.server, plan=self.plan, signed_in=False), Mind(place))

    def run(self, seconds: float) -> None:
        """Let everybody work until then, or until all is done: always the one whose clock is furthest behind."""
        while (desk := min(self.desks.values(), key=lambda d: d.at_s)).at_s < seconds:
            if self.floor.done.get("NOMAD-1000") == len(self.server.units) > 0:
                return
            desk.live()
            self.deal_with_the_red_shelf()

    def run_until_waiting(self, station: str) -> Desk:
        """Let the others work until a unit stands in front of this station."""
        while not self.floor.waiting(station):
            min((d for s, d in self.desks.items() if s != station), key=lambda d: d.at_s).live()
        return self.desks[station]

    def deal_with_the_red_shelf(self) -> None:
        """The supervisor: everything is reworked at once, where it failed."""
        for serial in self.floor.on_red_shelf():
            unit = self.server.units[serial]
            self.server.units[serial] = replace(unit, nc=None, state="waiting")
            self.nature.repair(serial)
            station = self.floor.unshelve(serial)
            assert station is not None
            self.floor.carry(serial, station)

    def kinds(self) -> Counter[str]:
        return Counter(d.kind for desk in self.desks.values() for d, _ in desk.bench.kept)


def work_until(desk: Desk, reason: str, limit: int = 40) -> list[str]:
    """Let one person work until the screen says this; returns all that it said."""
    said: list[str] = []
    for _ in range(limit):
        desk.live()
        said.append(desk.bench.banner.reason)
        if reason in said:
            return said
    raise AssertionError(f"never {reason}: {said}")


# --- the whole floor


def test_units_pass_through_all_eight_benches_when_nothing_goes_wrong() -> None:
    shop = Shop()
    shop.run(400)
    assert shop.floor.done == {"NOMAD-1000": len(SERIALS)}
    assert {u.state for u in shop.server.units.values()} == {"done"}


def test_nobody_scans_anything_that_the_screen_turns_red_for_when_nothing_goes_wrong() -> None:
    shop = Shop()
    reds = set()
    while (desk := min(shop.desks.values(), key=lambda d: d.at_s)).at_s < 300:
        desk.live()
        reds |= {desk.bench.banner.reason} if desk.bench.banner.tone == "stop" else set()
    assert reds == set()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_units_are_finished_however_much_goes_wrong(seed: int) -> None:
    shop = Shop(Odds(0.2, 0.0, 0.3, 0.2, 0.3, 0.3, 0.3, 0.3, 0.2, 0.3, 0.0, 1.0), seed=seed, kits=60)
    shop.run(2_500)
    assert shop.floor.done["NOMAD-1000"] == len(SERIALS)
    seen = shop.kinds()
    assert {"HelpRequested", "HelpAnswered", "IdentifiersNotRead", "StationStateChanged"} <= seen.keys()


def test_the_same_seed_makes_the_same_shift() -> None:
    shifts = []
    for _ in range(2):
        shop = Shop(Odds(), seed=7)
        shop.run(200)
        shifts.append([[a.scan for a in desk.acts] for desk in shop.desks.values()])
    assert shifts[0] == shifts[1]


def borne(*, quantity: int = 10) -> Shop:
    """Units that bear a serial of their maker, in front of the first step; the order takes so many."""
    shop = Shop(units=0)
    own = shop.nomad.model_copy(update={"serial": None, "serial_scan": "PF[0-9A-Z]{6}"})
    products = tuple(own if p.id == own.id else p for p in shop.plan.products)
    shop.nomad, shop.plan = own, shop.plan.model_copy(update={"products": products})
    shop.server = a_floor(orders=[Order("OF-1", own.id, quantity, "released", 1)], plan=shop.plan)
    shop.server.units.clear()
    shop.floor = Floor(shop.plan)
    shop.floor.deliver_bare("OF-1", own, [text_for("PF[0-9A-Z]{6}", shop.rng) or "" for _ in SERIALS])
    shop.desks = {s: shop.desk(s, f"OP-{n:02}") for n, s in enumerate(shop.desks, 1)}
    return shop


def test_units_with_a_serial_of_their_own_are_taken_in_and_pass_through_the_floor() -> None:
    shop = borne()
    said = work_until(shop.desks["bench-1"], "step_done")
    assert said[:3] == ["welcome", "serials_here", "unit_arrived"]
    shop.run(400)
    assert shop.floor.done == {"NOMAD-1000": len(SERIALS)}
    assert shop.kinds()["UnitsInitialized"] == len(SERIALS), "each was taken in once"


def test_a_unit_that_the_order_has_no_place_for_is_put_aside() -> None:
    shop = borne(quantity=1)
    said = work_until(shop.desks["bench-1"], "serials_full", 60)
    shop.run(60)
    assert "step_done" in said
    assert len(shop.server.units) == 1
    assert shop.floor.take("bench-1") is None


def test_after_the_agents_restart_a_unit_that_was_just_taken_in_is_found_again() -> None:
    shop = borne()
    desk = shop.desks["bench-1"]
    work_until(desk, "unit_arrived")
    shop.floor.taken_in(str(desk.seen.unit), back_to="OF-1")  # the person has not seen the answer
    desk.bench = a_bench("bench-1", floor=shop.server, plan=shop.plan, signed_in=False)
    said = work_until(desk, "step_done", 60)
    assert said[:3] == ["welcome", "serials_here", "unit_here"]
    assert "UnitsInitialized" not in desk.bench.kinds, "the server has told the station of it"


# --- a person at a bench


def test_a_person_signs_in_before_anything_else() -> None:
    desk = Shop().desks["bench-1"]
    act = desk.live()
    assert act is not None
    assert isinstance(barcode.read(act.scan), barcode.Badge)
    assert desk.bench.screen.operator == desk.place.person.badge


def test_a_person_scans_the_unit_what_the_step_needs_and_done() -> None:
    desk = Shop().desks["bench-1"]
    said = work_until(desk, "step_done")
    assert said == ["welcome", "unit_arrived", "component_fitted", "component_fitted", "step_done"]


def test_the_unit_is_carried_to_where_the_green_banner_says() -> None:
    shop = Shop()
    work_until(shop.desks["bench-1"], "step_done")
    shop.desks["bench-1"].live()
    assert shop.floor.take("bench-2") == SERIALS[0]


def test_a_wrong_part_is_followed_by_the_right_one() -> None:
    shop = Shop(replace(NOTHING_GOES_WRONG, wrong_part=0.5), seed=3)
    said = work_until(shop.desks["bench-1"], "step_done", 60)
    assert {"component_wrong", "unknown_code"} & set(said)


def test_a_bad_reading_is_followed_by_checked_leads_and_another_try() -> None:
    shop = Shop(units=1)
    desk = shop.run_until_waiting("bench-4")
    step = shop.nomad.step("safety")
    assert step is not None
    shop.nature.of(SERIALS[0], step).loose.add("iso")
    said = work_until(desk, "step_done")
    assert "retest" in said
    assert "test_failed" not in said


def test_a_blocked_unit_is_put_on_the_red_shelf() -> None:
    shop = Shop(units=1)
    step = shop.nomad.step("safety")
    assert step is not None
    shop.nature.of(SERIALS[0], step).bad.add("hipot")
    desk = shop.run_until_waiting("bench-4")
    work_until(desk, "test_failed")
    desk.live()
    assert shop.floor.on_red_shelf() == [SERIALS[0]]


def test_a_defect_that_is_seen_is_scanned_from_the_sheet() -> None:
    shop = Shop(units=1)
    shop.nature._truths[SERIALS[0], "kitting"] = Truth(defect="DENT")
    work_until(shop.desks["bench-1"], "defect_found")


def test_a_label_that_cannot_be_read_brings_somebody_with_a_new_one() -> None:
    shop = Shop(replace(NOTHING_GOES_WRONG, worn_label=1.0), units=1)
    said = work_until(shop.desks["bench-1"], "step_done", 80)
    assert said.index("unreadable") < said.index("help_called") < said.index("help_came") < said.index("unit_arrived")


def test_after_a_break_the_work_goes_on_where_it_was() -> None:
    shop = Shop(replace(NOTHING_GOES_WRONG, pause=1.0), units=1)
    said = work_until(shop.desks["bench-1"], "step_done", 80)
    assert said.index("paused") < said.index("resumed") < said.index("component_fitted")


def test_after_the_agents_restart_the_unit_in_hand_is_scanned_again() -> None:
    shop = Shop(units=1)
    desk = shop.run_until_waiting("bench-2")
    work_until(desk, "component_fitted")
    desk.bench = a_bench("bench-2", floor=shop.server, plan=shop.plan, signed_in=False)
    said = work_until(desk, "step_done")
    assert said[:2] == ["welcome", "unit_here"]


def test_after_the_agents_restart_each_unit_of_the_rack_is_scanned_again() -> None:
    shop = Shop()
    while len(shop.desks["bench-6"].bench.screen.rack) < 3:
        shop.run(min(d.at_s for d in shop.desks.values()) + 1)
    desk = shop.desks["bench-6"]
    racked = {r.unit for r in desk.bench.screen.rack}
    restarted = a_bench("bench-6", floor=shop.server, plan=shop.plan, signed_in=False)
    desk.bench = restarted
    shop.run(600)
    assert {u for u in racked if shop.server.units[u].state == "done"} == racked


def test_without_network_a_person_goes_on_in_amber_and_the_unit_moves_on() -> None:
    shop = Shop(units=1)
    desk = shop.desks["bench-1"]
    desk.live()
    desk.bench.server = lambda: desk.bench  # type: ignore[method-assign]  # the cable is out
    desk.bench.link("down")
    said = work_until(desk, "step_done")
    desk.live()
    assert desk.bench.banner.tone == "kept"
    assert said[0] == "offline_go"
    assert shop.floor.take("bench-2") == SERIALS[0]


def test_a_unit_that_was_carried_too_early_is_brought_back() -> None:
    shop = Shop(units=1)
    shop.floor.carry(str(shop.floor.take("bench-1")), "bench-2")
    desk = shop.desks["bench-2"]
    work_until(desk, "step_missing")
    desk.live()
    assert shop.floor.take("bench-1") == SERIALS[0]


def test_nobody_buries_the_next_bench_under_units() -> None:
    shop = Shop()
    for n in range(5):
        shop.floor.carry(f"U-{n}", "bench-2")
    desk = shop.desks["bench-1"]
    for _ in range(10):
        desk.live()
    assert shop.floor.waiting("bench-1") == len(SERIALS)
    shop.floor.take("bench-2")
    work_until(desk, "step_done")
    assert shop.floor.waiting("bench-1") == len(SERIALS) - 1


# --- counting


def test_a_tray_is_counted_booked_and_handed_on() -> None:
    shop = Shop(kits=30)
    desk = shop.desks["pack-1"]
    said = work_until(desk, "order_here")
    while desk.bench.screen.order is not None:
        desk.live()
    desk.live()
    pile = shop.floor.pile_at("pack-2")
    assert said[-1] == "order_here"
    assert pile is not None
    assert pile[0].pieces == desk.bench.body("WorkCompleted").good > 0


def test_scrap_is_scanned_with_its_defect() -> None:
    shop = Shop(replace(NOTHING_GOES_WRONG, scrap=1.0), kits=30)
    desk = shop.desks["pack-1"]
    for _ in range(12):
        desk.live()
    booked = desk.bench.body("WorkCompleted")
    assert sum(s.quantity for s in booked.scrap) in (1, 2)
    assert {s.defect for s in booked.scrap} <= set(shop.plan.products[0].steps[0].defects)


def test_a_count_that_the_scanner_read_twice_is_taken_back() -> None:
    shop = Shop(replace(NOTHING_GOES_WRONG, scrap=1.0), kits=30)
    desk = shop.desks["pack-1"]
    work_until(desk, "order_here")
    while desk.bench.screen.order is not None:
        seen = desk.seen
        act = desk.mind.next(seen, desk.at_s)
        assert act is not None
        counts = isinstance(barcode.read(act.scan), barcode.Quantity | barcode.DefectCode)
        fresh = seen.good == 0 or (counts and seen.scrap == 0)
        desk.at_s += act.after_s + 1
        desk.bench.seconds = desk.at_s
        desk.scan(replace(act, fault="double" if fresh else None))
        desk.answer()
    booked = desk.bench.body("WorkCompleted")
    assert booked.good + sum(s.quantity for s in booked.scrap) <= 24


def test_pieces_that_are_not_booked_upstream_yet_are_counted_later() -> None:
    shop = Shop(kits=30)
    kit = shop.plan.product("KIT-B")
    pile = shop.floor.pile_at("pack-1")
    assert kit is not None
    assert pile is not None
    shop.floor.count(pile[0], 10, 0)
    desk = shop.desks["pack-2"]
    said: list[str] = []
    for _ in range(14):
        desk.live()
        if desk.bench.kept and desk.bench.kept[-1][0].kind == "WorkCompleted" and "too_many" not in said:
            desk.bench.says("WorkCompleted", "refused", "too_many", left=0, counted=10)
        said.append(desk.bench.banner.reason)
    found = shop.floor.pile_at("pack-2")
    assert found is None or found[0].pieces == 10


# --- the world around


@pytest.mark.parametrize(
    "pattern",
    [
        r"^CH(?P<serial>\d{6})$",
        r"^(?P<serial>B\d-\d{5})$",
        r"^SCREW-M6/(?P<lot>\d\d-\d{3})$",
        r"(?P<lot>[A-F0-9]{4}\.\w+)",
    ],
)
def test_a_plain_label_is_made_to_the_plans_pattern(pattern: str) -> None:
    text = text_for(pattern, random.Random(1))
    assert text is not None
    assert re.fullmatch(pattern, text)


def test_a_pattern_that_is_not_that_simple_gets_an_ecia_label_instead() -> None:
    assert text_for(r"^(?P<serial>A|B)(?=X)$", random.Random(1)) is None


def test_an_ecia_label_is_read_as_what_it_says() -> None:
    read = barcode.read(ecia_label("FUSE-30A", lot="24-117", quantity=40))
    assert isinstance(read, barcode.ComponentLabel)
    assert (read.part, read.lot, read.quantity) == ("FUSE-30A", "24-117", 40)


def test_every_component_of_the_plan_has_a_label_that_the_station_understands() -> None:
    plan = the_plan()
    stock = Stock(plan, random.Random(5))
    for component in (c for p in plan.products for s in p.steps for c in s.components):
        for _ in range(100):
            label = stock.take(component.part)
            assert label is not None
            read = barcode.read(label)
            assert isinstance(read, barcode.ComponentLabel | barcode.Plain | barcode.Gs1), label


def test_a_good_unit_measures_within_its_limits_and_a_bad_one_does_not() -> None:
    plan, nature = the_plan(), Nature(3, NOTHING_GOES_WRONG)
    tests = [(s, t) for p in plan.products for s in p.steps for t in s.tests]
    for n, (step, test) in enumerate(tests * 20):
        unit = f"U-{n}"
        good = nature.shown(unit, step, test)
        assert judge(good, test.low, test.high) == "passed", test.id
        nature.of(unit, step).bad.add(test.id)
        bad = nature.shown(unit, step, test)
        assert judge(bad, test.low, test.high) == "failed", test.id
        nature.repair(unit)
        assert nature.shown(unit, step, test) == good


def test_a_unit_is_the_same_whoever_asks_first_and_another_one_for_another_seed() -> None:
    plan = the_plan()
    steps = [s for p in plan.products for s in p.steps if s.tests]
    units = [f"U-{n}" for n in range(30)]
    odds = Odds(bad_unit=0.3, bad_lead=0.3, defect=0.3, worn_label=0.3)

    def found(seed: int, order: list[str]) -> dict[tuple[str, str], Truth]:
        nature = Nature(seed, odds)
        worn = {u: nature.label_is_worn(u) for u in order}
        return {(u, s.id): nature.of(u, s) for u in order for s in steps} | {
            (u, "label"): Truth(defect=str(worn[u])) for u in order
        }

    assert found(1, units) == found(1, units[::-1])
    assert found(1, units) != found(2, units)


def test_what_is_connected_is_said_to_the_devices_and_said_again_after_their_start() -> None:
    said: list[str] = []
    nature = Nature(1, NOTHING_GOES_WRONG)
    plan = the_plan()
    nomad = plan.product("NOMAD-1000")
    assert nomad is not None
    for station, name in (("bench-4", "safety"), ("bench-5", "function"), ("bench-8", "packing")):
        bench = VirtualBench(
            the_file(station), said.append, nature=nature, odds=NOTHING_GOES_WRONG, rng=random.Random(1)
        )
        step = nomad.step(name)
        assert step is not None
        nature.of("U-1", step).bad.update(t.id for t in step.tests if t.ask == "IR")
        bench.connect("U-0", step)
        bench.connect("U-1", step)
        now, said[:] = list(said), []
        bench.scan("[)>\x1e06\x1dPX\x1e\x04", "torn")
        bench.say_again()
        assert said[0] == "scanner scan '[)>\x1e06\x1dPX\x1e\x04' torn"
        assert set(said[1:]) < set(now), "the last unit, and no scan"
        if station == "bench-4":
            assert said[1:] == ["safety fail IR"]
        said.clear()


def test_the_safety_tester_fails_the_functions_that_the_unit_fails_and_no_others() -> None:
    clock = [0.0]
    tester = VirtualSafetyTester(rng=random.Random(1), now=lambda: clock[0])
    tester.bad = frozenset({"IR"})
    verdicts = {}
    for function in ("GB", "IR", "ACW"):
        tester.respond(f"MANU:EDIT:MODE {function}\nFUNC:TEST ON\n".encode())
        clock[0] += 1
        answer = b"".join(b.data for b in tester.respond(b"MEAS?\n"))
        verdicts[function] = b"PASS" in answer
    assert verdicts == {"GB": True, "IR": False, "ACW": True}


def test_a_red_shelf_of_an_earlier_run_is_found_again() -> None:
    shop = Shop(units=0)
    rows = [
        {"serial": "A", "state": "waiting", "step": "safety", "nc": "NC-1"},
        {"serial": "B", "state": "in_work", "step": "final", "nc": None},
        {"serial": "C", "state": "done", "step": "packing", "nc": None},
    ]
    assert shop.floor.deliver(shop.nomad, rows) == 2
    assert shop.floor.on_red_shelf() == ["A"]
    assert shop.floor.take("bench-7") == "B"


def test_what_an_agent_counted_before_its_restart_is_not_forgotten() -> None:
    tally = Tally()

    def meters(captured: int, *ms: float) -> dict[str, Any]:
        times = {name: [n * at for at in ms] for n, name in enumerate(Tally.TIMES, 1)}
        return {**dict.fromkeys(Tally.COUNTS, 0), "captured": captured, **times}

    for said in (meters(5, 1.0), meters(9, 1.0, 2.0), meters(0), meters(3, 7.0)):
        tally.take(said)
    assert tally.count("captured") == 12
    assert tally.times_ms("scan_to_verdict_ms") == [1.0, 2.0, 7.0]
    assert tally.times_ms("reading_to_verdict_ms") == [2.0, 4.0, 14.0]


@pytest.mark.parametrize("fault", ["torn", "noise", "double"])
def test_a_bad_scan_is_made_good_by_the_next_one(fault: ScanFault) -> None:
    shop = Shop(units=1)
    desk = shop.desks["bench-1"]
    desk.live()
    act = desk.mind.next(desk.seen, desk.at_s)
    assert act is not None
    desk.bench.seconds = desk.at_s = 5.0
    desk.scan(replace(act, fault=fault))
    desk.answer()
    work_until(desk, "step_done")
